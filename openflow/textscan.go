package openflow

import (
	"fmt"
	"strconv"
	"strings"
)

// nextPair cuts the first item off a list in ovs-ofctl syntax. Items are separated by commas or blanks; an item is
//
//	key          key=value          key:value          key(value)          key(value)->more
//
// where parentheses in a value balance. The value of key(value)->more is "value)->more". ok is false at the end.
func nextPair(s string) (key, value, rest string, ok bool) {
	s = strings.TrimLeft(s, ", \t\r\n")
	if s == "" {
		return "", "", "", false
	}
	n := strings.IndexAny(s, ":=(, \t\r\n")
	if n < 0 {
		return s, "", "", true
	}
	key, delim, s := s[:n], s[n], s[n+1:]
	switch delim {
	case ':', '=':
		n = valueLen(s, ", \t\r\n")
	case '(':
		n = valueLen(s, ")")
		if strings.HasPrefix(s[n:], ")->") {
			n += valueLen(s[n:], ", \t\r\n")
		}
	default:
		return key, "", s, true
	}
	return key, s[:n], s[min(n+1, len(s)):], true
}

// valueLen returns how far a value goes: to the first delimiter outside of parentheses.
func valueLen(s, delimiters string) int {
	level := 0
	for i := 0; i < len(s); i++ {
		switch {
		case level == 0 && strings.IndexByte(delimiters, s[i]) >= 0:
			return i
		case s[i] == '(':
			level++
		case s[i] == ')' && level > 0:
			level--
		}
	}
	return len(s)
}

// parseUint reads a number of at most the given bits: decimal, 0x hexadecimal, or 0 octal.
func parseUint(s string, bits int) (uint64, error) {
	v, err := strconv.ParseUint(s, 0, bits)
	if err != nil || strings.ContainsRune(s, '_') {
		return 0, fmt.Errorf("%q is not a number of %d bits", s, bits)
	}
	return v, nil
}

// parseBits reads a number of at most the given bits, hexadecimal ones up to 128.
func parseBits(s string, bits int) (Bits, error) {
	digits, isHex := strings.CutPrefix(strings.ToLower(s), "0x")
	if !isHex || bits <= 64 {
		v, err := parseUint(s, min(bits, 64))
		return BitsUint64(v), err
	}
	digits = strings.TrimLeft(digits, "0")
	if len(digits) > 32 || strings.ContainsAny(digits, "_+-") {
		return Bits{}, fmt.Errorf("%q is not a number of %d bits", s, bits)
	}
	split := max(0, len(digits)-16)
	high, err := strconv.ParseUint("0"+digits[:split], 16, 64)
	if err != nil {
		return Bits{}, fmt.Errorf("%q is not a number", s)
	}
	low, err := strconv.ParseUint("0"+digits[split:], 16, 64)
	if err != nil {
		return Bits{}, fmt.Errorf("%q is not a number", s)
	}
	return bits128(high, low), nil
}
