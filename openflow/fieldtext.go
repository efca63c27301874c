package openflow

import (
	"net/netip"
	"strconv"
)

// This file prints values of fields: once as a match has them, once as set_field has them.
// The two differ only where a mask is partial and the form is decimal.

// appendValue prints value and, unless it is full, mask, as set_field does.
func (f Field) appendValue(b []byte, value, mask Bits) []byte {
	i := &fieldTable[f]
	full := mask == f.mask()
	switch i.Form {
	case FormMAC:
		return appendMasked(b, appendMAC, value, mask, full)
	case FormIPv4:
		return appendPrefix(b, value.Addr4(), mask.Addr4(), mask, 32)
	case FormIPv6:
		return appendPrefix(b, value.Addr16(), mask.Addr16(), mask, 128)
	case FormPort:
		return Port(value.Uint64()).append(b)
	case FormPort16:
		return portFrom16(uint16(value.Uint64())).append(b)
	case FormCTState:
		return appendFlags(b, ctStateNames[:], value.Uint64(), mask.Uint64(), full)
	case FormTCPFlags:
		return appendFlags(b, tcpFlagNames[:], value.Uint64(), mask.Uint64(), full)
	case FormFrag:
		return append(b, fragName(value.Uint64(), mask.Uint64())...)
	case FormHex, FormLabel:
		return appendMasked(b, appendHex, value, mask, full)
	default:
		b = appendDecimal(b, value)
		if !full {
			b = appendHex(append(b, '/'), mask)
		}
		return b
	}
}

// appendMatchValue prints value and mask as a match does.
func (f Field) appendMatchValue(b []byte, value, mask Bits) []byte {
	full := mask == f.mask()
	switch fieldTable[f].Form {
	case FormDecimal:
		if full {
			return appendDecimal(b, value)
		}
		return appendHex0(append(appendHex0(b, value), '/'), mask)
	case FormEtherType:
		return appendDigits(b, value, 4)
	case FormLabel:
		b = appendDigits(b, value, 5)
		if !full {
			b = appendDigits(append(b, '/'), mask, 5)
		}
		return b
	case FormTOS:
		return strconv.AppendUint(b, value.Uint64()<<2, 10)
	default:
		return f.appendValue(b, value, mask)
	}
}

func appendMasked(b []byte, print func([]byte, Bits) []byte, value, mask Bits, full bool) []byte {
	b = print(b, value)
	if !full {
		b = print(append(b, '/'), mask)
	}
	return b
}

func appendDecimal(b []byte, v Bits) []byte { return strconv.AppendUint(b, v.Uint64(), 10) }

// appendHex prints 0 as 0, else 0x and the digits that are needed.
func appendHex(b []byte, v Bits) []byte {
	if v.IsZero() {
		return append(b, '0')
	}
	return appendHex0(b, v)
}

// appendHex0 prints 0x and the digits that are needed, 0x0 for 0.
func appendHex0(b []byte, v Bits) []byte {
	b = append(b, "0x"...)
	if h := v.high(); h != 0 {
		b = strconv.AppendUint(b, h, 16)
		return appendPadded(b, v.Uint64(), 16)
	}
	return strconv.AppendUint(b, v.Uint64(), 16)
}

// appendDigits prints 0x and at least n digits.
func appendDigits(b []byte, v Bits, n int) []byte {
	return appendPadded(append(b, "0x"...), v.Uint64(), n)
}

func appendPadded(b []byte, v uint64, n int) []byte {
	s := strconv.FormatUint(v, 16)
	for i := len(s); i < n; i++ {
		b = append(b, '0')
	}
	return append(b, s...)
}

func appendMAC(b []byte, v Bits) []byte {
	for i, x := range v.MAC() {
		if i > 0 {
			b = append(b, ':')
		}
		b = append(b, hexDigits[x>>4], hexDigits[x&15])
	}
	return b
}

const hexDigits = "0123456789abcdef"

// appendPrefix prints an address, and its mask as a length where it is a prefix.
func appendPrefix(b []byte, a, mask netip.Addr, bits Bits, width int) []byte {
	b = appendAddr(b, a)
	n, ok := bits.prefixLen(width)
	switch {
	case !ok:
		return appendAddr(append(b, '/'), mask)
	case n < width:
		return strconv.AppendInt(append(b, '/'), int64(n), 10)
	}
	return b
}

// appendAddr prints an address as inet_ntop does, which ends an IPv6 address within ::/96 in dotted form too.
func appendAddr(b []byte, a netip.Addr) []byte {
	if v := a.As16(); a.Is6() && [12]byte(v[:12]) == [12]byte{} && (v[12] != 0 || v[13] != 0) {
		return netip.AddrFrom4([4]byte(v[12:])).AppendTo(append(b, "::"...))
	}
	return a.AppendTo(b)
}

// ctStateNames and tcpFlagNames: the name of each bit.
var (
	ctStateNames = [...]string{"new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"}
	tcpFlagNames = [...]string{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"}
)

// appendFlags prints +name for each bit that must be set and -name for each that must not be; under a full mask the
// names of the set bits, or 0.
func appendFlags(b []byte, names []string, value, mask uint64, full bool) []byte {
	if full && value == 0 {
		return append(b, '0')
	}
	first := true
	for i, name := range names {
		bit := uint64(1) << i
		switch {
		case full && value&bit != 0:
			if !first {
				b = append(b, '|')
			}
			b, first = append(b, name...), false
		case !full && mask&bit != 0:
			sign := byte('-')
			if value&bit != 0 {
				sign = '+'
			}
			b = append(append(b, sign), name...)
		}
	}
	return b
}

// fragNames: what nw_frag says about the bits of IPFrag.
var fragNames = [...]struct {
	name        string
	value, mask uint64
}{
	{"no", 0, FragAny | FragLater},
	{"first", FragAny, FragAny | FragLater},
	{"later", FragAny | FragLater, FragAny | FragLater},
	{"no", 0, FragAny},
	{"yes", FragAny, FragAny},
	{"not_later", 0, FragLater},
	{"later", FragLater, FragLater},
}

func fragName(value, mask uint64) string {
	for _, n := range fragNames {
		if n.value == value && n.mask == mask {
			return n.name
		}
	}
	return "<error>"
}
