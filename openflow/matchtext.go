package openflow

import (
	"encoding/hex"
	"strconv"
)

// The numbers of protocols and of types that prerequisites and keywords speak of.
const (
	EtherTypeIPv4 = 0x0800
	EtherTypeARP  = 0x0806
	EtherTypeRARP = 0x8035
	EtherTypeIPv6 = 0x86dd
	EtherTypeMPLS = 0x8847

	ProtoICMP   = 1
	ProtoTCP    = 6
	ProtoUDP    = 17
	ProtoICMPv6 = 58
	ProtoSCTP   = 132

	ICMPv6NeighborSolicit   = 135
	ICMPv6NeighborAdvertise = 136
)

// keywords stand for an Ethernet type and, when proto is not 0, an IP protocol. Printing takes the first that fits.
var keywords = [...]struct {
	name  string
	eth   uint64
	proto uint64
}{
	{"icmp", EtherTypeIPv4, ProtoICMP}, {"tcp", EtherTypeIPv4, ProtoTCP}, {"udp", EtherTypeIPv4, ProtoUDP}, {"sctp", EtherTypeIPv4, ProtoSCTP},
	{"ip", EtherTypeIPv4, 0},
	{"icmp6", EtherTypeIPv6, ProtoICMPv6}, {"tcp6", EtherTypeIPv6, ProtoTCP}, {"udp6", EtherTypeIPv6, ProtoUDP}, {"sctp6", EtherTypeIPv6, ProtoSCTP},
	{"ipv6", EtherTypeIPv6, 0},
	{"arp", EtherTypeARP, 0}, {"rarp", EtherTypeRARP, 0}, {"mpls", EtherTypeMPLS, 0}, {"mplsm", 0x8848, 0},
	{"ip4", EtherTypeIPv4, 0}, {"icmpv6", EtherTypeIPv6, ProtoICMPv6}, {"ip6", EtherTypeIPv6, 0}, {"icmp4", EtherTypeIPv4, ProtoICMP}, // parsed only
}

// textOrder is the order in which Open vSwitch prints the fields of a match (lib/match.c). EthType stands where the
// keyword goes.
var textOrder = [...]Field{
	PktMark, ConjID, ActsetOutput,
	CTState, CTZone, CTMark, CTLabel, CTNwSrc, CTIPv6Src, CTNwDst, CTIPv6Dst, CTNwProto, CTTpSrc, CTTpDst,
	EthType,
	Reg0, Reg1, Reg2, Reg3, Reg4, Reg5, Reg6, Reg7, Reg8, Reg9, Reg10, Reg11, Reg12, Reg13, Reg14, Reg15,
	TunID, TunSrc, TunDst, Metadata, InPort, VLANVID, VLANPCP, EthSrc, EthDst,
	otherEthType,
	IPv6Src, IPv6Dst, IPv6Label, ARPSPA, ARPTPA, IPv4Src, IPv4Dst, ARPOp, IPProto, ARPSHA, ARPTHA,
	IPDSCP, IPECN, IPTTL, IPFrag, ICMPType, ICMPCode, ICMPv6Type, ICMPv6Code, NDTarget, NDSLL, NDTLL,
	TCPSrc, TCPDst, UDPSrc, UDPDst, SCTPSrc, SCTPDst, TCPFlags,
}

// otherEthType stands in textOrder where an Ethernet type without a keyword goes.
const otherEthType = numFields

// String returns the match as ovs-ofctl --no-names prints it: ct_state=-inv+trk,ip,reg0=0x7. Every packet is "".
// TLVs that the field table does not know, which Open vSwitch would print under names of its own, follow as oxm:HEX.
func (m Match) String() string { return string(m.appendText(nil)) }

func (m Match) appendText(b []byte) []byte {
	start := len(b)
	var all [numFields]MatchField
	for f := range m.Fields() {
		all[f.Field] = f
	}
	t := matchPrinter{all: &all}
	for _, f := range textOrder {
		b = t.append(b, f)
	}
	if raw := m.Unknown(); raw != nil {
		b = append(b, "oxm:"...)
		b = append(hex.AppendEncode(b, raw), ',')
	}
	if len(b) > start {
		b = b[:len(b)-1]
	}
	return b
}

// A matchPrinter knows, beside the conditions, which of them a keyword has printed.
type matchPrinter struct {
	all                 *[numFields]MatchField
	skipType, skipProto bool
}

func (t *matchPrinter) has(f Field) bool { return t.all[f].Field == f }

func (t *matchPrinter) append(b []byte, f Field) []byte {
	if f == EthType {
		return t.appendKeyword(b)
	}
	if other := f == otherEthType; other && t.skipType {
		return b
	} else if other {
		f = EthType
	}
	m := &t.all[f]
	switch {
	case !t.has(f) || f == IPProto && t.skipProto:
		return b
	case f == VLANVID || f == VLANPCP:
		return t.appendVLAN(b, f)
	}
	b = append(append(b, fieldTable[f].MatchName...), '=')
	return append(f.appendMatchValue(b, m.Value, m.Mask), ',')
}

func (t *matchPrinter) appendKeyword(b []byte) []byte {
	if !t.has(EthType) {
		return b
	}
	for _, k := range keywords {
		if t.all[EthType].Value != BitsUint64(k.eth) {
			continue
		}
		if k.proto == 0 || t.has(IPProto) && t.all[IPProto].Value == BitsUint64(k.proto) {
			t.skipType, t.skipProto = true, k.proto != 0
			return append(append(b, k.name...), ',')
		}
	}
	return b
}

// appendVLAN prints number and priority of a tag that must be there as dl_vlan and dl_vlan_pcp, all else as vlan_tci.
func (t *matchPrinter) appendVLAN(b []byte, f Field) []byte {
	vid, pcp := &t.all[VLANVID], &t.all[VLANPCP]
	if f == VLANPCP && t.has(VLANVID) {
		return b
	}
	tci := vid.Value.Uint64() | pcp.Value.Uint64()<<13
	mask := vid.Mask.Uint64() | pcp.Mask.Uint64()<<13
	number := mask & 0xfff
	if tci&VLANPresent != 0 && (number == 0xfff || number == 0 && t.has(VLANPCP)) {
		if number != 0 {
			b = append(strconv.AppendUint(append(b, "dl_vlan="...), tci&0xfff, 10), ',')
		}
		if t.has(VLANPCP) {
			b = append(strconv.AppendUint(append(b, "dl_vlan_pcp="...), tci>>13, 10), ',')
		}
		return b
	}
	b = appendDigits(append(b, "vlan_tci="...), BitsUint64(tci), 4)
	if mask != 0xffff {
		b = appendDigits(append(b, '/'), BitsUint64(mask), 4)
	}
	return append(b, ',')
}
