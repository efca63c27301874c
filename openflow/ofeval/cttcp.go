package ofeval

import "conjunct/openflow"

// Every segment is empty and has these numbers: a Packet has none of its own.
const (
	tcpSeq    = 1000
	tcpAck    = 1000
	tcpWindow = 65535
)

// A tcpPhase is how far one end of a connection has come (enum ct_dpif_tcp_state).
type tcpPhase uint8

const (
	tcpClosed      tcpPhase = 0
	tcpSynSent     tcpPhase = 2
	tcpEstablished tcpPhase = 4
	tcpClosing     tcpPhase = 7
	tcpFinWait2    tcpPhase = 9
	tcpTimeWait    tcpPhase = 10
)

// A tcpPeer is one end of a TCP connection.
type tcpPeer struct {
	phase     tcpPhase
	low, high uint32 // sequence numbers: the highest sent, and the highest that the other end would take
	window    uint32
}

// A tcpState is the state of a TCP connection (lib/conntrack-tcp.c).
type tcpState struct {
	peers [2]tcpPeer // 0 is the end that opened
	scale uint       // of both windows: unknown, so the largest, where the opening was not seen
}

// openTCP is the state after the first segment.
func openTCP(flags uint64) *tcpState {
	s := &tcpState{}
	opener := &s.peers[0]
	*opener = tcpPeer{phase: tcpSynSent, low: tcpSeq, high: tcpSeq + 1, window: tcpWindow}
	if flags&SYN != 0 {
		opener.high++
	} else {
		s.scale = 14
	}
	if flags&FIN != 0 {
		opener.high++
	}
	s.peers[1] = tcpPeer{high: 1, window: 1}
	return s
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
		if src.phase >= tcpFinWait2 && dst.phase >= tcpFinWait2 {
			return verdictReopens
		}
		if src.phase <= tcpSynSent {
			src.phase = tcpSynSent
			return verdictNew
		}
	}
	return s.judge(src, dst, flags)
}

// judge follows the sequence numbers, as far as they matter for segments that all have the same.
func (s *tcpState) judge(src, dst *tcpPeer, flags uint64) verdict {
	var scale uint
	if flags&SYN == 0 {
		scale = s.scale
	}
	seq, ack, end := uint32(tcpSeq), uint32(tcpAck), uint32(tcpSeq)
	if flags&SYN != 0 {
		end++
	}
	if flags&FIN != 0 {
		end++
	}
	checkSkew := true
	if src.phase < tcpSynSent { // the first segment of this end
		src.low, src.phase = seq, tcpSynSent
		if high := end + max(1, dst.window<<scale); src.high == 1 || !before(high, src.high) {
			src.high, checkSkew = high, false
		}
		src.window = max(src.window, tcpWindow)
	}
	if flags&ACK == 0 {
		ack = dst.low
	}
	if seq == end {
		seq, end = src.low, src.low
	}
	var skew int32
	if checkSkew {
		skew = int32(dst.low - ack)
	}
	const fudge = 0xffff + 1500
	switch {
	case !before(src.high, end) && !before(seq, src.low-dst.window<<scale) && skew >= -fudge && skew <= fudge<<scale &&
		(flags&RST == 0 || tcpSeq == src.low || tcpSeq == src.low+1 || tcpSeq+1 == src.low):
		s.slide(src, dst, end, ack, scale)
		s.advance(src, dst, flags)
	case (dst.phase < tcpSynSent || dst.phase >= tcpFinWait2 || src.phase >= tcpFinWait2) &&
		!before(src.high+fudge, end) && !before(seq, src.low-fudge):
		s.slide(src, dst, end, ack, scale)
		if flags&FIN != 0 {
			src.phase = max(src.phase, tcpClosing)
		}
		if flags&RST != 0 {
			src.phase, dst.phase = tcpTimeWait, tcpTimeWait
		}
	default:
		return verdictInvalid
	}
	return verdictEstablished
}

// slide moves the windows on.
func (s *tcpState) slide(src, dst *tcpPeer, end, ack uint32, scale uint) {
	src.window = max(src.window, tcpWindow)
	if before(src.low, end) {
		src.low = end
	}
	if high := ack + tcpWindow<<scale; !before(high, dst.high) {
		dst.high = high
	}
}

// advance takes both ends to their next phase.
func (s *tcpState) advance(src, dst *tcpPeer, flags uint64) {
	if flags&FIN != 0 {
		src.phase = max(src.phase, tcpClosing)
	}
	if flags&ACK != 0 {
		switch dst.phase {
		case tcpSynSent:
			dst.phase = tcpEstablished
		case tcpClosing:
			dst.phase = tcpFinWait2
		default:
		}
	}
	if flags&RST != 0 {
		src.phase, dst.phase = tcpTimeWait, tcpTimeWait
	}
}

// before compares sequence numbers, which wrap.
func before(a, b uint32) bool { return int32(a-b) < 0 }

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
