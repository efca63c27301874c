package policytest

import (
	"net/netip"
	"slices"

	"conjunct/policy"
)

// Question is a connection at a port.
type Question struct {
	Port       policy.PortID
	Direction  policy.Direction
	Connection policy.Connection
}

// Question asks something at the edge of what the world's rules say: the packet is made to fit a rule of the port, and in one of
// its parts then moved just outside, or not. Now and then it is about the platform's tier, or has a stolen source.
func (w *World) Question() Question {
	p := pick(w, w.Ports...)
	q := Question{Port: policy.PortID(p.ID), Direction: pick(w, policy.Ingress, policy.Egress)}
	r := w.target(p, q.Direction)
	version := policy.Version(pick(w, p.Addresses...))
	if v4, v6 := w.families(r); v4 != v6 && !w.chance(8) {
		version = map[bool]int{true: 4, false: 6}[v4]
	}
	local, remote := w.local(p, r, version), w.remoteOf(p, r, version)
	for remote == local {
		remote = w.address(version)
	}
	c := policy.Connection{Src: local, Dst: remote, SrcPort: uint16(1024 + w.r.IntN(60000))}
	if q.Direction == policy.Ingress {
		c.Src, c.Dst = remote, local
	}
	if w.chance(15) {
		w.askPlatform(&c, version, q.Direction)
	} else {
		w.ask(&c, r, version)
	}
	q.Connection = c
	return q
}

// target is the rule that the question is about: one in force at the port in the direction where there is one, or any.
func (w *World) target(p *policy.Port, d policy.Direction) *policy.Rule {
	var mine []*policy.Rule
	v, _ := w.Snapshot.PortView(policy.PortID(p.ID))
	for _, g := range v.Groups {
		for _, r := range w.Snapshot.RulesOf(policy.GroupID(g.ID)) {
			if r.Direction == d {
				mine = append(mine, r)
			}
		}
	}
	all := policy.List[*policy.Rule](w.Snapshot, nil)
	switch {
	case len(mine) > 0 && !w.chance(8):
		return pick(w, mine...)
	case len(all) > 0:
		return pick(w, all...)
	}
	return &policy.Rule{Direction: d, Protocol: policy.All, Remote: policy.Remote{Any: true}}
}

func (w *World) families(r *policy.Rule) (v4, v6 bool) {
	version := 0
	if set, ok := policy.Find[*policy.IPSet](w.Snapshot, r.Remote.IPSetID); ok {
		version = set.IPVersion
	}
	return r.Families(version)
}

// local is an address of the port, of its pairs or a stranger's.
func (w *World) local(p *policy.Port, r *policy.Rule, version int) netip.Addr {
	var own []netip.Addr
	for _, a := range p.Addresses {
		if policy.Version(a) == version {
			own = append(own, a)
		}
	}
	for _, pair := range p.AllowedAddressPairs {
		if policy.Version(pair.CIDR.Addr()) == version && w.chance(3) {
			own = append(own, w.edge(pair.CIDR))
		}
	}
	if r.LocalCIDR != nil && policy.Version(r.LocalCIDR.Prefix().Addr()) == version && w.chance(6) {
		own = append(own, w.edge(r.LocalCIDR.Prefix()))
	}
	if len(own) == 0 || w.chance(30) {
		return w.address(version)
	}
	return pick(w, own...)
}

// remoteOf is an address that the rule's remote means, or one beside.
func (w *World) remoteOf(p *policy.Port, r *policy.Rule, version int) netip.Addr {
	var in []netip.Prefix
	for _, prefix := range w.prefixesOf(p, r.Remote) {
		if policy.Version(prefix.Addr()) == version {
			in = append(in, prefix)
		}
	}
	if len(in) == 0 || w.chance(12) {
		return w.address(version)
	}
	return w.edge(pick(w, in...))
}

// prefixesOf are those that the remote means at the port, and now and then those that it means in other VPCs.
func (w *World) prefixesOf(p *policy.Port, remote policy.Remote) (out []netip.Prefix) {
	mine, _ := policy.Find[*policy.Subnet](w.Snapshot, p.SubnetID)
	anywhere := w.chance(4)
	switch remote.Kind() {
	case policy.RemoteCIDRs:
		for _, c := range remote.CIDRs {
			out = append(out, c.Prefix())
		}
	case policy.RemoteGroup:
		for _, m := range w.Snapshot.MembersOf(remote.GroupID) {
			if anywhere || m.VPCID == mine.VPCID {
				out = append(out, m.Prefix.Masked())
			}
		}
	case policy.RemoteIPSet:
		for _, e := range w.Snapshot.EntriesOf(remote.IPSetID) {
			out = append(out, e.CIDR.Prefix())
		}
	case policy.RemoteSubnet:
		sub, _ := policy.Find[*policy.Subnet](w.Snapshot, remote.SubnetID)
		out = append(out, sub.CIDRs...)
	case policy.RemoteOwn:
		out = append(out, mine.CIDRs...)
	case policy.RemoteAny:
	}
	return out
}

