package flowstest

import (
	"net/netip"

	"conjunct/openflow/ofeval"
	"conjunct/policy"
)

// Frame is the packet that opens a connection, without MACs.
func Frame(c policy.Connection) ofeval.Packet {
	from, to := netip.AddrPortFrom(c.Src, c.SrcPort), netip.AddrPortFrom(c.Dst, c.DstPort)
	switch c.Protocol {
	case policy.ProtoTCP:
		return ofeval.TCP(from, to, ofeval.SYN)
	case policy.ProtoUDP:
		return ofeval.UDP(from, to)
	case policy.ProtoSCTP:
		return ofeval.SCTP(from, to)
	case policy.ProtoICMP, policy.ProtoICMPv6:
		return ofeval.ICMP(c.Src, c.Dst, c.ICMPType, c.ICMPCode, 7)
	}
	return ofeval.Proto(c.Src, c.Dst, c.Protocol)
}
