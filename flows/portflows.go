package flows

import (
	"net/netip"
	"slices"

	"conjunct/openflow"
	"conjunct/policy"
)

// source is an address, or a prefix of them, that a port may send from, with the MAC that goes with it.
type source struct {
	mac    policy.MAC
	prefix netip.Prefix // /0: any address
}

// sources are the port's own addresses, its allowed pairs, and the link-local addresses of its MACs.
func (p *Port) sources() []source {
	var out []source
	add := func(s source) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, a := range p.Addresses {
		add(source{p.MAC, policy.HostPrefix(a)})
	}
	add(source{p.MAC, policy.HostPrefix(p.MAC.LinkLocal())})
	for _, pair := range p.Pairs {
		add(source{pair.MAC, pair.CIDR})
		add(source{pair.MAC, policy.HostPrefix(pair.MAC.LinkLocal())})
	}
	return out
}

// macs are the MACs that the port may send from.
func (p *Port) macs() []policy.MAC {
	out := []policy.MAC{p.MAC}
	for _, pair := range p.Pairs {
		if !slices.Contains(out, pair.MAC) {
			out = append(out, pair.MAC)
		}
	}
	return out
}

func (p *Port) builder() *portBuilder {
	return &portBuilder{port: p, from: openflow.Exact(RegSource, uint64(p.OFPort)), to: openflow.Exact(RegDest, uint64(p.OFPort))}
}

// flows are all flows that name the port by its number, but for that of its class.
func (p *Port) flows() []openflow.Flow {
	b := p.builder()
	// A tagged frame would leave by an uplink with two tags, in a segment of the VM's choice.
	b.add(TableClassify, priorityPort, 0, TableAntiSpoof, []openflow.MatchField{
		openflow.Exact(openflow.InPort, uint64(p.OFPort)), openflow.Exact(openflow.VLANVID, 0),
	}, openflow.Set(RegVPC, uint64(p.VPC)), openflow.Set(RegSource, uint64(p.OFPort)),
		openflow.Set(RegSegment, uint64(p.Segment.Number)), openflow.Set(RegLocal, uint64(p.OFPort)))
	for _, s := range p.sources() {
		if s.prefix.Addr().Is4() {
			b.ipv4(s)
		} else {
			b.ipv6(s)
		}
	}
	for _, mac := range p.macs() {
		b.noAddressYet(mac)
	}
	if p.DHCPServer {
		b.role("dhcp-served", "dhcpv6-served")
	}
	b.add(TableReceiverCT, priorityOwn, 0, 0, []openflow.MatchField{b.from, b.to})
	b.fragments()
	b.add(TableOutput, priorityPort, 0, 0, []openflow.MatchField{b.to}, openflow.Output{Port: openflow.Port(p.OFPort)})
	return b.out
}

// classFlows is the flow that says which class the port's groups are.
func (p *Port) classFlows(class uint32) []openflow.Flow {
	b := p.builder()
	b.add(TableLocalClass, priorityPort, 0, 0, []openflow.MatchField{
		openflow.Exact(RegSegment, uint64(p.Segment.Number)), openflow.Exact(RegLocal, uint64(p.OFPort)),
	}, openflow.Set(RegLocalClass, uint64(class)))
	return b.out
}

type portBuilder struct {
	port     *Port
	from, to openflow.MatchField // reg1, reg2 is the port
	out      []openflow.Flow
}

// add appends a flow; platform is the number of the platform rule behind it, 0 for the port itself.
func (b *portBuilder) add(table uint8, priority uint16, platform policy.Number, next uint8, m []openflow.MatchField, actions ...openflow.Action) {
	cookie, flags := Cookie(CookiePort, b.port.Number), openflow.FlowFlags(0)
	if platform != 0 {
		cookie, flags = Cookie(CookiePlatform, platform), tellsCounts
	}
	b.out = append(b.out, openflow.Flow{Table: table, Priority: priority, Cookie: cookie, Flags: flags, Match: openflow.NewMatch(m...), Actions: actions, Goto: next})
}

// fragments are taken for the port's when they were tracked in its zone, and come from or go to its MACs.
func (b *portBuilder) fragments() {
	zone := openflow.Exact(openflow.CTZone, uint64(b.port.OFPort))
	ours := openflow.SetMasked(RegVerdict, fragmentOurs, fragmentOurs)
	accept := func(table, judge uint8, m ...openflow.MatchField) {
		b.add(table, priorityPort, 0, 0, append(m, zone), ours, openflow.Resubmit{Table: judge})
	}
	for _, mac := range b.port.macs() {
		accept(TableSenderWhose, TableSenderJudge, b.from, b.src(mac))
		accept(TableRecvWhose, TableRecvJudge, b.to, openflow.MAC(openflow.EthDst, mac))
	}
	accept(TableRecvWhose, TableRecvJudge, b.to, toMany)
}

func (b *portBuilder) src(mac policy.MAC) openflow.MatchField {
	return openflow.MAC(openflow.EthSrc, mac)
}

// inPrefix is the condition on an address field, none for /0.
func inPrefix(f openflow.Field, p netip.Prefix) []openflow.MatchField {
	if p.Bits() == 0 {
		return nil
	}
	return []openflow.MatchField{openflow.Prefix(f, p)}
}

