package openflow

import "encoding/binary"

// Action types (OpenFlow 1.5.1, 7.2.6; OFPAT_*).
const (
	actOutput       = 0
	actPushVLAN     = 17
	actPopVLAN      = 18
	actGroup        = 22
	actDecTTL       = 24
	actSetField     = 25
	actCopyField    = 28
	actExperimenter = 0xffff
)

// niciraID is the experimenter of the Open vSwitch extensions (NX_VENDOR_ID).
const niciraID = 0x00002320

// Subtypes of Nicira actions (lib/ofp-actions.c of Open vSwitch, NXAST_RAW_*).
const (
	nxNote            = 8
	nxResubmitTable   = 14
	nxExit            = 17
	nxConjunction     = 34
	nxCT              = 35
	nxCTClear         = 43
	nxResubmitTableCT = 44
)

// actionDecoders: what follows the four bytes of type and length. A decoder returns nil for what it cannot represent;
// the action then stays raw.
var actionDecoders = map[uint16]func(r *reader) Action{
	actOutput:    decodeOutput,
	actPushVLAN:  func(r *reader) Action { return decodeUint16Action(r, func(v uint16) Action { return PushVLAN{v} }) },
	actPopVLAN:   func(r *reader) Action { return decodeEmptyAction(r, PopVLAN{}) },
	actGroup:     func(r *reader) Action { return Group{r.u32("group action")} },
	actDecTTL:    func(r *reader) Action { return decodeEmptyAction(r, DecTTL{}) },
	actSetField:  decodeSetField,
	actCopyField: decodeMove,
}

// niciraDecoder returns what reads the bytes after type, length, experimenter and subtype.
func niciraDecoder(subtype uint16) func(r *reader) Action {
	switch subtype {
	case nxResubmitTable:
		return func(r *reader) Action { return decodeResubmit(r, false) }
	case nxResubmitTableCT:
		return func(r *reader) Action { return decodeResubmit(r, true) }
	case nxNote:
		return func(r *reader) Action { return Note{r.rest()} }
	case nxExit:
		return func(r *reader) Action { r.skip(6, "exit action"); return Exit{} }
	case nxConjunction:
		return decodeConjunction
	case nxCT:
		return decodeCT
	case nxCTClear:
		return func(r *reader) Action { r.skip(6, "ct_clear action"); return CTClear{} }
	}
	return nil
}

// decodeActions reads actions until r is empty.
func decodeActions(r *reader) []Action {
	var actions []Action
	for r.more() {
		if len(r.b) < 8 {
			r.fail(ErrBadActionLen, "action header")
			break
		}
		n := int(binary.BigEndian.Uint16(r.b[2:]))
		if n < 8 || n%8 != 0 || n > len(r.b) {
			r.fail(ErrBadActionLen, "action length")
			break
		}
		wire := r.bytes(n, "action")
		a, err := decodeAction(wire)
		if err != nil {
			r.err, r.b = err, nil
			break
		}
		actions = append(actions, a)
	}
	if r.err != nil {
		return nil
	}
	return actions
}

// decodeAction reads one action, whole in wire. It is raw when this package does not know it, and also when
// writing it again would give other bytes: nothing of it gets lost.
func decodeAction(wire []byte) (Action, error) {
	r := reader{b: wire, short: ErrBadActionLen}
	kind := r.u16("action type")
	r.u16("action length")
	decode := actionDecoders[kind]
	if kind == actExperimenter {
		if r.u32("action experimenter") == niciraID {
			decode = niciraDecoder(r.u16("action subtype"))
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	if decode != nil {
		a := decode(&r)
		if r.err != nil {
			return nil, r.err
		}
		var room [128]byte
		if a != nil && string(a.appendWire(room[:0])) == string(wire) {
			return a, nil
		}
	}
	return RawAction{append([]byte(nil), wire...)}, nil
}

// appendActions writes actions one after the other.
func appendActions(b []byte, actions []Action) []byte {
	for _, a := range actions {
		b = a.appendWire(b)
	}
	return b
}

// actionHeader begins an OpenFlow action of n bytes.
func actionHeader(b []byte, kind uint16, n int) []byte { return put16(put16(b, kind), uint16(n)) }

// niciraHeader begins a Nicira action of n bytes.
func niciraHeader(b []byte, subtype uint16, n int) []byte {
	return put16(put32(actionHeader(b, actExperimenter, n), niciraID), subtype)
}

func decodeEmptyAction(r *reader, a Action) Action {
	r.skip(4, "action padding")
	return a
}

func decodeUint16Action(r *reader, make func(uint16) Action) Action {
	a := make(r.u16("action argument"))
	r.skip(2, "action padding")
	return a
}

func (a RawAction) appendWire(b []byte) []byte { return append(b, a.Wire...) }
