package ovsdb

import (
	"encoding/hex"
	"fmt"
)

// A UUID names a row (RFC 7047 section 3.1, <uuid>). The zero value names none.
type UUID [16]byte

// ParseUUID reads the one form that the wire has: 36 characters, lower or upper
// case hexadecimal, with dashes at 8-4-4-4-12.
func ParseUUID(s string) (UUID, error) {
	var u UUID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return UUID{}, fmt.Errorf("ovsdb: %.40q is not a UUID", s)
	}
	digits := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	if _, err := hex.Decode(u[:], []byte(digits)); err != nil {
		return UUID{}, fmt.Errorf("ovsdb: %.40q is not a UUID", s)
	}
	return u, nil
}

// IsZero tells whether u names no row.
func (u UUID) IsZero() bool { return u == UUID{} }

func (u UUID) String() string {
	var b [36]byte
	hex.Encode(b[:], u[:4])
	hex.Encode(b[9:], u[4:6])
	hex.Encode(b[14:], u[6:8])
	hex.Encode(b[19:], u[8:10])
	hex.Encode(b[24:], u[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}
