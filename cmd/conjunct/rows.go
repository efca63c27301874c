package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"conjunct/api"
	"conjunct/policy"
)

// The columns of each kind; see the table of kinds.

func projectRow(n *names, o object) []string {
	p := o.(*api.Project)
	smtp := "no"
	if p.SMTPAllowed {
		smtp = "yes"
	}
	var limits []string
	for _, name := range slices.Sorted(maps.Keys(p.Limits)) {
		limits = append(limits, fmt.Sprintf("%s=%d", name, p.Limits[name]))
	}
	return []string{n.label(policy.KindProfile, string(p.Profile)), smtp, strings.Join(limits, ",")}
}

func vpcRow(n *names, o object) []string {
	v := o.(*api.VPC)
	return []string{n.label(policy.KindProfile, string(v.Profile)), number(v.Number)}
}

func subnetKey(n *names, o object) string {
	s := o.(*api.Subnet)
	return labelOf(s) + " " + n.label(policy.KindVPC, string(s.VPCID))
}

func subnetRow(n *names, o object) []string {
	s := o.(*api.Subnet)
	return []string{n.label(policy.KindVPC, string(s.VPCID)), words(s.CIDRs), strconv.Itoa(s.VLAN)}
}

func hypervisorRow(_ *names, o object) []string {
	h := o.(*api.Hypervisor)
	return []string{
		string(h.State), strconv.FormatInt(h.AppliedRevision, 10), strconv.FormatInt(h.DesiredRevision, 10), strconv.Itoa(h.Flows),
		orElse(string(h.Connect), "dials in"),
	}
}

func ipSetRow(_ *names, o object) []string {
	s := o.(*api.IPSet)
	return []string{fmt.Sprintf("IPv%d", s.IPVersion), strconv.Itoa(len(s.Entries)), s.Description}
}

func groupRow(_ *names, o object) []string {
	g := o.(*api.Group)
	return []string{strconv.Itoa(len(g.Rules)), string(g.Evaluation), g.Description}
}

func instanceRow(n *names, o object) []string {
	i := o.(*api.Instance)
	return []string{n.groupLabels(i.SecurityGroupIDs), tagWords(i.Tags)}
}

func portRow(n *names, o object) []string {
	p := o.(*api.Port)
	state := string(p.State)
	if p.Problem != "" {
		state += ": " + p.Problem
	}
	return []string{
		n.label(policy.KindInstance, string(p.InstanceID)), n.label(policy.KindSubnet, string(p.SubnetID)), p.MAC.String(), words(p.Addresses),
		n.label(policy.KindHypervisor, string(p.HypervisorID)), state, n.groupLabels(p.SecurityGroupIDs),
	}
}

// attachmentKey sorts attachments by age, in which they apply: a port with ordered groups by two of them asks the older one's first, and
// whoever applies what was written has to make it first. Those to instances and ports have no age and come before.
func attachmentKey(n *names, o object) string {
	a := o.(*api.Attachment)
	return fmt.Sprintf("%020d %s %s", a.Number, n.label(policy.KindGroup, string(a.GroupID)), n.targetWords(a.Target))
}

func attachmentRow(n *names, o object) []string {
	a := o.(*api.Attachment)
	return []string{n.label(policy.KindGroup, string(a.GroupID)), n.targetWords(a.Target)}
}

// ruleKey sorts rules by their group, and there by position and age.
func ruleKey(n *names, o object) string {
	r := o.(*api.Rule)
	position := 0
	if r.Position != nil {
		position = *r.Position
	}
	return fmt.Sprintf("%s %010d %010d", n.label(policy.KindGroup, string(r.GroupID)), position, r.Number)
}

func ruleRow(n *names, o object) []string {
	r := o.(*api.Rule)
	text, position := r.Rule, ""
	if r.Position != nil { // In a column of its own.
		text.Position, position = nil, strconv.Itoa(*r.Position)
	}
	return []string{
		n.label(policy.KindGroup, string(r.GroupID)), position, n.ruleText(&text), r.Service, count(r.Hits.Packets), count(r.Hits.Bytes), lastHit(r.Hits), number(r.Number), r.ID,
	}
}

func entryRow(n *names, o object) []string {
	e := o.(*api.Entry)
	return []string{n.label(policy.KindIPSet, string(e.IPSetID)), e.Description}
}

func profileRow(_ *names, o object) []string {
	p := o.(*api.Profile)
	group, guard := "", "off"
	if p.Default != nil {
		group = p.Default.Name
	}
	if p.SMTPGuard {
		guard = "on"
	}
	return []string{string(p.WhenNoGroups), string(p.DirectionWithoutRules), group, string(p.Evaluation), string(p.GroupDelete), guard}
}

func tokenRow(n *names, o object) []string {
	t := o.(*api.Token)
	expires := "never"
	if t.ExpiresAt != nil {
		expires = t.ExpiresAt.UTC().Format("2006-01-02 15:04 MST")
	}
	return []string{string(t.Role), n.label(policy.KindProject, string(t.ProjectID)), expires, t.ID}
}

func (n *names) groupLabels(ids []policy.GroupID) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = n.label(policy.KindGroup, string(id))
	}
	return strings.Join(out, ",")
}

// targetWords says what an attachment reaches.
func (n *names) targetWords(t policy.Target) string {
	switch {
	case t.InstanceID != "":
		return "instance " + n.label(policy.KindInstance, string(t.InstanceID))
	case t.PortID != "":
		return "port " + string(t.PortID)
	case t.SubnetID != "":
		return "subnet " + n.label(policy.KindSubnet, string(t.SubnetID))
	case t.CIDR != nil:
		return fmt.Sprintf("cidr %s in VPC %s", t.CIDR, n.label(policy.KindVPC, string(t.VPCID)))
	}
	return "tag " + tagWords(t.Tag)
}

func tagWords(tags map[string]string) string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, key+"="+tags[key])
	}
	return strings.Join(out, ",")
}

func count(n uint64) string { return strconv.FormatUint(n, 10) }

// lastHit is when a rule decided something last.
func lastHit(h policy.Hits) string {
	if h.LastHit == nil {
		return "never"
	}
	return h.LastHit.UTC().Format("2006-01-02 15:04:05 MST")
}

func number(n policy.Number) string { return strconv.FormatUint(uint64(n), 10) }

// words joins what can say itself.
func words[T fmt.Stringer](list []T) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.String()
	}
	return strings.Join(out, ",")
}

// groupKey tells groups of one name apart by where they are.
func groupKey(n *names, o object) string {
	g := o.(*api.Group)
	return fmt.Sprintf("%s %s %s", g.Name, n.label(policy.KindProject, string(g.ProjectID)), n.label(policy.KindVPC, string(g.VPCID)))
}
