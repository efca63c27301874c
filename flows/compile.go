package flows

import (
	"iter"
	"net/netip"
	"slices"

	"conjunct/openflow"
	"conjunct/policy"
)

// Compile computes all flows of the host that a view describes, sorted. ofports gives the ports' numbers on the bridge; a port
// without one has no flows. It is the short way round for tests, offline tools and comparisons; a controller keeps a Host.
func Compile(s *policy.Snapshot, v *policy.View, ofports map[policy.PortID]uint16, uplinks []uint16) []openflow.Flow {
	return slices.SortedFunc(HostOf(s, v, ofports, uplinks).All(), Compare)
}

// HostOf is the desired state of the host that Compile tells the flows of.
func HostOf(s *policy.Snapshot, v *policy.View, ofports map[policy.PortID]uint16, uplinks []uint16) *Host {
	h := NewHost(newViewSource(s, v))
	h.SetUplinks(uplinks)
	for _, p := range v.Ports {
		if n, ok := ofports[policy.PortID(p.Port.ID)]; ok {
			h.SetPort(PortOf(p, n))
		}
	}
	return h
}

// viewSource offers a view as a Source. It looks prefixes up by going through all of them.
type viewSource struct {
	groups        map[policy.Number]*Group
	members, sets listing
}

func newViewSource(s *policy.Snapshot, v *policy.View) *viewSource {
	out := &viewSource{groups: map[policy.Number]*Group{}, members: listing{}, sets: listing{}}
	for _, p := range v.Ports {
		for _, g := range p.Groups {
			out.groups[g.Number] = GroupOf(s, g, v.Rules[policy.GroupID(g.ID)])
		}
	}
	for id, members := range v.Groups {
		g, ok := policy.Find[*policy.Group](s, id)
		for _, m := range members {
			if vpc, found := policy.Find[*policy.VPC](s, m.VPCID); ok && found {
				out.members.add(vpc.Number, m.Prefix.Masked(), g.Number)
			}
		}
	}
	for id, prefixes := range v.Sets {
		set, ok := policy.Find[*policy.IPSet](s, id)
		for _, p := range prefixes {
			if ok {
				out.sets.add(0, p.Masked(), set.Number)
			}
		}
	}
	return out
}

func (v *viewSource) Group(n policy.Number) *Group { return v.groups[n] }
func (v *viewSource) Members() Directory           { return v.members }
func (v *viewSource) Sets() Directory              { return v.sets }

// listing is the obvious Directory.
type listing map[policy.Number]map[netip.Prefix]policy.NumberSet

func (l listing) add(domain policy.Number, p netip.Prefix, set policy.Number) {
	if l[domain] == nil {
		l[domain] = map[netip.Prefix]policy.NumberSet{}
	}
	l[domain][p] = l[domain][p].With(set)
}

func (l listing) Own(domain policy.Number, p netip.Prefix) policy.NumberSet { return l[domain][p] }

func (l listing) Effective(domain policy.Number, p netip.Prefix) policy.NumberSet {
	var out policy.NumberSet
	for q, sets := range l[domain] {
		if q.Bits() <= p.Bits() && q.Contains(p.Addr()) {
			out = out.Union(sets)
		}
	}
	return out
}

func (l listing) Members(domain, set policy.Number) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		for p, sets := range l[domain] {
			if sets.Contains(set) && !yield(p) {
				return
			}
		}
	}
}
