package openflow

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Bits is the value or the mask of a field: up to 128 bits, big-endian, right-aligned.
// The zero value is zero.
type Bits [16]byte

// allOnes is the mask that every width of exact match is cut from.
var allOnes = Bits{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}

// BitsUint64 returns u as Bits.
func BitsUint64(u uint64) Bits {
	var b Bits
	binary.BigEndian.PutUint64(b[8:], u)
	return b
}

// BitsAddr returns an address as Bits: 4 bytes of IPv4 (also of an IPv4-mapped IPv6 address), or 16 of IPv6.
func BitsAddr(a netip.Addr) Bits {
	a = a.Unmap()
	if a.Is4() {
		var b Bits
		v := a.As4()
		copy(b[12:], v[:])
		return b
	}
	return a.As16()
}

// BitsMAC returns an Ethernet address as Bits.
func BitsMAC(m [6]byte) Bits {
	var b Bits
	copy(b[10:], m[:])
	return b
}

// Uint64 returns the low 64 bits.
func (b Bits) Uint64() uint64 { return binary.BigEndian.Uint64(b[8:]) }

// high returns the high 64 bits.
func (b Bits) high() uint64 { return binary.BigEndian.Uint64(b[:8]) }

// Addr4 returns the low 32 bits as an IPv4 address.
func (b Bits) Addr4() netip.Addr { return netip.AddrFrom4([4]byte(b[12:])) }

// Addr16 returns all 128 bits as an IPv6 address.
func (b Bits) Addr16() netip.Addr { return netip.AddrFrom16(b) }

// MAC returns the low 48 bits as an Ethernet address.
func (b Bits) MAC() [6]byte { return [6]byte(b[10:]) }

// IsZero reports whether no bit is set.
func (b Bits) IsZero() bool { return b == Bits{} }

// And returns the bits set in both.
func (b Bits) And(c Bits) Bits { return bits128(b.high()&c.high(), b.Uint64()&c.Uint64()) }

// Or returns the bits set in either.
func (b Bits) Or(c Bits) Bits { return bits128(b.high()|c.high(), b.Uint64()|c.Uint64()) }

// AndNot returns the bits of b that are not set in c.
func (b Bits) AndNot(c Bits) Bits { return bits128(b.high()&^c.high(), b.Uint64()&^c.Uint64()) }

// shiftLeft returns b moved n bits towards the top; n may be 0 to 128.
func (b Bits) shiftLeft(n int) Bits {
	h, l := b.high(), b.Uint64()
	if n >= 64 {
		return bits128(l<<(n-64), 0)
	}
	return bits128(h<<n|l>>(64-n), l<<n)
}

// shiftRight returns b moved n bits towards the bottom; n may be 0 to 128.
func (b Bits) shiftRight(n int) Bits {
	h, l := b.high(), b.Uint64()
	if n >= 64 {
		return bits128(0, h>>(n-64))
	}
	return bits128(h>>n, l>>n|h<<(64-n))
}

// lowBits returns a mask of the n lowest bits; n may be 0 to 128.
func lowBits(n int) Bits { return allOnes.shiftRight(128 - n) }

// prefixLen returns n and true when the mask, seen as width bits, is n ones and then only zeros.
func (b Bits) prefixLen(width int) (int, bool) {
	top := b.shiftLeft(128 - width)
	n := bits.LeadingZeros64(^top.high())
	if n == 64 {
		n += bits.LeadingZeros64(^top.Uint64())
	}
	return n, top == lowBits(n).shiftLeft(128-n)
}

func bits128(high, low uint64) Bits {
	var b Bits
	binary.BigEndian.PutUint64(b[:8], high)
	binary.BigEndian.PutUint64(b[8:], low)
	return b
}

// bitsFromBytes right-aligns at most 16 wire bytes.
func bitsFromBytes[T ~string | ~[]byte](p T) Bits {
	var b Bits
	copy(b[16-len(p):], p)
	return b
}
