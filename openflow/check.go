package openflow

import "fmt"

// protocols: what a prerequisite wants of Ethernet type and IP protocol; 0 is any.
var protocols = [...][]struct{ eth, proto uint64 }{
	PrereqARP:    {{EtherTypeARP, 0}, {EtherTypeRARP, 0}},
	PrereqIPv4:   {{EtherTypeIPv4, 0}},
	PrereqIPv6:   {{EtherTypeIPv6, 0}},
	PrereqIP:     {{EtherTypeIPv4, 0}, {EtherTypeIPv6, 0}},
	PrereqTCP:    {{EtherTypeIPv4, ProtoTCP}, {EtherTypeIPv6, ProtoTCP}},
	PrereqUDP:    {{EtherTypeIPv4, ProtoUDP}, {EtherTypeIPv6, ProtoUDP}},
	PrereqSCTP:   {{EtherTypeIPv4, ProtoSCTP}, {EtherTypeIPv6, ProtoSCTP}},
	PrereqICMPv4: {{EtherTypeIPv4, ProtoICMP}},
	PrereqICMPv6: {{EtherTypeIPv6, ProtoICMPv6}},
}

// holds reports whether m says what p demands.
func (p Prereq) holds(m Match) bool {
	switch p {
	case PrereqNone, PrereqEthernet:
		return true
	case PrereqVLAN:
		v, mask, _ := m.Get(VLANVID)
		return v.Uint64()&mask.Uint64()&VLANPresent != 0
	case PrereqCT:
		return saysTracked(m)
	case PrereqCTIPv4:
		return saysTracked(m) && PrereqIPv4.holds(m)
	case PrereqCTIPv6:
		return saysTracked(m) && PrereqIPv6.holds(m)
	case PrereqCTPorts: // Open vSwitch takes the ports without the protocol, and then neither writes nor prints them
		_, _, ok := m.Get(CTNwProto)
		return ok && saysTracked(m)
	case PrereqND:
		return m.exactly(ICMPv6Type, ICMPv6NeighborSolicit) || m.exactly(ICMPv6Type, ICMPv6NeighborAdvertise)
	case PrereqNDSolicit:
		return m.exactly(ICMPv6Type, ICMPv6NeighborSolicit)
	case PrereqNDAdvert:
		return m.exactly(ICMPv6Type, ICMPv6NeighborAdvertise)
	default:
		frag, _, _ := m.Get(IPFrag)
		return p.protocolHolds(m) && (!p.hasPorts() || frag.Uint64()&FragLater == 0)
	}
}

// hasPorts reports whether p is about a transport header, which a later fragment does not have.
func (p Prereq) hasPorts() bool { return p == PrereqTCP || p == PrereqUDP || p == PrereqSCTP }

func (p Prereq) protocolHolds(m Match) bool {
	for _, t := range protocols[p] {
		if m.exactly(EthType, t.eth) && (t.proto == 0 || m.exactly(IPProto, t.proto)) {
			return true
		}
	}
	return false
}

// saysTracked reports whether only packets of a valid connection match: one of the states that imply it, or
// +trk-inv (is_ct_valid in lib/flow.h of Open vSwitch).
func saysTracked(m Match) bool {
	v, mask, _ := m.Get(CTState)
	set, known := v.Uint64(), mask.Uint64()
	const valid = CTNew | CTEstablished | CTRelated | CTReply | CTSNAT | CTDNAT
	return set&valid != 0 || set&CTTracked != 0 && known&CTInvalid != 0 && set&CTInvalid == 0
}

// Check returns nil when every field of m has a possible value and what it requires, and otherwise an error with
// ErrBadValue or ErrBadPrereq that names the first field that has not. A switch refuses such a match.
func (m Match) Check() error {
	for f := range m.Fields() {
		if !f.Field.takes(f.Value) {
			return fmt.Errorf("match %s: %s: %w", m, f.Field, ErrBadValue)
		}
		if p := fieldTable[f.Field].Prereq; !p.holds(m) {
			return fmt.Errorf("match %s: %s without what it requires: %w", m, f.Field, ErrBadPrereq)
		}
	}
	return nil
}

// Check returns nil when a switch would accept f: match, goto forwards, and each action alone and beside the others.
func (f *Flow) Check() error {
	if err := f.Match.Check(); err != nil {
		return err
	}
	if f.Goto != 0 && f.Goto <= f.Table {
		return fmt.Errorf("flow %s: goto_table backwards: %w", f, ErrBadInstructionTable)
	}
	c := newActionChecker(f.Match)
	for _, a := range f.Actions {
		if code := c.check(a); code != 0 {
			return fmt.Errorf("flow %s: %s: %w", f, a, code)
		}
	}
	return f.checkConjunction()
}

// checkConjunction: beside a conjunction there may be only notes (ovs-actions(7)).
func (f *Flow) checkConjunction() error {
	var conjunctions, others int
	for _, a := range f.Actions {
		switch a.(type) {
		case Conjunction:
			conjunctions++
		case Note:
		default:
			others++
		}
	}
	if conjunctions > 0 && (others > 0 || f.Goto != 0 || f.Instructions != nil) {
		return fmt.Errorf("flow %s: conjunction beside another action: %w", f, ErrBadConjunction)
	}
	return nil
}
