package openflow

import "encoding/binary"

// Instruction types (OpenFlow 1.5.1, 7.2.5; OFPIT_*).
const (
	instrGotoTable     = 1
	instrWriteMetadata = 2
	instrWriteActions  = 3
	instrApplyActions  = 4
	instrClearActions  = 5
	instrMeter         = 6
)

// appendInstructions writes apply-actions, the raw ones and goto-table, in the order of Open vSwitch.
// No instruction at all is "drop".
func (f *Flow) appendInstructions(b []byte) []byte {
	if len(f.Actions) > 0 {
		start := len(b)
		b = zeros(actionHeader(b, instrApplyActions, 0), 4)
		b = appendActions(b, f.Actions)
		putLength(b, start, 2)
	}
	b = append(b, f.Instructions...)
	if f.Goto != 0 {
		b = zeros(append(actionHeader(b, instrGotoTable, 8), f.Goto), 3)
	}
	return b
}

// decodeInstructions reads instructions until r is empty.
func (f *Flow) decodeInstructions(r *reader) {
	var applied bool
	for r.more() {
		if len(r.b) < 8 {
			r.fail(ErrBadInstructionLen, "instruction header")
			return
		}
		kind, n := binary.BigEndian.Uint16(r.b), int(binary.BigEndian.Uint16(r.b[2:]))
		if n < 8 || n%8 != 0 || n > len(r.b) {
			r.fail(ErrBadInstructionLen, "instruction length")
			return
		}
		whole := r.bytes(n, "instruction")
		in := reader{b: whole[4:], short: ErrBadInstructionLen}
		switch kind {
		case instrApplyActions:
			if applied {
				in.fail(ErrDupInstruction, "apply_actions")
			}
			applied = true
			in.skip(4, "apply_actions padding")
			f.Actions = decodeActions(&in)
		case instrGotoTable:
			if f.Goto != 0 {
				in.fail(ErrDupInstruction, "goto_table")
			}
			f.Goto = in.u8("goto_table")
			in.skip(3, "goto_table padding")
			if f.Goto == 0 {
				in.fail(ErrBadInstructionTable, "goto_table")
			}
		default:
			f.Instructions = append(f.Instructions, whole...)
			in.b = nil
		}
		r.join(&in, "instruction")
	}
}
