package controller

import (
	"conjunct/policy"
)

// affected is what a batch may have changed: names to look at, not what happened to them.
type affected struct {
	model   *model
	ports   map[policy.PortID]struct{}
	groups  map[policy.GroupID]struct{}
	entries map[policy.EntryID]struct{}
	hosts   map[policy.HostID]struct{}
}

func (m *model) nothing() *affected {
	return &affected{
		model: m, ports: make(map[policy.PortID]struct{}), groups: make(map[policy.GroupID]struct{}),
		entries: make(map[policy.EntryID]struct{}), hosts: make(map[policy.HostID]struct{}),
	}
}

// everything is what a batch with all that exists touches.
func (m *model) everything() *affected {
	a, s := m.nothing(), m.snapshot
	for o := range s.All(policy.KindPort) {
		a.ports[policy.PortID(o.Base().ID)] = struct{}{}
	}
	for o := range s.All(policy.KindGroup) {
		a.groups[policy.GroupID(o.Base().ID)] = struct{}{}
	}
	for o := range s.All(policy.KindEntry) {
		a.entries[policy.EntryID(o.Base().ID)] = struct{}{}
	}
	for o := range s.All(policy.KindHypervisor) {
		a.hosts[policy.HostID(o.Base().ID)] = struct{}{}
	}
	return a
}

// affectedBy says what a batch touches. The snapshot has the batch in it already.
func (m *model) affectedBy(b policy.Batch) *affected {
	a := m.nothing()
	for _, c := range b.Changes {
		for _, o := range []policy.Object{c.Before, c.Object} {
			if o != nil {
				a.add(c, o)
			}
		}
	}
	return a
}

// add takes an object, as it was or as it is, for what depends on it.
func (a *affected) add(c policy.Change, o policy.Object) {
	id := o.Base().ID
	s := a.model.snapshot
	switch o := o.(type) {
	case *policy.Port:
		a.ports[policy.PortID(id)] = struct{}{}
	case *policy.Instance:
		a.portsOf(policy.KindInstance, id)
	case *policy.Subnet:
		a.portsOf(policy.KindSubnet, id)
		a.naming(policy.KindSubnet, id)
	case *policy.VPC:
		a.portsOfVPC(id)
	case *policy.Project:
		a.portsOfProject(policy.ProjectID(id))
	case *policy.Profile: // Names resolve through three levels; profiles change rarely.
		for p := range s.All(policy.KindPort) {
			a.ports[policy.PortID(p.Base().ID)] = struct{}{}
		}
	case *policy.Group:
		a.groups[policy.GroupID(id)] = struct{}{}
		a.naming(policy.KindGroup, id)
		if renumbered(c) {
			a.topic(topic{policy.KindGroup, id})
		}
		if rehomed(c) {
			a.given(id)
		}
		if o.Origin == policy.OriginDefault {
			a.portsOfProject(o.ProjectID)
			a.portsOfVPC(string(o.VPCID))
		}
	case *policy.Rule:
		a.groups[o.GroupID] = struct{}{}
	case *policy.Attachment:
		a.target(o.Target)
	case *policy.IPSet:
		a.naming(policy.KindIPSet, id)
		if renumbered(c) {
			for e := range policy.Referrers[*policy.Entry](s, policy.KindIPSet, id) {
				a.entries[policy.EntryID(e.ID)] = struct{}{}
			}
		}
	case *policy.Entry:
		a.entries[policy.EntryID(id)] = struct{}{}
	case *policy.Hypervisor:
		a.hosts[policy.HostID(id)] = struct{}{}
	}
}

// renumbered reports whether the object is not the one that had the id before: a merged batch may hide that it was gone.
func renumbered(c policy.Change) bool {
	before, ok := c.Before.(policy.Numbered)
	after, still := c.Object.(policy.Numbered)
	return !ok || !still || before.GetNumber() != after.GetNumber()
}

// rehomed reports whether a group may protect other ports than before of those that it was given to.
func rehomed(c policy.Change) bool {
	before, ok := c.Before.(*policy.Group)
	after, still := c.Object.(*policy.Group)
	return ok && still && (before.ProjectID != after.ProjectID || before.VPCID != after.VPCID)
}

// given adds the ports that a group was given to, by whatever way.
func (a *affected) given(group string) {
	s := a.model.snapshot
	for i := range policy.Referrers[*policy.Instance](s, policy.KindGroup, group) {
		a.portsOf(policy.KindInstance, i.ID)
	}
	for p := range policy.Referrers[*policy.Port](s, policy.KindGroup, group) {
		a.ports[policy.PortID(p.ID)] = struct{}{}
	}
	for t := range policy.Referrers[*policy.Attachment](s, policy.KindGroup, group) {
		a.target(t.Target)
	}
}

// naming adds the groups with a rule that names the object.
func (a *affected) naming(k policy.Kind, id string) {
	for r := range policy.Referrers[*policy.Rule](a.model.snapshot, k, id) {
		a.groups[r.GroupID] = struct{}{}
	}
}

func (a *affected) portsOf(k policy.Kind, id string) {
	for p := range policy.Referrers[*policy.Port](a.model.snapshot, k, id) {
		a.ports[policy.PortID(p.ID)] = struct{}{}
	}
}

func (a *affected) portsOfVPC(id string) {
	for sub := range policy.Referrers[*policy.Subnet](a.model.snapshot, policy.KindVPC, id) {
		a.portsOf(policy.KindSubnet, sub.ID)
	}
}

// portsOfProject adds the ports of the project's instances, and of its VPCs.
func (a *affected) portsOfProject(id policy.ProjectID) {
	s := a.model.snapshot
	for i := range policy.Referrers[*policy.Instance](s, policy.KindProject, string(id)) {
		a.portsOf(policy.KindInstance, i.ID)
	}
	for v := range policy.Referrers[*policy.VPC](s, policy.KindProject, string(id)) {
		a.portsOfVPC(v.ID)
	}
}

// topic adds the ports that had the topic when they were last looked at.
func (a *affected) topic(t topic) {
	for p := range a.model.ports.about[t] {
		a.ports[p.id] = struct{}{}
	}
}

func (a *affected) target(t policy.Target) {
	switch {
	case t.InstanceID != "":
		a.portsOf(policy.KindInstance, string(t.InstanceID))
	case t.PortID != "":
		a.ports[t.PortID] = struct{}{}
	case t.SubnetID != "":
		a.portsOf(policy.KindSubnet, string(t.SubnetID))
	case t.CIDR != nil:
		a.portsOfVPC(string(t.VPCID))
	}
	for k, v := range t.Tag {
		a.topic(tagTopic(k, v))
	}
}
