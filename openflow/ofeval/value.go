package ofeval

import (
	"encoding/binary"

	"conjunct/openflow"
)

// A value is the content of a field, as two numbers.
type value struct{ hi, lo uint64 }

func fromBits(b openflow.Bits) value {
	return value{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (v value) bits() (b openflow.Bits) {
	binary.BigEndian.PutUint64(b[:8], v.hi)
	binary.BigEndian.PutUint64(b[8:], v.lo)
	return b
}

func (v value) and(m value) value    { return value{v.hi & m.hi, v.lo & m.lo} }
func (v value) andNot(m value) value { return value{v.hi &^ m.hi, v.lo &^ m.lo} }
func (v value) or(w value) value     { return value{v.hi | w.hi, v.lo | w.lo} }

func (v value) shiftLeft(n uint) value {
	if n >= 64 {
		return value{v.lo << (n - 64), 0}
	}
	return value{v.hi<<n | v.lo>>(64-n), v.lo << n}
}

func (v value) shiftRight(n uint) value {
	if n >= 64 {
		return value{0, v.hi >> (n - 64)}
	}
	return value{v.hi >> n, v.lo>>n | v.hi<<(64-n)}
}

// ones returns the n lowest bits.
func ones(n uint) value {
	all := ^uint64(0)
	return value{all, all}.shiftRight(128 - n)
}

// numSlots is how many fields a packet has. The other views of the registers come after it.
const numSlots = openflow.Metadata + 1

// slot returns where a packet keeps a field. Fields that share a member of Open vSwitch's struct flow share a slot, so that
// masks are equal here when they are equal there.
func slot(f openflow.Field) openflow.Field { return slots[f] }

var slots = makeSlots()

func makeSlots() (t [256]openflow.Field) {
	for f := range numSlots {
		t[f] = f
	}
	for shared, fields := range map[openflow.Field][]openflow.Field{
		openflow.IPv4Src: {openflow.ARPSPA},
		openflow.IPv4Dst: {openflow.ARPTPA},
		openflow.IPProto: {openflow.ARPOp},
		openflow.TCPSrc:  {openflow.UDPSrc, openflow.SCTPSrc, openflow.ICMPType, openflow.ICMPv6Type},
		openflow.TCPDst:  {openflow.UDPDst, openflow.SCTPDst, openflow.ICMPCode, openflow.ICMPv6Code},
		openflow.ARPSHA:  {openflow.NDSLL},
		openflow.ARPTHA:  {openflow.NDTLL},
	} {
		for _, f := range fields {
			t[f] = shared
		}
	}
	return t
}

// registers returns the first of the 32-bit registers that f is another view of, and their number; 0 when it is none.
func registers(f openflow.Field) (first openflow.Field, n int) {
	switch {
	case openflow.XReg0 <= f && f <= openflow.XReg7:
		return openflow.Reg0 + 2*(f-openflow.XReg0), 2
	case openflow.XXReg0 <= f && f <= openflow.XXReg3:
		return openflow.Reg0 + 4*(f-openflow.XXReg0), 4
	}
	return 0, 0
}