// allow lets what the platform rule describes go on without rules.
func (b *portBuilder) allow(priority uint16, name string, mac policy.MAC, conditions ...openflow.MatchField) {
	r := policy.Platform(name)
	b.out = append(b.out, platformFlows(r, TableAntiSpoof, priority, TableDestination, append(conditions, b.from, b.src(mac))...)...)
}

func (b *portBuilder) ipv4(s source) {
	from := inPrefix(openflow.IPv4Src, s.prefix)
	b.add(TableAntiSpoof, prioritySource, 0, TableSenderCT, append(from, family(4), b.from, b.src(s.mac)))
	b.arp(s.mac, inPrefix(openflow.ARPSPA, s.prefix))
	b.allow(priorityDiscover, "dhcp-request", s.mac, from...)
	if b.port.DHCPServer {
		b.allow(priorityRole, "dhcp-serve", s.mac, from...)
	}
}

func (b *portBuilder) arp(mac policy.MAC, spa []openflow.MatchField) {
	b.add(TableAntiSpoof, priorityDiscover, policy.Platform("arp").Number, TableDestination, append(spa,
		openflow.Exact(openflow.EthType, etherARP), b.from, b.src(mac), openflow.MAC(openflow.ARPSHA, mac)))
}

func (b *portBuilder) ipv6(s source) {
	from := inPrefix(openflow.IPv6Src, s.prefix)
	b.add(TableAntiSpoof, prioritySource, 0, TableSenderCT, append(from, family(6), b.from, b.src(s.mac)))
	b.discovery(s, from)
	b.allow(priorityDiscover, "mld-out", s.mac, from...)
	b.allow(priorityDiscover, "dhcpv6-request", s.mac, from...)
	if b.port.DHCPServer {
		b.allow(priorityRole, "dhcpv6-serve", s.mac, from...)
	}
}

// discovery lets the VM ask for neighbours and routers, and advertise its own addresses. A solicitation or an advertisement that
// names a link-layer address names the port's; it may name none (RFC 4861, 4.3 and 4.4). An advertisement comes from any of the MAC's
// addresses, for any of them: the source is one dimension, what is advertised the other.
func (b *portBuilder) discovery(s source, from []openflow.MatchField) {
	nd := policy.Platform("nd-out").Number
	message := func(kind uint8, conditions []openflow.MatchField) []openflow.MatchField {
		return append(slices.Clone(conditions),
			family(6), openflow.Exact(openflow.IPProto, uint64(policy.ProtoICMPv6)), openflow.Exact(openflow.ICMPv6Type, uint64(kind)),
			openflow.Exact(openflow.ICMPv6Code, 0), b.from, b.src(s.mac))
	}
	add := func(priority uint16, kind uint8, conditions ...openflow.MatchField) {
		b.add(TableAntiSpoof, priority, nd, TableDestination, message(kind, conditions))
	}
	dimension := func(clause uint8, conditions ...openflow.MatchField) {
		b.add(TableAntiSpoof, priorityDiscover, nd, 0, message(policy.ICMPv6NeighAdvert, conditions), openflow.Conjunction{ID: advertises, Clause: clause, N: 2})
	}
	dimension(0, from...)
	for _, mac := range []policy.MAC{s.mac, {}} {
		add(priorityDiscover, policy.ICMPv6NeighSolicit, append(from, openflow.MAC(openflow.NDSLL, mac))...)
		dimension(1, append(inPrefix(openflow.NDTarget, s.prefix), openflow.MAC(openflow.NDTLL, mac))...)
	}
	// Whether the address is free (RFC 4862, 5.4).
	add(priorityDiscover, policy.ICMPv6NeighSolicit, append(inPrefix(openflow.NDTarget, s.prefix),
		openflow.ExactBits(openflow.IPv6Src, openflow.Bits{}), openflow.MAC(openflow.NDSLL, policy.MAC{}))...)
	add(priorityDiscover, policy.ICMPv6RouterSolicit, from...)
	if b.port.Router {
		add(priorityRole, policy.ICMPv6RouterAdvert, from...)
		add(priorityRole, policy.ICMPv6Redirect, from...)
	}
}

// noAddressYet lets a VM without an address ask for one.
func (b *portBuilder) noAddressYet(mac policy.MAC) {
	none4 := openflow.ExactBits(openflow.IPv4Src, openflow.Bits{})
	none6 := openflow.ExactBits(openflow.IPv6Src, openflow.Bits{})
	b.allow(priorityDiscover, "dhcp-request", mac, none4)
	b.arp(mac, []openflow.MatchField{openflow.ExactBits(openflow.ARPSPA, openflow.Bits{})})
	b.allow(priorityDiscover, "mld-out", mac, none6)
	b.add(TableAntiSpoof, priorityDiscover, policy.Platform("nd-out").Number, TableDestination, []openflow.MatchField{
		family(6), openflow.Exact(openflow.IPProto, uint64(policy.ProtoICMPv6)), openflow.Exact(openflow.ICMPv6Type, uint64(policy.ICMPv6RouterSolicit)),
		openflow.Exact(openflow.ICMPv6Code, 0), none6, b.from, b.src(mac),
	})
}

// role lets the port receive what its role is for.
func (b *portBuilder) role(names ...string) {
	for _, name := range names {
		b.out = append(b.out, platformFlows(policy.Platform(name), TableReceiverCT, priorityPort, TableOutput, b.to)...)
	}
}
