package ofeval

import "conjunct/openflow"

// has reports whether the packet has the field: whether what the field requires is there (mf_are_prereqs_ok).
func (p *Packet) has(f openflow.Field) bool {
	info := f.Info()
	if info == nil {
		return false
	}
	later := p.number(openflow.IPFrag)&openflow.FragLater != 0
	eth, proto := p.number(openflow.EthType), p.number(openflow.IPProto)
	v4, v6 := eth == openflow.EtherTypeIPv4, eth == openflow.EtherTypeIPv6
	icmpv6 := v6 && proto == openflow.ProtoICMPv6 && !later
	kind := p.number(openflow.ICMPv6Type)
	switch info.Prereq {
	case openflow.PrereqVLAN:
		return p.number(openflow.VLANVID)&openflow.VLANPresent != 0
	case openflow.PrereqARP:
		return eth == openflow.EtherTypeARP || eth == openflow.EtherTypeRARP
	case openflow.PrereqIPv4:
		return v4
	case openflow.PrereqIPv6:
		return v6
	case openflow.PrereqIP:
		return v4 || v6
	case openflow.PrereqTCP:
		return (v4 || v6) && proto == openflow.ProtoTCP && !later
	case openflow.PrereqUDP:
		return (v4 || v6) && proto == openflow.ProtoUDP && !later
	case openflow.PrereqSCTP:
		return (v4 || v6) && proto == openflow.ProtoSCTP && !later
	case openflow.PrereqICMPv4:
		return v4 && proto == openflow.ProtoICMP && !later
	case openflow.PrereqICMPv6:
		return icmpv6
	case openflow.PrereqND:
		return icmpv6 && (kind == openflow.ICMPv6NeighborSolicit || kind == openflow.ICMPv6NeighborAdvertise)
	case openflow.PrereqNDSolicit:
		return icmpv6 && kind == openflow.ICMPv6NeighborSolicit
	case openflow.PrereqNDAdvert:
		return icmpv6 && kind == openflow.ICMPv6NeighborAdvertise
	case openflow.PrereqCT, openflow.PrereqCTPorts:
		return p.hasTuple() && (v4 || v6)
	case openflow.PrereqCTIPv4:
		return p.hasTuple() && v4
	case openflow.PrereqCTIPv6:
		return p.hasTuple() && v6
	default: // PrereqNone, PrereqEthernet
		return true
	}
}

// hasTuple reports whether actions may read the original tuple (is_ct_valid in lib/flow.h): not of an ICMP error that goes
// the way of the packet which opened the connection. Such an error matches on the tuple like any other packet.
func (p *Packet) hasTuple() bool {
	return p.number(openflow.CTState)&(openflow.CTNew|openflow.CTEstablished|openflow.CTReply) != 0
}
