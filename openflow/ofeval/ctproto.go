package ofeval

import "conjunct/openflow"

// A protocolState is how far a connection has come.
type protocolState interface {
	// update takes the next packet of the connection.
	update(p *Packet, reply bool) verdict
}

func newProtocolState(p *Packet, proto uint8) protocolState {
	if proto == openflow.ProtoTCP {
		return openTCP(p.number(openflow.TCPFlags))
	}
	return new(answered)
}

// mayOpen reports whether a packet can be the first of a connection (valid_new of the protocols).
func mayOpen(p *Packet, proto uint8) bool {
	switch proto {
	case openflow.ProtoTCP:
		flags := p.number(openflow.TCPFlags)
		return !tcpNonsense(flags) && flags&(SYN|ACK) != SYN|ACK
	case openflow.ProtoICMP, openflow.ProtoICMPv6:
		return icmpOpens[icmpQuery{uint64(proto), p.number(openflow.ICMPType)}] || !isICMP(p)
	}
	return true
}

// isICMP reports whether the protocol number is that of the packet's family: ICMPv6 over IPv4 is just some protocol.
func isICMP(p *Packet) bool {
	return p.number(openflow.EthType) == openflow.EtherTypeIPv4 == (p.number(openflow.IPProto) == openflow.ProtoICMP)
}

// answered is the state of all protocols but TCP: new until the first reply (lib/conntrack-other.c, lib/conntrack-icmp.c).
type answered bool

func (s *answered) update(_ *Packet, reply bool) verdict {
	if reply {
		*s = true
	}
	if *s {
		return verdictEstablished
	}
	return verdictNew
}
