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
	case PrereqND:
		return m.exactly(ICMPv6Type, ICMPv6NeighborSolicit) || m.exactly(ICMPv6Type, ICMPv6NeighborAdvertise)
	case PrereqNDSolicit:
		return m.exactly(ICMPv6Type, ICMPv6NeighborSolicit)
	case PrereqNDAdvert:
		return m.exactly(ICMPv6Type, ICMPv6NeighborAdvertise)
	}
	if frag, _, _ := m.Get(IPFrag); p.hasPorts() && frag.Uint64()&FragLater != 0 {
		return false
	}
	return p.protocolHolds(m)
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
	if err := checkActions(f.Actions, f.Match); err != nil {
		return fmt.Errorf("flow %s: %w", f, err)
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

// checkActions follows the packet's tag through the actions, and looks at what each action demands of the packet.
func checkActions(actions []Action, m Match) error {
	for _, a := range actions {
		switch a := a.(type) {
		case Output:
			if !a.Port.valid() || a.Port == PortAny || a.Port == PortUnset {
				return fmt.Errorf("%s: %w", a, ErrBadOutPort)
			}
		case SetField:
			if !fieldTable[a.Field].Writable {
				return fmt.Errorf("%s: %s is read-only: %w", a, a.Field, ErrBadActionArg)
			}
			if !fieldTable[a.Field].Prereq.holds(m) {
				return fmt.Errorf("%s: %w", a, ErrBadPrereq)
			}
		case Move:
			if !a.Src.valid() || !a.Dst.valid() || a.Src.N != a.Dst.N || !fieldTable[a.Dst.Field].Writable {
				return fmt.Errorf("%s: %w", a, ErrBadActionArg)
			}
		case Conjunction:
			if a.N < 2 || a.N > 64 || a.Clause >= a.N {
				return fmt.Errorf("%s: %w", a, ErrBadConjunction)
			}
		case CT:
			if a.Force && !a.Commit || !a.ZoneSrc.IsZero() && a.ZoneSrc.N != 16 {
				return fmt.Errorf("%s: %w", a, ErrBadActionArg)
			}
			if err := checkActions(a.Exec, m); err != nil {
				return err
			}
		case PushVLAN:
			if a.EtherType != 0x8100 && a.EtherType != 0x88a8 {
				return fmt.Errorf("%s: %w", a, ErrBadActionArg)
			}
			m = m.With(Masked(VLANVID, VLANPresent, VLANPresent))
		case PopVLAN:
			m = m.Without(VLANVID, VLANPCP)
		}
	}
	return nil
}
