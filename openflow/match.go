package openflow

import (
	"encoding/binary"
	"iter"
	"net/netip"
)

// A Match says which packets a flow is for. It is a comparable value that never
// changes: two matches of the same packets, however they were written, are ==.
//
//   - a bit outside of the mask is zero;
//   - a field under an empty mask is absent, one under a full mask is exact;
//   - the fields are in the order of the Field constants, registers in pairs as 64-bit packet registers,
//     then what the field table does not know, raw.
//
// That is the form in which Open vSwitch itself writes a match, so to encode is to copy.
// The zero Match is every packet.
type Match struct {
	oxm string // OXM TLVs, without the ofp_match header and padding
}

// MatchField is one condition of a match: the bits of Field under Mask equal Value.
type MatchField struct {
	Field       Field
	Value, Mask Bits
}

// Exact requires all bits of f to be v. It panics when v is wider than f.
func Exact(f Field, v uint64) MatchField { return ExactBits(f, BitsUint64(v)) }

// ExactBits requires all bits of f to be v. It panics when v is wider than f.
func ExactBits(f Field, v Bits) MatchField { return newMatchField(f, v, f.mask()) }

// Masked requires the bits of f under the mask m to be v. It panics when v or m is wider than f.
func Masked(f Field, v, m uint64) MatchField { return newMatchField(f, BitsUint64(v), BitsUint64(m)) }

// Addr requires an address field to be a. It panics when a is of the other family.
func Addr(f Field, a netip.Addr) MatchField {
	a = a.Unmap()
	return Prefix(f, netip.PrefixFrom(a, a.BitLen()))
}

// Prefix requires an address field to be inside p. It panics when p is invalid or of the other family.
func Prefix(f Field, p netip.Prefix) MatchField {
	width := fieldTable[f].Bits
	if p.Bits() < 0 || p.Addr().BitLen() != width {
		panic("openflow: " + f.String() + " does not hold " + p.String())
	}
	return newMatchField(f, BitsAddr(p.Addr()), lowBits(p.Bits()).shiftLeft(width-p.Bits()))
}

// MAC requires an Ethernet address field to be m.
func MAC(f Field, m [6]byte) MatchField { return newMatchField(f, BitsMAC(m), f.mask()) }

func newMatchField(f Field, v, m Bits) MatchField {
	if f == 0 || f >= numFields || !f.fits(v) || !f.fits(m) {
		panic("openflow: value too wide for " + f.String())
	}
	return MatchField{Field: f, Value: v.And(m), Mask: m}
}

// NewMatch returns the match of all the given conditions. Of two conditions on one field the later one counts
// (use Masked to state both at once); XReg and XXReg count as conditions on the registers that they cover.
func NewMatch(fields ...MatchField) Match {
	var s fieldSet
	for _, f := range fields {
		s.put(f)
	}
	return s.match("")
}

// With returns m with more conditions, each in place of what m says about its field.
func (m Match) With(fields ...MatchField) Match {
	s, raw := m.set()
	for _, f := range fields {
		s.put(f)
	}
	return s.match(raw)
}

// Without returns m with no condition on the fields.
func (m Match) Without(fields ...Field) Match {
	s, raw := m.set()
	for _, f := range fields {
		s.put(MatchField{Field: f})
	}
	return s.match(raw)
}

// Key returns canonical bytes: equal if and only if the matches are the same.
func (m Match) Key() string { return m.oxm }

// IsZero reports whether m is every packet.
func (m Match) IsZero() bool { return m.oxm == "" }

// Get returns the condition on f; ok is false when m says nothing about f.
// A register is found also when it shares a 64-bit register with another one.
func (m Match) Get(f Field) (value, mask Bits, ok bool) {
	pair := f
	if Reg0 <= f && f <= Reg15 {
		pair = XReg0 + (f-Reg0)/2
	}
	for s := m.oxm; s != ""; {
		h := headerOf(s)
		if g, known := h.field(); !known {
			break
		} else if g == pair {
			_, value, mask, _ = cutOXM(s)
			if pair == f {
				return value, mask, true
			}
			if (f-Reg0)%2 == 0 {
				value, mask = value.shiftRight(32), mask.shiftRight(32)
			}
			value, mask = value.And(f.mask()), mask.And(f.mask())
			return value, mask, !mask.IsZero()
		}
		s = s[4+h.length():]
	}
	return Bits{}, Bits{}, false
}

// exactly reports whether m requires all bits of f to be v.
func (m Match) exactly(f Field, v uint64) bool {
	value, mask, ok := m.Get(f)
	return ok && mask == f.mask() && value == BitsUint64(v)
}

// Fields iterates over the conditions in the order of the Field constants. What the field table does not know is left out.
func (m Match) Fields() iter.Seq[MatchField] {
	return func(yield func(MatchField) bool) {
		for s := m.oxm; s != ""; {
			h, value, mask, rest := cutOXM(s)
			f, ok := h.field()
			if !ok {
				return
			}
			s = rest
			if XReg0 <= f && f <= XReg7 {
				if !yieldPair(f, value, mask, yield) {
					return
				}
			} else if !yield(MatchField{f, value, mask}) {
				return
			}
		}
	}
}

// yieldPair hands out the registers of a 64-bit register: the even one is its upper half.
func yieldPair(x Field, value, mask Bits, yield func(MatchField) bool) bool {
	even := Reg0 + 2*(x-XReg0)
	if m := mask.Uint64() >> 32; m != 0 {
		if !yield(MatchField{even, BitsUint64(value.Uint64() >> 32), BitsUint64(m)}) {
			return false
		}
	}
	if m := mask.Uint64() & 0xffffffff; m != 0 {
		return yield(MatchField{even + 1, BitsUint64(value.Uint64() & 0xffffffff), BitsUint64(m)})
	}
	return true
}

// Unknown returns the OXM TLVs that the field table does not know, as they came; nil when there are none.
func (m Match) Unknown() []byte {
	for s := m.oxm; s != ""; {
		h, _, _, rest := cutOXM(s)
		if _, ok := h.field(); !ok {
			return []byte(s)
		}
		s = rest
	}
	return nil
}

// headerOf returns the header that begins s, which must be canonical.
func headerOf(s string) oxmHeader {
	return oxmHeader(uint32(s[0])<<24 | uint32(s[1])<<16 | uint32(s[2])<<8 | uint32(s[3]))
}

// cutOXM splits the first TLV off s, which must be canonical.
func cutOXM(s string) (h oxmHeader, value, mask Bits, rest string) {
	h = headerOf(s)
	body, rest := s[4:4+h.length()], s[4+h.length():]
	f, ok := h.field()
	if !ok {
		return h, Bits{}, Bits{}, rest
	}
	n := fieldTable[f].Bytes
	value, mask = bitsFromBytes(body[:n]), f.mask()
	if h.hasMask() {
		mask = bitsFromBytes(body[n:])
	}
	return h, value, mask, rest
}

// set returns the known conditions of m, and its raw rest.
func (m Match) set() (s fieldSet, raw string) {
	for f := range m.Fields() {
		s.put(f)
	}
	return s, string(m.Unknown())
}

// appendMatch appends the ofp_match structure (OpenFlow 1.5.1, 7.2.3.1): type OFPMT_OXM, length without padding, TLVs, padding.
func appendMatch(b []byte, m Match) []byte {
	b = binary.BigEndian.AppendUint16(b, 1)
	b = binary.BigEndian.AppendUint16(b, uint16(4+len(m.oxm)))
	b = append(b, m.oxm...)
	return pad8(b, 4+len(m.oxm))
}
