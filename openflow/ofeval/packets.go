package ofeval

import (
	"net/netip"

	"conjunct/openflow"
)

// Bits of the TCPFlags field that connection tracking looks at.
const (
	FIN = 1 << 0
	SYN = 1 << 1
	RST = 1 << 2
	PSH = 1 << 3
	ACK = 1 << 4
	URG = 1 << 5
)

// ICMP types (RFC 792, RFC 4443) that the packets made here have.
const (
	icmpEchoReply, icmpEcho, icmpUnreachable       = 0, 8, 3
	icmpv6EchoReply, icmpv6Echo, icmpv6Unreachable = 129, 128, 1
)

// Proto returns an IP packet of some protocol without a header that a switch reads. Both addresses are of one family.
func Proto(src, dst netip.Addr, proto uint8) Packet {
	srcField, dstField, eth := openflow.IPv6Src, openflow.IPv6Dst, uint64(openflow.EtherTypeIPv6)
	if src.Unmap().Is4() {
		srcField, dstField, eth = openflow.IPv4Src, openflow.IPv4Dst, openflow.EtherTypeIPv4
	}
	return NewPacket(
		openflow.Exact(openflow.EthType, eth), openflow.Exact(openflow.IPProto, uint64(proto)), openflow.Exact(openflow.IPTTL, 64),
		openflow.Addr(srcField, src), openflow.Addr(dstField, dst))
}

// TCP returns a segment with the given flags (SYN, ACK, ...).
func TCP(src, dst netip.AddrPort, flags uint16) Packet {
	return transport(src, dst, openflow.ProtoTCP).With(openflow.Exact(openflow.TCPFlags, uint64(flags)))
}

// UDP returns a datagram.
func UDP(src, dst netip.AddrPort) Packet { return transport(src, dst, openflow.ProtoUDP) }

// SCTP returns an SCTP packet.
func SCTP(src, dst netip.AddrPort) Packet { return transport(src, dst, openflow.ProtoSCTP) }

func transport(src, dst netip.AddrPort, proto uint8) Packet {
	return Proto(src.Addr(), dst.Addr(), proto).With(
		openflow.Exact(openflow.TCPSrc, uint64(src.Port())), openflow.Exact(openflow.TCPDst, uint64(dst.Port())))
}

// Echo returns an ICMP or ICMPv6 echo request; id tells one ping from another.
func Echo(src, dst netip.Addr, id uint16) Packet {
	if src.Unmap().Is4() {
		return ICMP(src, dst, icmpEcho, 0, id)
	}
	return ICMP(src, dst, icmpv6Echo, 0, id)
}

// ICMP returns an ICMP or ICMPv6 message other than an error; id is the identifier of a query.
func ICMP(src, dst netip.Addr, kind, code uint8, id uint16) Packet {
	proto := uint8(openflow.ProtoICMPv6)
	if src.Unmap().Is4() {
		proto = openflow.ProtoICMP
	}
	p := Proto(src, dst, proto).With(openflow.Exact(openflow.ICMPType, uint64(kind)), openflow.Exact(openflow.ICMPCode, uint64(code)))
	p.icmpID = id
	return p
}

// Unreachable returns the "port unreachable" that the host or router from sends to the source of p.
func Unreachable(from netip.Addr, p Packet) Packet {
	kind, code := uint8(icmpv6Unreachable), uint8(4)
	if from.Unmap().Is4() {
		kind, code = icmpUnreachable, 3
	}
	return ICMPError(from, kind, code, p)
}

// ICMPError returns an error message about p, sent by from to the source of p.
func ICMPError(from netip.Addr, kind, code uint8, p Packet) Packet {
	src, _ := p.addresses()
	e := ICMP(from, src, kind, code, 0)
	p.about = nil
	e.about = &p
	return e
}

// ARP returns a request (op 1) or reply (op 2).
func ARP(op uint16, sha [6]byte, spa, tpa netip.Addr) Packet {
	return NewPacket(
		openflow.MAC(openflow.EthSrc, sha), openflow.MAC(openflow.EthDst, [6]byte{255, 255, 255, 255, 255, 255}),
		openflow.Exact(openflow.EthType, openflow.EtherTypeARP), openflow.Exact(openflow.ARPOp, uint64(op)),
		openflow.MAC(openflow.ARPSHA, sha), openflow.Addr(openflow.ARPSPA, spa), openflow.Addr(openflow.ARPTPA, tpa))
}

// addresses returns source and destination of an IP packet.
func (p *Packet) addresses() (src, dst netip.Addr) {
	if p.number(openflow.EthType) == openflow.EtherTypeIPv4 {
		return p.get(openflow.IPv4Src).bits().Addr4(), p.get(openflow.IPv4Dst).bits().Addr4()
	}
	return p.get(openflow.IPv6Src).bits().Addr16(), p.get(openflow.IPv6Dst).bits().Addr16()
}

// Reply returns the packet that answers p: everything that has two ends turned round, an echo request made an echo reply. Metadata
// is gone. Set the TCP flags with With.
func (p Packet) Reply() Packet {
	for _, pair := range [][2]openflow.Field{
		{openflow.EthSrc, openflow.EthDst}, {openflow.IPv4Src, openflow.IPv4Dst}, {openflow.IPv6Src, openflow.IPv6Dst},
	} {
		p.fields[pair[0]], p.fields[pair[1]] = p.fields[pair[1]], p.fields[pair[0]]
	}
	proto := p.number(openflow.IPProto)
	if proto == openflow.ProtoICMP || proto == openflow.ProtoICMPv6 {
		if answer, ok := icmpAnswers[icmpQuery{proto, p.number(openflow.ICMPType)}]; ok {
			p.setNumber(openflow.ICMPType, answer)
		}
	} else {
		p.fields[openflow.TCPSrc], p.fields[openflow.TCPDst] = p.fields[openflow.TCPDst], p.fields[openflow.TCPSrc]
	}
	return p.OnWire()
}

// OnWire returns p without metadata: as the next switch sees it.
func (p Packet) OnWire() Packet {
	for f := openflow.TunID; f < numSlots; f++ {
		p.fields[f] = value{}
	}
	p.fields[openflow.InPort], p.fields[openflow.ConjID] = value{}, value{}
	p.track = tracked{}
	return p
}