// edge is the first or the last address of the prefix, one of the world's within, or the next outside.
func (w *World) edge(p netip.Prefix) netip.Addr {
	first, last := p.Masked().Addr(), lastOf(p)
	inside := w.address(policy.Version(first))
	for range 10 {
		if !p.Contains(inside) {
			inside = w.address(policy.Version(first))
		}
	}
	a := pick(w, first, first, last, last, inside, inside, inside, first.Prev(), last.Next())
	if !usual(a) {
		return inside
	}
	return a
}

// usual leaves out what is no host's address: policy says nothing of it, and the pipeline floods what is for many.
func usual(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLinkLocalUnicast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func lastOf(p netip.Prefix) netip.Addr {
	raw := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(raw)*8; bit++ {
		raw[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(raw)
	return a
}

// ask gives the connection the service of the rule, or one beside.
func (w *World) ask(c *policy.Connection, r *policy.Rule, version int) {
	number, one := r.Protocol.NumberIn(version)
	if !one || w.chance(12) {
		number = pick(w, policy.ProtoTCP, policy.ProtoUDP, policy.ProtoSCTP, icmpOf(version), 4, 47, 50, 255)
	}
	c.Protocol = number
	switch number {
	case policy.ProtoTCP, policy.ProtoUDP, policy.ProtoSCTP:
		port := pick(w, edges...)
		if r.PortMin != nil && !w.chance(8) {
			port = pick(w, *r.PortMin-1, *r.PortMin, *r.PortMin, *r.PortMin, *r.PortMin+(*r.PortMax-*r.PortMin)/2, *r.PortMax, *r.PortMax, *r.PortMax, *r.PortMax+1)
		}
		c.DstPort = uint16(max(1, min(65535, port)))
	case icmpOf(version):
		c.SrcPort = 0
		c.ICMPType = pick(w, Queries(version)...)
		if r.ICMPType != nil && slices.Contains(Queries(version), uint8(*r.ICMPType)) && !w.chance(4) {
			c.ICMPType = uint8(*r.ICMPType)
		}
		if r.ICMPCode != nil && w.chance(2) {
			c.ICMPCode = uint8(*r.ICMPCode)
		}
	default:
		c.SrcPort = 0
	}
}

// Queries are the ICMP types that may open a connection in the userspace datapath (valid_new of lib/conntrack-icmp.c).
func Queries(version int) []uint8 {
	if version == 6 {
		return []uint8{128}
	}
	return []uint8{8, 13, 15}
}

// Trackable leaves out what is invalid as the first packet of a connection in the userspace datapath: ICMP other than queries, and queries
// with a code (extract_l4_icmp of lib/conntrack.c).
func Trackable(c policy.Connection) bool {
	version := policy.Version(c.Src)
	return c.Protocol != icmpOf(version) || c.ICMPCode == 0 && slices.Contains(Queries(version), c.ICMPType)
}

// askPlatform gives the connection the service of a platform rule. A rule for one destination is asked about that, or about what
// pretends to be it.
func (w *World) askPlatform(c *policy.Connection, version int, d policy.Direction) {
	var rules []policy.PlatformRule
	for _, r := range policy.PlatformRules {
		if r.Protocol != 0 && (r.Family == 0 || r.Family == version) {
			rules = append(rules, r)
		}
	}
	r := pick(w, rules...)
	c.Protocol, c.SrcPort, c.DstPort = r.Protocol, r.SrcPort, r.DstPort
	switch {
	case !r.Dst.IsValid() || w.chance(6):
	case d == policy.Egress:
		c.Dst = r.Dst.Addr()
	default:
		c.Src = r.Dst.Addr()
	}
	switch {
	case len(r.ICMPTypes) > 0:
		c.ICMPType = pick(w, r.ICMPTypes...)
		if c.ICMPType == policy.ICMPv6NeighSolicit || c.ICMPType == policy.ICMPv6NeighAdvert {
			c.ICMPType = policy.ICMPv6RouterSolicit // They are judged by what they say, which no question has.
		}
	case r.SrcPort == 0:
		c.SrcPort = uint16(1024 + w.r.IntN(60000))
	}
}

func icmpOf(version int) uint8 {
	if version == 6 {
		return policy.ProtoICMPv6
	}
	return policy.ProtoICMP
}
