package members

import (
	"context"
	"net/netip"

	"conjunct/policy"
)

// Source is where the mirror looks when it does not know, or no longer trusts, what is in Redis. The mirror's own goroutine
// calls it, one call at a time; no call is made while the mirror waits for Redis. Each answer is consistent in itself:
// everything up to its revision and nothing after it.
type Source interface {
	// Groups lists the groups that exist.
	Groups(ctx context.Context) (revision int64, groups []policy.GroupID, err error)
	// Members lists a group's members over all VPCs, in any order; exists is false when there is no such group.
	Members(ctx context.Context, group policy.GroupID) (revision int64, members []netip.Prefix, exists bool, err error)
}

// Update says how a group changed at a revision of the store: no prefix is in both lists. With both empty it says that the
// group itself came or went, and the mirror asks the Source what it is.
type Update struct {
	Revision      int64
	Group         policy.GroupID
	Adds, Removes []netip.Prefix
}

// Updates says what deltas mean to the groups in them, for a Mirror: one Update for each group, in the order of numbers.
// Groups are mirrored over all VPCs, so an address that leaves one VPC stays while it is a member in another. Call it when
// all changes of the revision are in the directory. id names a group; one that it does not know is passed over.
func (d *Directory) Updates(revision int64, deltas []Delta, id func(policy.Number) (policy.GroupID, bool)) []Update {
	type touched struct {
		group  policy.Number
		prefix netip.Prefix
	}
	seen := make(map[touched]bool)
	updates := make(map[policy.Number]*Update)
	var groups policy.NumberSet
	for _, delta := range deltas {
		if delta.Domain == 0 || delta.OwnBefore == delta.OwnAfter {
			continue
		}
		for group := range delta.OwnBefore.Union(delta.OwnAfter).All() {
			t := touched{group, delta.Prefix}
			if seen[t] || delta.OwnBefore.Contains(group) == delta.OwnAfter.Contains(group) {
				continue
			}
			seen[t] = true
			u := updates[group]
			if u == nil {
				name, ok := id(group)
				if !ok {
					continue
				}
				u = &Update{Revision: revision, Group: name}
				updates[group], groups = u, groups.With(group)
			}
			if d.anywhere(group, delta.Prefix) {
				u.Adds = append(u.Adds, delta.Prefix)
			} else {
				u.Removes = append(u.Removes, delta.Prefix)
			}
		}
	}
	out := make([]Update, 0, len(updates))
	for group := range groups.All() {
		out = append(out, *updates[group])
	}
	return out
}

// anywhere reports whether the prefix is listed in the group in any VPC.
func (d *Directory) anywhere(group policy.Number, p netip.Prefix) bool {
	for number, dom := range d.domains {
		if number == 0 || dom.members[group] == nil {
			continue
		}
		if e, ok := dom.table.Get(p); ok && e.own.Value().Contains(group) {
			return true
		}
	}
	return false
}

// Everywhere lists the members of a group over all VPCs, each once, in no particular order.
func (d *Directory) Everywhere(group policy.Number) []netip.Prefix {
	var out []netip.Prefix
	var seen map[netip.Prefix]bool // only when a second VPC has members
	for number, dom := range d.domains {
		if number == 0 || len(dom.members[group]) == 0 {
			continue
		}
		if out != nil && seen == nil {
			seen = make(map[netip.Prefix]bool, len(out))
			for _, p := range out {
				seen[p] = true
			}
		}
		for e := range dom.members[group] {
			if seen[e.prefix] {
				continue
			}
			out = append(out, e.prefix)
			if seen != nil {
				seen[e.prefix] = true
			}
		}
	}
	return out
}
