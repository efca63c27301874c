package flows

import (
	"net/netip"

	"conjunct/openflow"
	"conjunct/policy"
)

// ownSubnet is a CIDR of the subnet of local ports. A rule whose remote is the port's own subnet means it for the ports of that
// segment alone: both sides of the pipeline have the port's segment in reg6.
type ownSubnet struct {
	segment policy.Number
	prefix  netip.Prefix
}

// remoteMatch is the component of a remote dimension for the subnet.
func (o ownSubnet) remoteMatch(s side) openflow.Match {
	return s.remoteMatch(o.prefix, openflow.Exact(RegSegment, uint64(o.segment)))
}

// settle counts that a port with the group is in its segment, and gives the group's rules for the own subnet what they
// mean there; leave is the opposite.
func (h *Host) settle(g *activeGroup, p *Port) {
	for _, prefix := range p.Subnet {
		o := ownSubnet{p.Segment.Number, prefix}
		g.subnets[o]++
		if g.subnets[o] == 1 {
			h.eachOwnRule(g, o, h.addClause)
		}
	}
}

func (h *Host) leave(g *activeGroup, p *Port) {
	for _, prefix := range p.Subnet {
		o := ownSubnet{p.Segment.Number, prefix}
		if g.subnets[o]--; g.subnets[o] == 0 {
			delete(g.subnets, o)
			h.eachOwnRule(g, o, h.removeClause)
		}
	}
}

func (h *Host) eachOwnRule(g *activeGroup, o ownSubnet, do func(place, openflow.Match, openflow.Conjunction)) {
	for i := range g.Rules {
		a := h.rules[g.Rules[i].Number]
		if a.Remote.Kind == policy.RemoteOwn && a.speaks(policy.Version(o.prefix.Addr())) {
			do(a.place(), o.remoteMatch(sides[a.Direction]), a.remoteClause())
		}
	}
}
