package controller

import (
	"net/netip"

	"conjunct/openflow"
	"conjunct/openflow/ofeval"
	"conjunct/policy"
)

// elsewhere is the MAC of whoever is at an end that is no port: a router, as far as the bridge can tell.
var elsewhere = policy.MAC{0x02, 0x00, 0x5e, 0xff, 0xff, 0xfe}

// echoID is the identifier of the pings that are sent on paper.
const echoID = 7

// opening is the packet that opens the connection, without MACs.
func (r *probe) opening() ofeval.Packet {
	c := r.Connection
	from, to := netip.AddrPortFrom(c.Src, c.SrcPort), netip.AddrPortFrom(c.Dst, c.DstPort)
	isV6 := policy.Version(c.Src) == 6
	switch {
	case c.Protocol == policy.ProtoTCP:
		return ofeval.TCP(from, to, ofeval.SYN)
	case c.Protocol == policy.ProtoUDP:
		return ofeval.UDP(from, to)
	case c.Protocol == policy.ProtoSCTP:
		return ofeval.SCTP(from, to)
	case c.Protocol == policy.ProtoICMP && !isV6, c.Protocol == policy.ProtoICMPv6 && isV6:
		return ofeval.ICMP(c.Src, c.Dst, c.ICMPType, c.ICMPCode, echoID)
	}
	return ofeval.Proto(c.Src, c.Dst, c.Protocol)
}

// packet is the one that is asked about, as its sender puts it on the wire.
func (r *probe) packet(from, to *probeEnd) ofeval.Packet {
	p := r.opening()
	ack := openflow.Exact(openflow.TCPFlags, ofeval.ACK)
	isTCP := r.Connection.Protocol == policy.ProtoTCP
	switch r.Packet {
	case policy.PacketReply:
		p = p.Reply()
	case policy.PacketError:
		return between(ofeval.Unreachable(r.Connection.Dst, p), r.Connection.Dst, r.Connection.Src, from, to)
	case policy.PacketOpening:
		isTCP = false // It begins with a SYN.
	case policy.PacketLater:
	}
	if isTCP {
		p = p.With(ack)
	}
	src, dst := r.Connection.Src, r.Connection.Dst
	if r.Packet.Returns() {
		src, dst = dst, src
	}
	return discovery(between(p, src, dst, from, to), r.Connection, from)
}

// between gives the packet the MACs of its ends.
func between(p ofeval.Packet, src, dst netip.Addr, from, to *probeEnd) ofeval.Packet {
	sender, receiver := elsewhere, elsewhere
	if from != nil {
		sender = macOf(from.view.Port, src)
	}
	switch {
	case dst.IsMulticast() && dst.Is4(): // RFC 1112, 6.4
		b := dst.As4()
		receiver = policy.MAC{0x01, 0x00, 0x5e, b[1] & 0x7f, b[2], b[3]}
	case dst.IsMulticast(): // RFC 2464, 7
		b := dst.As16()
		receiver = policy.MAC{0x33, 0x33, b[12], b[13], b[14], b[15]}
	case dst == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		receiver = policy.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	case to != nil && (from == nil || from.view.Subnet.ID == to.view.Subnet.ID):
		receiver = macOf(to.view.Port, dst)
	}
	return p.With(openflow.MAC(openflow.EthSrc, sender), openflow.MAC(openflow.EthDst, receiver))
}

// macOf is the MAC by which the port has an address.
func macOf(p *policy.Port, a netip.Addr) policy.MAC {
	for _, own := range p.Addresses {
		if own == a {
			return p.MAC
		}
	}
	for _, pair := range p.AllowedAddressPairs {
		if !pair.MAC.IsZero() && (pair.CIDR.Contains(a) || pair.MAC.LinkLocal() == a) {
			return pair.MAC
		}
	}
	return p.MAC
}

// discovery fills in what a truthful neighbour solicitation or advertisement says (RFC 4861, 4.3 and 4.4).
func discovery(p ofeval.Packet, c policy.Connection, from *probeEnd) ofeval.Packet {
	if c.Protocol != policy.ProtoICMPv6 || policy.Version(c.Src) != 6 {
		return p
	}
	sender := elsewhere
	if from != nil {
		sender = macOf(from.view.Port, c.Src)
	}
	switch c.ICMPType {
	case policy.ICMPv6NeighSolicit:
		return p.With(openflow.Addr(openflow.NDTarget, c.Dst), openflow.MAC(openflow.NDSLL, sender))
	case policy.ICMPv6NeighAdvert:
		return p.With(openflow.Addr(openflow.NDTarget, c.Src), openflow.MAC(openflow.NDTLL, sender))
	}
	return p
}
