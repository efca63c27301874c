package openflow

// This file writes and reads the actions of OpenFlow itself.

func (a Output) appendWire(b []byte) []byte {
	b = put32(actionHeader(b, actOutput, 16), uint32(a.Port))
	return zeros(put16(b, a.MaxLen), 6)
}

func decodeOutput(r *reader) Action {
	a := Output{Port: Port(r.u32("output port")), MaxLen: r.u16("output length")}
	r.skip(6, "output padding")
	if !a.Port.valid() {
		r.fail(ErrBadOutPort, "output port")
	}
	return a
}

func (a PushVLAN) appendWire(b []byte) []byte {
	return zeros(put16(actionHeader(b, actPushVLAN, 8), a.EtherType), 2)
}

func (a PopVLAN) appendWire(b []byte) []byte { return zeros(actionHeader(b, actPopVLAN, 8), 4) }

func (a Group) appendWire(b []byte) []byte { return put32(actionHeader(b, actGroup, 8), a.ID) }

func (a DecTTL) appendWire(b []byte) []byte { return zeros(actionHeader(b, actDecTTL, 8), 4) }

// OpenFlow 1.5.1, 7.2.6.7: type, length, one OXM TLV (masks since 1.5), padding.
func (a SetField) appendWire(b []byte) []byte {
	start := len(b)
	b = appendOXM(actionHeader(b, actSetField, 0), a.Field, a.Value.And(a.Mask), a.Mask)
	b = pad8(b, len(b)-start)
	putLength(b, start, 2)
	return b
}

func decodeSetField(r *reader) Action {
	h := oxmHeader(r.u32("set_field header"))
	f, ok := h.field()
	body := r.bytes(h.length(), "set_field value")
	if !ok || r.err != nil {
		return nil
	}
	m := oxmCondition(h, f, body)
	if !m.Value.AndNot(m.Mask).IsZero() {
		r.fail(ErrBadSetMask, "set_field mask")
	}
	return SetField(m)
}

// OpenFlow 1.5.1, 7.2.6.8: bits, source offset, destination offset, padding, two OXM headers, padding.
func (a Move) appendWire(b []byte) []byte {
	b = actionHeader(b, actCopyField, 24)
	b = put16(put16(put16(b, a.Src.N), a.Src.Ofs), a.Dst.Ofs)
	b = put32(put32(zeros(b, 2), uint32(a.Src.Field.oxmHeader())), uint32(a.Dst.Field.oxmHeader()))
	return zeros(b, 4)
}

func decodeMove(r *reader) Action {
	n, src, dst := r.u16("move bits"), r.u16("move source"), r.u16("move destination")
	r.skip(2, "move padding")
	from, okFrom := oxmHeader(r.u32("move source field")).field()
	to, okTo := oxmHeader(r.u32("move destination field")).field()
	if !okFrom || !okTo {
		return nil
	}
	a := Move{Subfield{from, src, n}, Subfield{to, dst, n}}
	if !a.Src.valid() || !a.Dst.valid() {
		r.fail(ErrBadActionArg, "move bits")
	}
	return a
}
