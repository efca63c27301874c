package ofeval

import (
	"net/netip"

	"conjunct/openflow"
)

// A tuple names a connection within a zone, seen from one end. For ICMP the ports are the identifier, and the types tell
// the directions apart. Protocols other than TCP, UDP and ICMP have no ports: so has SCTP, in the userspace datapath.
type tuple struct {
	zone             uint16
	proto            uint8
	src, dst         netip.Addr
	srcPort, dstPort uint16
	srcType, dstType uint8
}

func (t tuple) reverse() tuple {
	t.src, t.dst = t.dst, t.src
	t.srcPort, t.dstPort = t.dstPort, t.srcPort
	t.srcType, t.dstType = t.dstType, t.srcType
	return t
}

// icmpQuery is a type of ICMP or ICMPv6 message.
type icmpQuery struct{ proto, kind uint64 }

// icmpAnswers: the types that make a connection of their own, and the types of the other direction.
var icmpAnswers = map[icmpQuery]uint64{
	{openflow.ProtoICMP, 8}: 0, {openflow.ProtoICMP, 0}: 8, // echo
	{openflow.ProtoICMP, 13}: 14, {openflow.ProtoICMP, 14}: 13, // timestamp
	{openflow.ProtoICMP, 15}: 16, {openflow.ProtoICMP, 16}: 15, // information
	{openflow.ProtoICMPv6, 128}: 129, {openflow.ProtoICMPv6, 129}: 128, // echo
}

// icmpOpens: the types that may be the first of a connection.
var icmpOpens = map[icmpQuery]bool{
	{openflow.ProtoICMP, 8}: true, {openflow.ProtoICMP, 13}: true, {openflow.ProtoICMP, 15}: true, {openflow.ProtoICMPv6, 128}: true,
}

// icmpErrors: the types that speak of another packet.
var icmpErrors = map[icmpQuery]bool{
	{openflow.ProtoICMP, 3}: true, {openflow.ProtoICMP, 4}: true, {openflow.ProtoICMP, 5}: true, {openflow.ProtoICMP, 11}: true, {openflow.ProtoICMP, 12}: true,
	{openflow.ProtoICMPv6, 1}: true, {openflow.ProtoICMPv6, 2}: true, {openflow.ProtoICMPv6, 3}: true, {openflow.ProtoICMPv6, 4}: true,
}

// tupleOf returns the tuple of a whole packet (conn_key_extract in lib/conntrack.c). Of an ICMP error it is the tuple of
// the packet that it speaks of, turned round, and related is true. ok is false for what cannot be tracked.
func tupleOf(p *Packet, zone uint16) (t tuple, related, ok bool) {
	eth := p.number(openflow.EthType)
	if eth != openflow.EtherTypeIPv4 && eth != openflow.EtherTypeIPv6 {
		return tuple{}, false, false
	}
	t = tuple{zone: zone, proto: uint8(p.number(openflow.IPProto))}
	t.src, t.dst = p.addresses()
	switch {
	case t.proto == openflow.ProtoTCP || t.proto == openflow.ProtoUDP:
		t.srcPort, t.dstPort = uint16(p.number(openflow.TCPSrc)), uint16(p.number(openflow.TCPDst))
		return t, false, t.srcPort != 0 && t.dstPort != 0
	case eth == openflow.EtherTypeIPv4 && t.proto == openflow.ProtoICMP, eth == openflow.EtherTypeIPv6 && t.proto == openflow.ProtoICMPv6:
		return t.icmp(p)
	}
	return t, false, true
}

func (t tuple) icmp(p *Packet) (_ tuple, related, ok bool) {
	kind := icmpQuery{uint64(t.proto), p.number(openflow.ICMPType)}
	if answer, ok := icmpAnswers[kind]; ok {
		t.srcPort, t.dstPort = p.icmpID, p.icmpID
		t.srcType, t.dstType = uint8(kind.kind), uint8(answer)
		return t, false, p.number(openflow.ICMPCode) == 0
	}
	if !icmpErrors[kind] || p.about == nil {
		return tuple{}, false, false
	}
	inner, nested, ok := tupleOf(p.about, t.zone)
	if !ok || nested || inner.src != t.dst || inner.src.Is4() != t.src.Is4() {
		return tuple{}, false, false
	}
	return inner.reverse(), true, true
}
