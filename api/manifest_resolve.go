package api

import (
	"fmt"
	"reflect"
	"slices"

	"conjunct/policy"
)

// resolved is the document's wire form with ids in place of names. The document keeps its own: it may be applied again, to
// another state.
func (n *naming) resolved(p placed) any {
	at := p.pointer() + "/spec"
	switch w := p.wire.(type) {
	case *Profile:
		return w.Clone()
	case *Project:
		o := w.Clone().(*Project)
		o.Profile = policy.ProfileName(n.resolve(policy.KindProfile, string(w.Profile), at+"/profile", ""))
		return o
	case *VPC:
		o := w.Clone().(*VPC)
		o.Profile = policy.ProfileName(n.resolve(policy.KindProfile, string(w.Profile), at+"/profile", ""))
		o.ProjectID = policy.ProjectID(p.project)
		return o
	case *Subnet:
		o := w.Clone().(*Subnet)
		o.VPCID = policy.VPCID(n.resolve(policy.KindVPC, string(w.VPCID), at+"/vpc_id", p.project, ""))
		return o
	case *Hypervisor:
		return &Hypervisor{Hypervisor: *w.Clone().(*policy.Hypervisor)}
	case *Instance:
		o := w.Clone().(*Instance)
		o.ProjectID = policy.ProjectID(p.project)
		o.SecurityGroupIDs = n.groups(w.SecurityGroupIDs, p.project, at+"/security_group_ids/%d")
		return o
	case *Port:
		o := w.Clone().(*policy.Port)
		o.InstanceID = policy.InstanceID(n.resolve(policy.KindInstance, string(w.InstanceID), at+"/instance_id", p.project))
		o.SubnetID = policy.SubnetID(n.subnet(string(w.SubnetID), p.project, at+"/subnet_id"))
		o.HypervisorID = policy.HostID(n.resolve(policy.KindHypervisor, string(w.HypervisorID), at+"/hypervisor_id", ""))
		o.SecurityGroupIDs = n.groups(w.SecurityGroupIDs, p.project, at+"/security_group_ids/%d")
		return &Port{Port: *o}
	case *Group:
		return n.resolvedGroup(w, p, at)
	case *IPSet:
		o := &IPSet{IPSet: *w.Clone().(*policy.IPSet), Entries: w.Entries}
		o.ProjectID = policy.ProjectID(p.project)
		return o
	case *Attachment:
		return n.attachment(w, p.project, at)
	case *machine:
		return &machine{groups: n.groups(w.groups, p.project, at+"/networking/securityGroups/securityGroupMemberships/%d/name")}
	}
	panic(fmt.Sprintf("api: no manifest is made of %T", p.wire)) // The table of kinds and this switch have the same rows.
}

func (n *naming) resolvedGroup(w *Group, p placed, at string) *Group {
	o := &Group{Group: *w.Clone().(*policy.Group)}
	o.ProjectID = policy.ProjectID(p.project)
	o.VPCID = policy.VPCID(n.resolve(policy.KindVPC, string(w.VPCID), at+"/vpc_id", p.project, ""))
	if w.Rules != nil {
		o.Rules = []Rule{}
	}
	if w.Attachments != nil {
		o.Attachments = []Attachment{}
	}
	for i := range w.Attachments {
		o.Attachments = append(o.Attachments, *n.attachment(&w.Attachments[i], p.project, fmt.Sprintf("%s/attachments/%d", at, i)))
	}
	for i := range w.Rules {
		r := w.Rules[i].Clone().(*policy.Rule)
		remote := fmt.Sprintf("%s/rules/%d/remote", at, i)
		r.Remote.GroupID = policy.GroupID(n.group(string(r.Remote.GroupID), p.project, remote+"/security_group_id"))
		r.Remote.IPSetID = policy.IPSetID(n.resolve(policy.KindIPSet, string(r.Remote.IPSetID), remote+"/ip_set_id", p.project, ""))
		r.Remote.SubnetID = policy.SubnetID(n.subnet(string(r.Remote.SubnetID), p.project, remote+"/subnet_id"))
		o.Rules = append(o.Rules, Rule{Rule: *r})
	}
	return o
}

// groups resolves a list of groups; nil stays nil. The pointer has one %d.
func (n *naming) groups(words []policy.GroupID, project, at string) []policy.GroupID {
	if words == nil {
		return nil
	}
	out := make([]policy.GroupID, len(words))
	for i, word := range words {
		out[i] = policy.GroupID(n.group(string(word), project, fmt.Sprintf(at, i)))
	}
	return out
}

// listed finds attachments that one document makes and the list in the group's own takes away.
func (n *naming) listed(all []placed, wires []any) {
	lists := make(map[policy.GroupID][]Attachment)
	for i, p := range all {
		if g, ok := wires[i].(*Group); ok && g.Attachments != nil {
			lists[policy.GroupID(p.id)] = g.Attachments
		}
	}
	for i, p := range all {
		a, ok := wires[i].(*Attachment)
		if !ok || lists[a.GroupID] == nil {
			continue
		}
		if !slices.ContainsFunc(lists[a.GroupID], func(l Attachment) bool { return reflect.DeepEqual(l.Target, a.Target) }) {
			n.add(p.pointer()+"/spec/target", "attachments-contradict", "the document of the security group lists all its attachments, and this is none of them; add it there")
		}
	}
}

func (n *naming) attachment(w *Attachment, project, at string) *Attachment {
	o := w.Clone().(*Attachment)
	o.GroupID = policy.GroupID(n.group(string(w.GroupID), project, at+"/security_group_id"))
	o.Target.InstanceID = policy.InstanceID(n.resolve(policy.KindInstance, string(w.Target.InstanceID), at+"/target/instance_id", project))
	o.Target.PortID = policy.PortID(n.resolve(policy.KindPort, string(w.Target.PortID), at+"/target/port_id", ""))
	o.Target.SubnetID = policy.SubnetID(n.subnet(string(w.Target.SubnetID), project, at+"/target/subnet_id"))
	o.Target.VPCID = policy.VPCID(n.resolve(policy.KindVPC, string(w.Target.VPCID), at+"/target/vpc_id", project, ""))
	return o
}
