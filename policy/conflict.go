package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Conflicts lists what of the state s (which holds o as it would be stored) stands against writing o over before; before is nil for an
// object that is created. Uniqueness and references are not among it: the store decides those by key.
func Conflicts(before, o Object, s *Snapshot) []*Conflict {
	var out []*Conflict
	add := func(all ...*Conflict) {
		for _, c := range all {
			if c != nil {
				c.Object = HolderOf(o)
				out = append(out, c)
			}
		}
	}
	if before != nil {
		add(movedOwner(before, o))
	}
	switch o := o.(type) {
	case *Instance:
		add(limitedInstance(before, o, s)...)
	case *Port:
		add(limitedPort(before, o, s)...)
	case *Attachment:
		add(limitedAttachment(before, o, s)...)
	case *Group:
		add(droppingUnion(before, o, s))
		add(orderedRules(o, o, s))
	case *Rule:
		if g, ok := Find[*Group](s, o.GroupID); ok && before == nil {
			add(orderedRules(o, g, s))
		}
	case *IPSet:
		add(frozenVersion(before, o, s))
	case *Subnet:
		add(strandedPorts(o, s))
	}
	return out
}

// movedOwner refuses to hand an object to another owner: what refers to it was allowed to because of the owner it has.
func movedOwner(before, o Object) *Conflict {
	was, is := ownersOf(before), ownersOf(o)
	for i := range is {
		if was[i].id != is[i].id {
			return &Conflict{Code: "immutable", Message: fmt.Sprintf("%s of %s %q is %q and can't become %q; create another instead",
				is[i].field, o.Kind(), o.Label(), was[i].id, is[i].id), Holders: []Holder{HolderOf(before)}}
		}
	}
	return nil
}

// owner is one of those that an object belongs to for good.
type owner struct{ field, id string }

func ownersOf(o Object) []owner {
	switch o := o.(type) {
	case *VPC:
		return []owner{{"project_id", string(o.ProjectID)}}
	case *Subnet:
		return []owner{{"vpc_id", string(o.VPCID)}}
	case *Instance:
		return []owner{{"project_id", string(o.ProjectID)}}
	case *Group:
		return []owner{{"project_id", string(o.ProjectID)}, {"vpc_id", string(o.VPCID)}}
	case *IPSet:
		return []owner{{"project_id", string(o.ProjectID)}}
	case *Rule:
		return []owner{{"security_group_id", string(o.GroupID)}}
	case *Entry:
		return []owner{{"ip_set_id", string(o.IPSetID)}}
	case *Attachment:
		return []owner{{"security_group_id", string(o.GroupID)}}
	}
	return nil
}

// droppingUnion refuses to make a union of a group that has rules that drop: without them it would allow more.
func droppingUnion(before Object, o *Group, s *Snapshot) *Conflict {
	old, ok := before.(*Group)
	if !ok || old.Evaluation == o.Evaluation || o.Evaluation != Union {
		return nil
	}
	c := &Conflict{Code: "evaluation-drop-rules"}
	var names []string
	for _, r := range InOrder(s.RulesOf(GroupID(o.ID))) {
		if r.Action == Drop {
			c.Holders = append(c.Holders, HolderOf(r))
			names = append(names, r.Label())
		}
	}
	if len(names) == 0 {
		return nil
	}
	c.Message = fmt.Sprintf("a union has no rules that drop, and group %q has %d: %s; remove them first", o.Label(), len(names), strings.Join(names, ", "))
	return c
}

// orderedRules refuses to write what would make an ordered group with more rules than there are priorities.
func orderedRules(o Object, g *Group, s *Snapshot) *Conflict {
	if g.Evaluation != Ordered {
		return nil
	}
	n := 0
	for r := range Referrers[*Rule](s, KindGroup, g.ID) {
		if string(r.GroupID) == g.ID {
			n++
		}
	}
	if n <= MaxOrderedRules {
		return nil
	}
	return &Conflict{Code: "limit-rules-per-ordered-group", Holders: []Holder{HolderOf(o)},
		Message: fmt.Sprintf("ordered group %q would have %d rules, the limit is %d; split it, or name an IP set instead of many rules", g.Label(), n, MaxOrderedRules)}
}

func frozenVersion(before Object, o *IPSet, s *Snapshot) *Conflict {
	old, ok := before.(*IPSet)
	if !ok || old.IPVersion == o.IPVersion {
		return nil
	}
	if n := len(s.EntriesOf(IPSetID(o.ID))); n > 0 {
		return &Conflict{Code: "ip-set-version-frozen", Holders: []Holder{HolderOf(old)},
			Message: fmt.Sprintf("ip_version of IP set %q is %d and frozen; remove its %d entries first", o.Label(), old.IPVersion, n)}
	}
	return nil
}

func strandedPorts(o *Subnet, s *Snapshot) *Conflict {
	c := &Conflict{Code: "subnet-in-use"}
	for _, p := range slices.SortedFunc(Referrers[*Port](s, KindSubnet, o.ID), byID) {
		outside := func(a netip.Addr) bool {
			return !slices.ContainsFunc(o.CIDRs, func(cidr netip.Prefix) bool { return cidr.Contains(a) })
		}
		if slices.ContainsFunc(p.Addresses, outside) {
			c.Holders = append(c.Holders, HolderOf(p))
		}
	}
	if len(c.Holders) == 0 {
		return nil
	}
	c.Message = fmt.Sprintf("%d ports of subnet %q have addresses outside the new CIDRs; move them first", len(c.Holders), o.Label())
	return c
}
