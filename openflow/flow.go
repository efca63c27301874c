package openflow

import (
	"slices"
	"time"
)

// DefaultPriority is the priority of a flow text that names none (OFP_DEFAULT_PRIORITY).
const DefaultPriority = 0x8000

// FlowFlags are the flags of a flow (OFPFF_*; OpenFlow 1.5.1, 7.3.4.2).
type FlowFlags uint16

// The flags.
const (
	FlowSendRemoved    FlowFlags = 1 << 0
	FlowCheckOverlap   FlowFlags = 1 << 1
	FlowResetCounts    FlowFlags = 1 << 2
	FlowNoPacketCounts FlowFlags = 1 << 3
	FlowNoByteCounts   FlowFlags = 1 << 4
)

// A Flow is one entry of a flow table: Table, Priority and Match name it, the rest is what it does.
type Flow struct {
	Table    uint8
	Priority uint16
	Match    Match

	Cookie      uint64
	IdleTimeout uint16 // seconds without a packet after which the switch removes the flow; 0: never
	HardTimeout uint16 // seconds of life; 0: for ever
	Importance  uint16 // eviction order
	Flags       FlowFlags

	// Actions are applied in order (the apply-actions instruction). Without any, and without Goto, the packet is dropped.
	Actions []Action
	// Goto is the table where the packet goes on; 0: nowhere, for a packet never goes back.
	Goto uint8
	// Instructions are the other instructions (meter, write-actions, ...) as on the wire; nil for none.
	Instructions []byte
}

// FlowStats is a flow in a switch, with what the switch counted. A count that the switch did not send is 0.
type FlowStats struct {
	Flow
	Duration time.Duration // since the flow was added
	IdleAge  time.Duration // since the last packet, in whole seconds
	Packets  uint64
	Bytes    uint64
}

// FlowKey names a flow in a switch: two flows with one key are the same flow. It is comparable.
type FlowKey struct {
	Table    uint8
	Priority uint16
	Match    string
}

// Key returns what names the flow.
func (f *Flow) Key() FlowKey { return FlowKey{f.Table, f.Priority, f.Match.Key()} }

// Equal reports whether f and g are the same flow and do the same, cookie, timeouts and flags included.
func (f *Flow) Equal(g *Flow) bool {
	return f.Table == g.Table && f.Priority == g.Priority && f.Match == g.Match &&
		f.Cookie == g.Cookie && f.IdleTimeout == g.IdleTimeout && f.HardTimeout == g.HardTimeout &&
		f.Importance == g.Importance && f.Flags == g.Flags && f.SameEffect(g)
}

// SameEffect reports whether f and g do the same to a packet.
func (f *Flow) SameEffect(g *Flow) bool {
	return f.Goto == g.Goto && slices.Equal(f.Instructions, g.Instructions) && EqualActions(f.Actions, g.Actions)
}

// EqualActions reports whether a and b are the same actions in the same order.
func EqualActions(a, b []Action) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equalAction(a[i], b[i]) {
			return false
		}
	}
	return true
}

// equalAction compares values first: nearly all that are the same on the wire are the same in memory, and nothing is encoded.
func equalAction(a, b Action) bool {
	switch x := a.(type) {
	case Output, SetField, Move, Resubmit, CTClear, Conjunction, PushVLAN, PopVLAN, Group, DecTTL, Exit:
		if a == b {
			return true
		}
	case CT:
		y, ok := b.(CT)
		if ok && x.Commit == y.Commit && x.Force == y.Force && x.Zone == y.Zone && x.ZoneSrc == y.ZoneSrc && x.Table == y.Table &&
			x.ALG == y.ALG && EqualActions(x.Exec, y.Exec) {
			return true
		}
	}
	return string(a.appendWire(nil)) == string(b.appendWire(nil))
}
