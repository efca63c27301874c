package policytest

import (
	"fmt"

	"conjunct/policy"
)

// The packets of a connection that get one verdict.
const (
	Opening   = "the opening packet"
	Later     = "a later packet"
	Reply     = "the reply"
	ICMPError = "an ICMP error about it"
)

// Tried counts the packets that a question stood for, and those that passed.
type Tried struct{ Packets, Passed int }

// Disagreement is a packet that a switch treats otherwise than the policy says.
type Disagreement struct {
	Packet         string // Opening, …
	By             string // which switch, and how it was asked
	Policy, Switch bool   // whether it passes
	Reason         string // the policy's
	Trace          string // what the switch did with the packet
}

func (d *Disagreement) String() string {
	return fmt.Sprintf("%s: policy says %s, %s %s\n%s%s", d.Packet, passes(d.Policy), d.By, passes(d.Switch), d.Reason, d.Trace)
}

func passes(yes bool) string {
	if yes {
		return "pass"
	}
	return "refuse"
}

// Reason says in a line why the policy decides as it does.
func Reason(d policy.Decision) string {
	out := fmt.Sprintf("%s (%s", passes(d.Allowed), d.Tier)
	switch {
	case d.Rule != nil:
		out += fmt.Sprintf(": rule %s of group %s", d.Rule.ID, d.Group.ID)
	case d.Platform != nil:
		out += ": " + d.Platform.Name
	case d.Nearest != nil:
		out += fmt.Sprintf("; nearest is rule %s: %v", d.Nearest.Rule.ID, d.Nearest.Fields)
	}
	return out + ")"
}

// answers is the ICMP type that answers another.
var answers = map[[2]uint8]uint8{
	{policy.ProtoICMP, 8}: 0, {policy.ProtoICMP, 13}: 14, {policy.ProtoICMP, 15}: 16, {policy.ProtoICMPv6, 128}: 129,
}

// Answer is the ICMP type that answers the connection's first packet, if that is an ICMP query.
func Answer(c policy.Connection) (kind uint8, ok bool) {
	kind, ok = answers[[2]uint8{c.Protocol, c.ICMPType}]
	return kind, ok && c.Protocol == icmpOf(policy.Version(c.Src))
}

// Back is a connection's reply as a packet of its own.
func Back(c policy.Connection) policy.Connection {
	out := policy.Connection{Src: c.Dst, Dst: c.Src, Protocol: c.Protocol, SrcPort: c.DstPort, DstPort: c.SrcPort}
	if answer, ok := Answer(c); ok {
		out.ICMPType, out.ICMPCode = answer, c.ICMPCode
	}
	return out
}
