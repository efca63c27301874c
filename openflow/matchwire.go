package openflow

// decodeMatch reads an ofp_match structure with its padding.
func decodeMatch(r *reader) Match {
	if kind := r.u16("match type"); r.err == nil && kind != 1 {
		r.fail(ErrBadMatchType, "match type")
	}
	n := int(r.u16("match length"))
	if r.err == nil && n < 4 {
		r.fail(ErrBadMatchLen, "match length")
	}
	body := r.sub(n-4, "match")
	body.short = ErrBadMatchLen
	r.skip(-n&7, "match padding")
	m := decodeOXMs(&body)
	r.join(&body, "match")
	return m
}

// DecodeMatch reads the OXM TLVs of a match, without header and padding, into canonical form.
func DecodeMatch(oxm []byte) (Match, error) {
	r := reader{b: oxm, short: ErrBadMatchLen}
	m := decodeOXMs(&r)
	return m, r.err
}

// packetTypeEthernet is the OXM that says "an Ethernet packet". Every field but the metadata says so already;
// Open vSwitch writes it only when none does.
const packetTypeEthernet = "\x80\x00\x58\x04\x00\x00\x00\x00"

func decodeOXMs(r *reader) Match {
	var s fieldSet
	var raw []byte
	for r.more() {
		start := r.b
		h := oxmHeader(r.u32("OXM header"))
		body := r.bytes(h.length(), "OXM value")
		if r.err != nil {
			return Match{}
		}
		whole := start[:4+len(body)]
		f, ok := h.field()
		switch {
		case ok:
			m := oxmCondition(h, f, body)
			if !f.takes(m.Value) {
				r.fail(ErrBadValue, f.String())
			} else if !m.Value.AndNot(m.Mask).IsZero() {
				r.fail(ErrBadWildcards, f.String())
			} else if h.hasMask() && !fieldTable[f].Maskable && m.Mask != f.mask() && !m.Mask.IsZero() {
				r.fail(ErrBadMask, f.String())
			} else if s.has(f) {
				r.fail(ErrDupField, f.String())
			}
			s.put(m)
		case h.class() != classExperimenter && classIndex(h.class()) >= 0 && fieldByOXM[classIndex(h.class())][h.number()] != 0:
			r.fail(ErrBadMatchLen, "OXM length")
		default:
			raw = append(raw, whole...)
		}
	}
	if r.err != nil {
		return Match{}
	}
	if string(raw) == packetTypeEthernet && s.impliesEthernet() {
		raw = nil
	}
	return s.match(string(raw))
}

// oxmCondition cuts a TLV's payload, of the length that h.field has checked, into value and mask.
func oxmCondition(h oxmHeader, f Field, body []byte) MatchField {
	n := fieldTable[f].Bytes
	m := MatchField{Field: f, Value: bitsFromBytes(body[:n]), Mask: f.mask()}
	if h.hasMask() {
		m.Mask = bitsFromBytes(body[n:])
	}
	return m
}

// impliesEthernet reports whether a condition makes sense for Ethernet packets only.
func (s *fieldSet) impliesEthernet() bool {
	for _, m := range s.all() {
		if fieldTable[m.Field].Prereq != PrereqNone {
			return true
		}
	}
	return false
}
