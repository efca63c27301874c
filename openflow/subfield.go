package openflow

import (
	"fmt"
	"strconv"
	"strings"
)

// Subfield is the bits Ofs to Ofs+N-1 of a field, 0 the lowest. The zero Subfield is none.
type Subfield struct {
	Field Field
	Ofs   uint16
	N     uint16
}

// Whole returns all bits of f as a Subfield.
func Whole(f Field) Subfield { return Subfield{f, 0, uint16(f.width())} }

// width returns how many bits of f a Subfield can name: all but VLANPresent, and the upper half of ARPOp, which is always zero.
func (f Field) width() int {
	switch f {
	case VLANVID:
		return 12
	case ARPOp:
		return 16
	default:
		return fieldTable[f].Bits
	}
}

// Low returns the n lowest bits of f, as a zone is read from a register.
func Low(f Field, n uint16) Subfield { return Subfield{f, 0, n} }

// IsZero reports whether s is none.
func (s Subfield) IsZero() bool { return s == Subfield{} }

// valid reports whether the bits exist.
func (s Subfield) valid() bool {
	i := s.Field.Info()
	return i != nil && s.N > 0 && int(s.Ofs)+int(s.N) <= s.Field.width()
}

// String returns the subfield as ovs-ofctl prints it: NXM_NX_REG1[0..15].
func (s Subfield) String() string { return string(s.append(nil)) }

func (s Subfield) append(b []byte) []byte {
	i := s.Field.Info()
	if i == nil {
		return append(b, "<unknown>"...)
	}
	b = append(b, i.NXMName...)
	switch {
	case s.Ofs == 0 && int(s.N) == s.Field.width():
		return append(b, "[]"...)
	case s.N == 1:
		b = append(b, '[')
		b = strconv.AppendUint(b, uint64(s.Ofs), 10)
	default:
		b = append(b, '[')
		b = strconv.AppendUint(b, uint64(s.Ofs), 10)
		b = append(b, ".."...)
		b = strconv.AppendUint(b, uint64(s.Ofs)+uint64(s.N)-1, 10)
	}
	return append(b, ']')
}

// parseSubfield reads NAME, NAME[], NAME[bit] or NAME[first..last]; NAME is one of the field's names.
func parseSubfield(s string) (Subfield, error) {
	name, bits, ok := strings.Cut(s, "[")
	f := actionFieldNamed(name)
	if f == 0 {
		return Subfield{}, fmt.Errorf("unknown field %q", name)
	}
	if !ok || bits == "]" {
		return Whole(f), nil
	}
	bits, ok = strings.CutSuffix(bits, "]")
	if !ok {
		return Subfield{}, fmt.Errorf("%q: missing ]", s)
	}
	first, last, ranged := strings.Cut(bits, "..")
	if !ranged {
		last = first
	}
	lo, err := strconv.ParseUint(first, 10, 8)
	if err != nil {
		return Subfield{}, fmt.Errorf("%q: bad bit number", s)
	}
	hi, err := strconv.ParseUint(last, 10, 8)
	if err != nil || hi < lo {
		return Subfield{}, fmt.Errorf("%q: bad bit number", s)
	}
	sub := Subfield{f, uint16(lo), uint16(hi - lo + 1)}
	if !sub.valid() {
		return Subfield{}, fmt.Errorf("%q: field has %d bits", s, f.width())
	}
	return sub, nil
}
