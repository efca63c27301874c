package openflow

// Field names one row of the field table. The order of the constants is the
// order in which Open vSwitch writes a match, and so the order in which Match
// keeps its fields.
type Field uint8

// The fields of the table. The zero Field is none.
const (
	_ Field = iota
	ConjID
	InPort
	ActsetOutput
	EthSrc
	EthDst
	EthType
	// VLANVID is the 12 bits of the VLAN number and VLANPresent; value 0 under a full mask is "no tag".
	VLANVID
	VLANPCP
	IPv4Src
	IPv4Dst
	IPv6Src
	IPv6Dst
	// IPFrag (nw_frag) is FragAny, FragLater or both, under a mask.
	IPFrag
	// IPDSCP is the upper six bits of the type of service, as a number 0–63. It prints as nw_tos, times four.
	IPDSCP
	IPECN
	IPTTL
	IPv6Label
	IPProto
	TCPSrc
	TCPDst
	TCPFlags
	UDPSrc
	UDPDst
	SCTPSrc
	SCTPDst
	ICMPType
	ICMPCode
	ICMPv6Type
	ICMPv6Code
	NDTarget
	NDSLL
	NDTLL
	ARPOp
	ARPSPA
	ARPTPA
	ARPSHA
	ARPTHA
	TunID
	TunSrc
	TunDst
	// Reg0 to Reg15 travel in pairs as OpenFlow's 64-bit packet registers (XReg0 to XReg7).
	Reg0
	Reg1
	Reg2
	Reg3
	Reg4
	Reg5
	Reg6
	Reg7
	Reg8
	Reg9
	Reg10
	Reg11
	Reg12
	Reg13
	Reg14
	Reg15
	PktMark
	CTState
	CTZone
	CTMark
	CTLabel
	CTNwSrc
	CTIPv6Src
	CTNwDst
	CTIPv6Dst
	CTNwProto
	CTTpSrc
	CTTpDst
	Metadata
	// XReg0 to XReg7 and XXReg0 to XXReg3 are other views of the registers. A Match turns them into Reg0 to Reg15.
	XReg0
	XReg1
	XReg2
	XReg3
	XReg4
	XReg5
	XReg6
	XReg7
	XXReg0
	XXReg1
	XXReg2
	XXReg3
	// InPortNXM is InPort as actions may write and read it: 16 bits, the reserved ports from 0xfff8. A Match turns it into InPort.
	InPortNXM

	numFields
)

// Bits of CTState (include/openflow/nicira-ext.h, NX_CT_STATE).
const (
	CTNew         = 1 << 0
	CTEstablished = 1 << 1
	CTRelated     = 1 << 2
	CTReply       = 1 << 3
	CTInvalid     = 1 << 4
	CTTracked     = 1 << 5
	CTSNAT        = 1 << 6
	CTDNAT        = 1 << 7
)

// Bits of IPFrag (include/openflow/nicira-ext.h, NX_IP_FRAG_*).
const (
	FragAny   = 1 << 0 // any fragment, the first one included
	FragLater = 1 << 1 // a fragment with a non-zero offset
)

// VLANPresent is the bit of VLANVID that says that there is a tag (OFPVID_PRESENT).
const VLANPresent = 1 << 12

// Reg returns register n; n must be 0 to 15.
func Reg(n int) Field {
	if n < 0 || n > 15 {
		panic("openflow: register number out of range")
	}
	return Reg0 + Field(n)
}

// Info returns the row of the field, or nil when there is no such field.
func (f Field) Info() *FieldInfo {
	if f == 0 || f >= numFields {
		return nil
	}
	return &fieldTable[f]
}

// String returns the field's name as ovs-ofctl prints it in set_field.
func (f Field) String() string {
	if i := f.Info(); i != nil {
		return i.Name
	}
	return "unknown field"
}

// fieldMasks are the masks of exact matches.
var fieldMasks = func() (t [numFields]Bits) {
	for f := range t {
		t[f] = lowBits(fieldTable[f].Bits)
	}
	return t
}()

// mask returns the mask of an exact match.
func (f Field) mask() Bits { return fieldMasks[f] }

// fits reports whether v has no bit beyond the field's width.
func (f Field) fits(v Bits) bool { return v.AndNot(f.mask()).IsZero() }

// takes reports whether the field can have the value: it fits, and names a port where it should.
func (f Field) takes(v Bits) bool {
	return f.fits(v) && (fieldTable[f].Form != FormPort || Port(v.Uint64()).valid())
}
