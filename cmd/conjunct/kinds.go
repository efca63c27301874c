package main

import (
	"slices"
	"strings"

	"conjunct/api"
	"conjunct/policy"
)

// kind is a kind of object as the command line knows it.
type kind struct {
	noun     policy.Kind
	words    []string // what people call it beside the kind's name and its plural
	manifest string   // the kind of its documents; "" where it is not applied on its own
	named    bool     // whether a list can be asked for a name
	objects  collection
	owner    policy.Kind // of what belongs to another object
	below    func(owner string) collection

	// project is whose the object is, "" for what all projects share; nil for kinds that belong to none.
	project func(*names, object) policy.ProjectID
	key     func(*names, object) string // what lists are sorted by, where that is not the label
	header  []string
	row     func(*names, object) []string // the rest of the columns; the first is the label
}

func (k *kind) plural() string {
	if s, ok := strings.CutSuffix(string(k.noun), "y"); ok {
		return s + "ies"
	}
	return string(k.noun) + "s"
}

// calledByID reports whether the name in the manifest of an object becomes its id where nothing else is said.
func (k *kind) calledByID() bool { return k.noun == policy.KindHypervisor || !k.named }

// kinds is the table, in the order in which their objects can be created.
func kinds() []kind {
	rules := typed[api.Rule, *api.Rule]((*api.Client).Rules)
	groups := typed[api.Group, *api.Group]((*api.Client).Groups)
	sets := typed[api.IPSet, *api.IPSet]((*api.Client).IPSets)
	attachments := parts[api.Attachment, *api.Attachment]{groups, func(c *api.Client, id string) api.Collection[api.Attachment] {
		return c.AttachmentsOf(policy.GroupID(id))
	}}
	entries := parts[api.Entry, *api.Entry]{sets, func(c *api.Client, id string) api.Collection[api.Entry] {
		return c.EntriesOf(policy.IPSetID(id))
	}}
	return []kind{
		{
			noun: policy.KindProfile, words: []string{"prf"}, manifest: "Profile", named: true,
			objects: typed[api.Profile, *api.Profile]((*api.Client).Profiles),
			header:  []string{"NO GROUPS", "NO RULES", "DEFAULT GROUP", "EVALUATION", "GROUP DELETE", "SMTP GUARD"}, row: profileRow,
		},
		{
			noun: policy.KindProject, words: []string{"prj"}, manifest: "Project", named: true,
			objects: typed[api.Project, *api.Project]((*api.Client).Projects),
			header:  []string{"PROFILE", "SMTP ALLOWED", "LIMITS"}, row: projectRow,
		},
		{
			noun: policy.KindVPC, manifest: "VPC", named: true,
			objects: typed[api.VPC, *api.VPC]((*api.Client).VPCs),
			project: func(_ *names, o object) policy.ProjectID { return o.(*api.VPC).ProjectID },
			header:  []string{"PROFILE", "NUMBER"}, row: vpcRow,
		},
		{
			noun: policy.KindSubnet, words: []string{"net"}, manifest: "Subnet", named: true,
			objects: typed[api.Subnet, *api.Subnet]((*api.Client).Subnets),
			project: func(n *names, o object) policy.ProjectID {
				return n.projectOf(policy.KindVPC, string(o.(*api.Subnet).VPCID))
			},
			key:    subnetKey,
			header: []string{"VPC", "CIDRS", "VLAN"}, row: subnetRow,
		},
		{
			noun: policy.KindHypervisor, words: []string{"host", "hosts", "hv"}, manifest: "Hypervisor", named: true,
			objects: typed[api.Hypervisor, *api.Hypervisor]((*api.Client).Hypervisors),
			header:  []string{"STATE", "APPLIED", "DESIRED", "FLOWS", "CONNECT"}, row: hypervisorRow,
		},
		{
			noun: policy.KindIPSet, words: []string{"ipset", "ipsets", "set", "sets"}, manifest: "IPSet", named: true,
			objects: sets,
			project: func(_ *names, o object) policy.ProjectID { return o.(*api.IPSet).ProjectID },
			header:  []string{"VERSION", "ENTRIES", "DESCRIPTION"}, row: ipSetRow,
		},
		{
			noun: policy.KindGroup, words: []string{"sg", "sgs", "group", "groups"}, manifest: "SecurityGroup", named: true,
			objects: groups,
			project: func(_ *names, o object) policy.ProjectID { return o.(*api.Group).ProjectID },
			key:     groupKey,
			header:  []string{"RULES", "EVALUATION", "DESCRIPTION"}, row: groupRow,
		},
		{
			noun: policy.KindInstance, words: []string{"vm", "vms"}, manifest: "Instance", named: true,
			objects: typed[api.Instance, *api.Instance]((*api.Client).Instances),
			project: func(_ *names, o object) policy.ProjectID { return o.(*api.Instance).ProjectID },
			header:  []string{"GROUPS", "TAGS"}, row: instanceRow,
		},
		{
			noun: policy.KindPort, manifest: "Port",
			objects: typed[api.Port, *api.Port]((*api.Client).Ports),
			project: func(n *names, o object) policy.ProjectID {
				return n.projectOf(policy.KindInstance, string(o.(*api.Port).InstanceID))
			},
			header: []string{"INSTANCE", "SUBNET", "MAC", "ADDRESSES", "HYPERVISOR", "STATE", "GROUPS"}, row: portRow,
		},
		{
			noun: policy.KindAttachment, manifest: "Attachment", owner: policy.KindGroup,
			objects: attachments, below: attachments.below,
			project: func(n *names, o object) policy.ProjectID {
				return n.projectOf(policy.KindGroup, string(o.(*api.Attachment).GroupID))
			},
			key:    attachmentKey,
			header: []string{"GROUP", "TARGET"}, row: attachmentRow,
		},
		{
			noun: policy.KindRule, named: true, owner: policy.KindGroup,
			objects: rules,
			below: func(id string) collection { // Rules are listed with their group and changed at a path of their own.
				return listedFrom{rules, typed[api.Rule, *api.Rule](func(c *api.Client) api.Collection[api.Rule] { return c.RulesOf(policy.GroupID(id)) })}
			},
			project: func(n *names, o object) policy.ProjectID {
				return n.projectOf(policy.KindGroup, string(o.(*api.Rule).GroupID))
			},
			key:    ruleKey,
			header: []string{"GROUP", "POS", "RULE", "SERVICE", "PACKETS", "BYTES", "LAST HIT", "NUMBER", "ID"}, row: ruleRow,
		},
		{
			noun: policy.KindEntry, words: []string{"entry", "entries"}, owner: policy.KindIPSet,
			objects: entries, below: entries.below,
			project: func(n *names, o object) policy.ProjectID {
				return n.projectOf(policy.KindIPSet, string(o.(*api.Entry).IPSetID))
			},
			header: []string{"IP SET", "DESCRIPTION"}, row: entryRow,
		},
		{
			noun: policy.KindToken, named: true,
			objects: typed[api.Token, *api.Token]((*api.Client).Tokens),
			header:  []string{"ROLE", "PROJECT", "EXPIRES", "ID"}, row: tokenRow,
		},
	}
}

// kindOf is the row of a kind; every kind has one.
func kindOf(k policy.Kind) *kind {
	all := kinds()
	i := slices.IndexFunc(all, func(row kind) bool { return row.noun == k })
	return &all[i]
}

// kindCalled is the row of the kind that a word means, whatever its case.
func kindCalled(word string) (*kind, error) {
	all := kinds()
	for i := range all {
		k := &all[i]
		low := strings.ToLower(word)
		if low == string(k.noun) || low == k.plural() || low == strings.ToLower(k.manifest) || slices.Contains(k.words, low) {
			return k, nil
		}
	}
	return nil, usage("%q is no kind of object; these are: %s", word, strings.Join(kindWords(), ", "))
}

func kindWords() (out []string) {
	for _, k := range kinds() {
		out = append(out, k.plural())
	}
	return out
}

// projectOf is whose the object with the id is.
func (n *names) projectOf(k policy.Kind, id string) policy.ProjectID {
	o, ok := n.look(k, id)
	if !ok {
		return ""
	}
	return kindOf(k).project(n, o)
}
