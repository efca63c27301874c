package policy

import (
	"net/netip"
	"slices"
)

// End is one side of a question: a port, or an address of the VPC of the other side's port (or of nobody).
type End struct {
	Port    *PortView
	Address netip.Addr
}

// PacketKind is which packet of a connection is asked about. A connection's ends are named as they were when it was opened, whichever way the
// packet goes.
type PacketKind string

const (
	PacketOpening PacketKind = "opening"    // the first
	PacketLater   PacketKind = "later"      // another one of the end that opened it, after an answer
	PacketReply   PacketKind = "reply"      // of the end that was asked
	PacketError   PacketKind = "icmp-error" // "destination unreachable" about the first one, of the end that was asked
)

// PacketKinds lists them.
var PacketKinds = []PacketKind{PacketOpening, PacketLater, PacketReply, PacketError}

// Returns reports whether the packet goes against the direction in which the connection was opened.
func (k PacketKind) Returns() bool { return k == PacketReply || k == PacketError }

// Step is the verdict at one end.
type Step struct {
	Port      *PortView
	Direction Direction // whose rules are asked: also for what returns, that in which the connection was opened
	Decision  Decision
	Stages    []Stage
	// Followed tells that the verdict is that of the connection, which the packet follows.
	Followed bool
}

// Verdict is the answer for a packet: it passes when both ends let it.
type Verdict struct {
	Allowed bool
	Steps   []Step // egress of the end that opens, then ingress of the other; ends that are not ports have none
}

// Explain says whether a connection may be opened, with the reason at each end that is a port.
func Explain(s *Snapshot, from, to End, c Connection) Verdict {
	return ExplainPacket(s, from, to, c, PacketOpening)
}

// ExplainPacket says whether a packet of the connection passes. A packet follows its connection: it passes where the rules of now would let the
// connection be opened, unless it is stopped before rules are asked.
func ExplainPacket(s *Snapshot, from, to End, c Connection, k PacketKind) Verdict {
	v := Verdict{Allowed: true}
	for _, e := range []struct {
		end End
		d   Direction
	}{{from, Egress}, {to, Ingress}} {
		if e.end.Port == nil {
			continue
		}
		step := Step{Port: e.end.Port, Direction: e.d, Decision: DecideAt(s, e.end.Port, e.d, c)}
		step.Stages = s.stages(step.Port, e.d, c, step.Decision)
		if k.Returns() {
			s.follow(&step, c, k)
		}
		v.Steps = append(v.Steps, step)
		v.Allowed = v.Allowed && step.Decision.Allowed
	}
	return v
}

// follow turns the verdict for the connection into that for a packet that returns.
func (s *Snapshot) follow(step *Step, c Connection, k PacketKind) {
	back, d := c.Returning(k), step.Direction.Reverse()
	if step.Decision.Allowed && step.Decision.Tier == TierPlatform && !step.Decision.Platform.Judged {
		// What the platform lets pass is not tracked.
		step.Decision = Decision{Tier: TierTracking}
		step.Stages = append(step.Stages, Stage{Tier: TierTracking})
		if k == PacketReply {
			step.Direction, step.Decision = d, DecideAt(s, step.Port, d, back)
			step.Stages = s.stages(step.Port, d, back, step.Decision)
		}
		return
	}
	front := DecideAt(s, step.Port, d, back)
	if front.Tier == TierAntiSpoofing || (front.Tier == TierPlatform && !front.Platform.Judged) {
		step.Decision, step.Direction = front, d
		step.Stages = s.stages(step.Port, d, back, front)
		return
	}
	step.Followed = true
	step.Stages = append([]Stage{{Tier: TierTracking, Passed: true}}, step.Stages...)
}

// Returning is the packet of the kind, which goes against the connection, as a connection of its own.
func (c Connection) Returning(k PacketKind) Connection {
	back := Connection{Src: c.Dst, Dst: c.Src, Protocol: c.Protocol, SrcPort: c.DstPort, DstPort: c.SrcPort}
	family := Version(c.Src)
	if k == PacketError {
		back.SrcPort, back.DstPort = 0, 0
		back.Protocol, back.ICMPType, back.ICMPCode = ProtoICMP, 3, 1 // host unreachable (RFC 792)
		if family == 6 {
			back.Protocol, back.ICMPType, back.ICMPCode = ProtoICMPv6, 1, 3 // address unreachable (RFC 4443)
		}
		return back
	}
	back.ICMPType = answerOf(c.Protocol, c.ICMPType)
	return back
}

// answerOf is the ICMP type that answers a type, or the type itself where none does (RFC 792, RFC 4443).
func answerOf(protocol, kind uint8) uint8 {
	for _, pair := range []struct{ protocol, ask, answer uint8 }{
		{ProtoICMP, 8, 0}, {ProtoICMP, 13, 14}, {ProtoICMP, 15, 16}, {ProtoICMPv6, 128, 129},
	} {
		if pair.protocol == protocol && pair.ask == kind {
			return pair.answer
		}
	}
	return kind
}

// IsExact reports whether flows must say the same of the packet. They may let pass what returns of a connection that is refused: where the
// original tuple says less than the rules look at (ICMP errors about ICMP and SCTP), and where the connection can't be opened for other reasons
// than rules, so that there is none to return anything.
func (s Step) IsExact(c Connection, k PacketKind) bool {
	if s.Decision.Tier == TierTracking {
		return false
	}
	if s.Decision.Allowed || !s.Followed {
		return true
	}
	loose := c.Protocol == ProtoICMP || c.Protocol == ProtoICMPv6 || c.Protocol == ProtoSCTP
	front := s.Decision.Tier == TierAntiSpoofing || s.Decision.Tier == TierPlatform && !s.Decision.Platform.Judged
	return !front && (!loose || k != PacketError)
}

// PortAt finds the port of a VPC that has the address as its own.
func (s *Snapshot) PortAt(vpc VPCID, a netip.Addr) (*PortView, bool) {
	for sub := range Referrers[*Subnet](s, KindVPC, string(vpc)) {
		for p := range Referrers[*Port](s, KindSubnet, sub.ID) {
			if slices.Contains(p.Addresses, a) { // Addresses are unique in a VPC.
				return s.PortView(PortID(p.ID))
			}
		}
	}
	return nil, false
}
