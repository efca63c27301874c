package openflow

import "encoding/binary"

// An oxmHeader is the four bytes before a field's value (OpenFlow 1.5.1, 7.2.3.2):
//
//	 31            16 15         9  8   7             0
//	+----------------+------------+----+---------------+
//	| oxm_class      | oxm_field  | HM | oxm_length    |
//	+----------------+------------+----+---------------+
//
// oxm_length counts value and, when HM is set, mask.
type oxmHeader uint32

func (h oxmHeader) class() uint16 { return uint16(h >> 16) }
func (h oxmHeader) number() uint8 { return uint8(h>>9) & 0x7f }
func (h oxmHeader) hasMask() bool { return h&0x100 != 0 }
func (h oxmHeader) length() int   { return int(h & 0xff) }

func makeOXM(class uint16, number uint8, hasMask bool, length int) oxmHeader {
	h := oxmHeader(class)<<16 | oxmHeader(number)<<9 | oxmHeader(length)
	if hasMask {
		h |= 0x100
	}
	return h
}

// oxmHeader returns the header of the field without a mask.
func (f Field) oxmHeader() oxmHeader {
	i := &fieldTable[f]
	return makeOXM(i.Class, i.Number, false, i.Bytes)
}

// subfieldAlias gives the headers by which the Nicira actions of Open vSwitch name a field in 32 bits
// when they differ from the field's OpenFlow 1.5 header (NXM before OXM), and the NXM headers of old peers.
// NXM's vlan_tci and in_port (16 bits) are not here: their values differ.
var subfieldAlias = [...]struct {
	field  Field
	class  uint16
	number uint8
}{
	{EthDst, classNXM0, 1}, {EthSrc, classNXM0, 2}, {EthType, classNXM0, 3},
	{IPProto, classNXM0, 6}, {IPv4Src, classNXM0, 7}, {IPv4Dst, classNXM0, 8},
	{TCPSrc, classNXM0, 9}, {TCPDst, classNXM0, 10}, {UDPSrc, classNXM0, 11}, {UDPDst, classNXM0, 12},
	{ICMPType, classNXM0, 13}, {ICMPCode, classNXM0, 14},
	{ARPOp, classNXM0, 15}, {ARPSPA, classNXM0, 16}, {ARPTPA, classNXM0, 17},
	{TunID, classNXM1, 16}, {ARPSHA, classNXM1, 17}, {ARPTHA, classNXM1, 18},
	{IPv6Src, classNXM1, 19}, {IPv6Dst, classNXM1, 20}, {ICMPv6Type, classNXM1, 21}, {ICMPv6Code, classNXM1, 22},
	{NDTarget, classNXM1, 23}, {NDSLL, classNXM1, 24}, {NDTLL, classNXM1, 25},
	{IPv6Label, classNXM1, 27}, {IPECN, classNXM1, 28}, {TCPFlags, classNXM1, 34},
}

// nxmHeader returns the header that Nicira actions use for the field.
func (f Field) nxmHeader() oxmHeader {
	for _, a := range subfieldAlias {
		if a.field == f {
			return makeOXM(a.class, a.number, false, fieldTable[f].Bytes)
		}
	}
	return f.oxmHeader()
}

// fieldByOXM finds the field of a class (index by classIndex) and number; 0 is none.
var fieldByOXM = indexFields()

func classIndex(class uint16) int {
	switch class {
	case classNXM0:
		return 0
	case classNXM1:
		return 1
	case classBasic:
		return 2
	case classPacketReg:
		return 3
	}
	return -1
}

func indexFields() (t [4][128]Field) {
	for f := Field(1); f < numFields; f++ {
		t[classIndex(fieldTable[f].Class)][fieldTable[f].Number] = f
	}
	for _, a := range subfieldAlias {
		t[classIndex(a.class)][a.number] = a.field
	}
	return t
}

// field returns the field that a header names, when the table knows it and the length agrees.
func (h oxmHeader) field() (Field, bool) {
	c := classIndex(h.class())
	if c < 0 {
		return 0, false
	}
	f := fieldByOXM[c][h.number()]
	if f == 0 {
		return 0, false
	}
	want := fieldTable[f].Bytes
	if h.hasMask() {
		want *= 2
	}
	return f, h.length() == want
}

// appendOXM appends header, value and, unless it is the exact one, mask.
func appendOXM(b []byte, f Field, value, mask Bits) []byte {
	i := &fieldTable[f]
	exact := mask == f.mask() && (i.wide || i.Bits == i.Bytes*8)
	return appendTLV(b, i.Class, i.Number, i.Bytes, value, mask, exact)
}

func appendTLV(b []byte, class uint16, number uint8, n int, value, mask Bits, exact bool) []byte {
	length := n
	if !exact {
		length *= 2
	}
	b = binary.BigEndian.AppendUint32(b, uint32(makeOXM(class, number, !exact, length)))
	b = append(b, value[16-n:]...)
	if !exact {
		b = append(b, mask[16-n:]...)
	}
	return b
}
