package openflow

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// parseValue reads a value, and behind a slash its mask, in the field's form. "*" is the empty mask.
func (f Field) parseValue(s string) (MatchField, error) {
	m, err := f.parseForm(s)
	if err != nil {
		return MatchField{}, fmt.Errorf("%s=%s: %w", f, s, err)
	}
	switch {
	case !f.fits(m.Value):
		return MatchField{}, fmt.Errorf("%s=%s: value has more than %d bits", f, s, fieldTable[f].Bits)
	case !fieldTable[f].Maskable && m.Mask.And(f.mask()) != f.mask() && !m.Mask.IsZero():
		return MatchField{}, fmt.Errorf("%s=%s: field has no mask", f, s)
	}
	m.Mask = m.Mask.And(f.mask())
	m.Value = m.Value.And(m.Mask)
	return m, nil
}

func (f Field) parseForm(s string) (MatchField, error) {
	if s == "*" {
		return MatchField{Field: f}, nil
	}
	info := &fieldTable[f]
	switch info.Form {
	case FormPort:
		p, err := ParsePort(s)
		return MatchField{f, BitsUint64(uint64(p)), f.mask()}, err
	case FormPort16:
		p, err := ParsePort(s)
		return MatchField{f, BitsUint64(uint64(p.to16())), f.mask()}, err
	case FormMAC:
		return f.parseMasked(s, parseMAC, parseMAC)
	case FormIPv4, FormIPv6:
		return f.parseMasked(s, f.parseAddr, f.parseAddrMask)
	case FormCTState:
		return f.parseFlags(s, ctStateNames[:])
	case FormTCPFlags:
		return f.parseFlags(s, tcpFlagNames[:])
	case FormFrag:
		for _, n := range fragNames {
			if strings.EqualFold(n.name, s) {
				return MatchField{f, BitsUint64(n.value), BitsUint64(n.mask)}, nil
			}
		}
		return MatchField{}, fmt.Errorf("not one of no, yes, first, later, not_later")
	default:
		number := func(s string) (Bits, error) { return parseBits(s, info.Bytes*8) }
		return f.parseMasked(s, number, number)
	}
}

// parseMasked reads VALUE or VALUE/MASK.
func (f Field) parseMasked(s string, value, mask func(string) (Bits, error)) (MatchField, error) {
	v, m, masked := strings.Cut(s, "/")
	c := MatchField{Field: f, Mask: f.mask()}
	var err error
	if c.Value, err = value(v); err == nil && masked {
		c.Mask, err = mask(m)
	}
	return c, err
}

// parseMAC reads six pairs of hexadecimal digits.
func parseMAC(s string) (Bits, error) {
	parts := strings.Split(s, ":")
	var m [6]byte
	if len(parts) != len(m) {
		return Bits{}, fmt.Errorf("%q is not an Ethernet address", s)
	}
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 16, 8)
		if err != nil || len(p) > 2 || p[0] == '+' {
			return Bits{}, fmt.Errorf("%q is not an Ethernet address", s)
		}
		m[i] = byte(v)
	}
	return BitsMAC(m), nil
}

// parseAddr reads an address of the field's family.
func (f Field) parseAddr(s string) (Bits, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" || a.BitLen() != fieldTable[f].Bits {
		return Bits{}, fmt.Errorf("%q is not an address of %d bits", s, fieldTable[f].Bits)
	}
	if a.Is6() {
		return a.As16(), nil
	}
	return BitsAddr(a), nil
}

// parseAddrMask reads the length of a prefix, or a mask in the form of an address.
func (f Field) parseAddrMask(s string) (Bits, error) {
	width := fieldTable[f].Bits
	if n, err := strconv.ParseUint(s, 10, 8); err == nil {
		if int(n) > width {
			return Bits{}, fmt.Errorf("prefix length %d is more than %d", n, width)
		}
		return lowBits(int(n)).shiftLeft(width - int(n)), nil
	}
	return f.parseAddr(s)
}

// parseFlags reads +set-unset, or set|set under a full mask, or a number with or without mask.
func (f Field) parseFlags(s string, names []string) (MatchField, error) {
	if s == "" {
		return MatchField{}, fmt.Errorf("no flag")
	}
	if '0' <= s[0] && s[0] <= '9' {
		number := func(s string) (Bits, error) { return parseBits(s, fieldTable[f].Bytes*8) }
		return f.parseMasked(s, number, number)
	}
	if s[0] != '+' && s[0] != '-' {
		var v uint64
		for _, name := range strings.Split(s, "|") {
			bit, err := flagBit(name, names)
			if err != nil {
				return MatchField{}, err
			}
			v |= bit
		}
		return MatchField{f, BitsUint64(v), f.mask()}, nil
	}
	var v, m uint64
	for s != "" {
		set := s[0] == '+'
		n := strings.IndexAny(s[1:], "+-") + 1
		if n == 0 {
			n = len(s)
		}
		bit, err := flagBit(s[1:n], names)
		if err != nil {
			return MatchField{}, err
		}
		if m&bit != 0 {
			return MatchField{}, fmt.Errorf("flag %s given twice", s[1:n])
		}
		if m |= bit; set {
			v |= bit
		}
		s = s[n:]
	}
	return MatchField{f, BitsUint64(v), BitsUint64(m)}, nil
}

func flagBit(name string, names []string) (uint64, error) {
	for i, n := range names {
		if n == name {
			return 1 << i, nil
		}
	}
	return 0, fmt.Errorf("unknown flag %q", name)
}
