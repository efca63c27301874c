package oftest

import "conjunct/openflow"

// A protocolState is how far a connection has come.
type protocolState interface {
	// update takes the next packet of the connection.
	update(p *Packet, reply bool) verdict
}

func newProtocolState(proto uint8) protocolState {
	if proto == openflow.ProtoTCP {
		return &tcpState{peers: [2]tcpPeer{tcpSynSent, tcpClosed}}
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

// A tcpPeer is the state of one end of a TCP connection (enum ct_dpif_tcp_state).
type tcpPeer uint8

const (
	tcpClosed      tcpPeer = 0
	tcpSynSent     tcpPeer = 2
	tcpEstablished tcpPeer = 4
	tcpClosing     tcpPeer = 7
	tcpFinWait2    tcpPeer = 9
	tcpTimeWait    tcpPeer = 10
)

// tcpState is the state of a TCP connection (lib/conntrack-tcp.c), for packets whose sequence numbers are in order.
type tcpState struct {
	peers [2]tcpPeer // 0 is the end that opened
}

func (s *tcpState) update(p *Packet, reply bool) verdict {
	src, dst := &s.peers[0], &s.peers[1]
	if reply {
		src, dst = dst, src
	}
	flags := p.number(openflow.TCPFlags)
	if tcpNonsense(flags) {
		return verdictInvalid
	}
	if flags&(SYN|ACK) == SYN {
		if *src >= tcpFinWait2 && *dst >= tcpFinWait2 {
			return verdictReopens
		}
		if *src <= tcpSynSent {
			*src = tcpSynSent
			return verdictNew
		}
	}
	*src = max(*src, tcpSynSent)
	if flags&FIN != 0 {
		*src = max(*src, tcpClosing)
	}
	if flags&ACK != 0 {
		switch *dst {
		case tcpSynSent:
			*dst = tcpEstablished
		case tcpClosing:
			*dst = tcpFinWait2
		}
	}
	if flags&RST != 0 {
		*src, *dst = tcpTimeWait, tcpTimeWait
	}
	return verdictEstablished
}

// tcpNonsense reports whether no sane stack sends these flags together (tcp_invalid_flags).
func tcpNonsense(flags uint64) bool {
	if flags&SYN != 0 {
		if flags&(RST|FIN) != 0 {
			return true
		}
	} else if flags&(ACK|RST) == 0 {
		return true
	}
	return flags&ACK == 0 && flags&(FIN|PSH|URG) != 0
}
