package openflow

// FieldInfo is what one row of the field table says about a field
// (include/openvswitch/meta-flow.h of Open vSwitch).
type FieldInfo struct {
	Name      string // in set_field, and to parse a match
	MatchName string // in a printed match; "" when a keyword or a special form prints it
	NXMName   string // in move and wherever bits [a..b] are named; the Name when NXM has none
	Class     uint16 // oxm_class in OpenFlow 1.5
	Number    uint8  // oxm_field
	Bytes     int    // of the value on the wire
	Bits      int    // of Bytes that have a meaning
	Maskable  bool
	Writable  bool
	Prereq    Prereq
	Form      Form

	// wide: the exact mask covers all Bytes on the wire though only Bits of them mean something,
	// so an exact match goes without mask (VLANVID, IPFrag, ARPOp, ...).
	wide bool
}

// OXM classes (enum ofp12_oxm_class; OpenFlow 1.5.1, 7.2.3.2).
const (
	classNXM0         = 0x0000
	classNXM1         = 0x0001
	classBasic        = 0x8000
	classPacketReg    = 0x8001
	classExperimenter = 0xffff
)

// Form is how a field's value reads as text.
type Form uint8

// The forms.
const (
	FormHex Form = iota
	FormDecimal
	FormPort
	FormPort16 // a port in 16 bits
	FormMAC
	FormIPv4
	FormIPv6
	FormCTState
	FormFrag
	FormTCPFlags
	FormEtherType // 0x0800: four digits
	FormTOS       // times four
	FormLabel     // 0x00000: five digits
)

// Prereq is what else a match must say before it may name a field.
type Prereq uint8

// The prerequisites.
const (
	PrereqNone Prereq = iota
	PrereqEthernet
	PrereqVLAN
	PrereqARP
	PrereqIPv4
	PrereqIPv6
	PrereqIP
	PrereqTCP
	PrereqUDP
	PrereqSCTP
	PrereqICMPv4
	PrereqICMPv6
	PrereqND
	PrereqNDSolicit
	PrereqNDAdvert
	// PrereqCT is a ct_state that says "a valid connection"; with PrereqCTIPv4 and PrereqCTIPv6 also the Ethernet type,
	// with PrereqCTPorts also CTNwProto.
	PrereqCT
	PrereqCTIPv4
	PrereqCTIPv6
	PrereqCTPorts
)

const (
	masked   = true
	exact    = false
	writable = true
	readOnly = false
)

// fieldTable is the one source for encode, decode, print, parse and prerequisites.
// Columns: name, match name, NXM name, class, number, bytes, bits, maskable, writable, prerequisite, form.
var fieldTable = [numFields]FieldInfo{
	ConjID:       {"conj_id", "conj_id", "NXM_NX_CONJ_ID", classNXM1, 37, 4, 32, exact, readOnly, PrereqNone, FormDecimal, false},
	InPort:       {"in_port", "in_port", "OXM_OF_IN_PORT", classBasic, 0, 4, 32, exact, readOnly, PrereqNone, FormPort, false},
	ActsetOutput: {"actset_output", "actset_output", "ONFOXM_ET_ACTSET_OUTPUT", classBasic, 43, 4, 32, exact, readOnly, PrereqNone, FormPort, false},
	EthSrc:       {"eth_src", "dl_src", "NXM_OF_ETH_SRC", classBasic, 4, 6, 48, masked, writable, PrereqEthernet, FormMAC, false},
	EthDst:       {"eth_dst", "dl_dst", "NXM_OF_ETH_DST", classBasic, 3, 6, 48, masked, writable, PrereqEthernet, FormMAC, false},
	EthType:      {"eth_type", "dl_type", "NXM_OF_ETH_TYPE", classBasic, 5, 2, 16, exact, readOnly, PrereqEthernet, FormEtherType, false},
	VLANVID:      {"vlan_vid", "", "OXM_OF_VLAN_VID", classBasic, 6, 2, 13, masked, writable, PrereqEthernet, FormDecimal, true},
	VLANPCP:      {"vlan_pcp", "", "OXM_OF_VLAN_PCP", classBasic, 7, 1, 3, exact, writable, PrereqVLAN, FormDecimal, true},

	IPv4Src:   {"ip_src", "nw_src", "NXM_OF_IP_SRC", classBasic, 11, 4, 32, masked, writable, PrereqIPv4, FormIPv4, false},
	IPv4Dst:   {"ip_dst", "nw_dst", "NXM_OF_IP_DST", classBasic, 12, 4, 32, masked, writable, PrereqIPv4, FormIPv4, false},
	IPv6Src:   {"ipv6_src", "ipv6_src", "NXM_NX_IPV6_SRC", classBasic, 26, 16, 128, masked, writable, PrereqIPv6, FormIPv6, false},
	IPv6Dst:   {"ipv6_dst", "ipv6_dst", "NXM_NX_IPV6_DST", classBasic, 27, 16, 128, masked, writable, PrereqIPv6, FormIPv6, false},
	IPFrag:    {"ip_frag", "nw_frag", "NXM_NX_IP_FRAG", classNXM1, 26, 1, 2, masked, readOnly, PrereqIP, FormFrag, true},
	IPDSCP:    {"ip_dscp", "nw_tos", "OXM_OF_IP_DSCP", classBasic, 8, 1, 6, exact, writable, PrereqIP, FormTOS, true},
	IPECN:     {"nw_ecn", "nw_ecn", "NXM_NX_IP_ECN", classBasic, 9, 1, 2, exact, writable, PrereqIP, FormDecimal, true},
	IPTTL:     {"nw_ttl", "nw_ttl", "NXM_NX_IP_TTL", classNXM1, 29, 1, 8, exact, writable, PrereqIP, FormDecimal, false},
	IPv6Label: {"ipv6_label", "ipv6_label", "NXM_NX_IPV6_LABEL", classBasic, 28, 4, 20, masked, writable, PrereqIPv6, FormLabel, true},
	IPProto:   {"nw_proto", "nw_proto", "NXM_OF_IP_PROTO", classBasic, 10, 1, 8, exact, readOnly, PrereqIP, FormDecimal, false},

	TCPSrc:     {"tcp_src", "tp_src", "NXM_OF_TCP_SRC", classBasic, 13, 2, 16, masked, writable, PrereqTCP, FormDecimal, false},
	TCPDst:     {"tcp_dst", "tp_dst", "NXM_OF_TCP_DST", classBasic, 14, 2, 16, masked, writable, PrereqTCP, FormDecimal, false},
	TCPFlags:   {"tcp_flags", "tcp_flags", "NXM_NX_TCP_FLAGS", classBasic, 42, 2, 12, masked, readOnly, PrereqTCP, FormTCPFlags, true},
	UDPSrc:     {"udp_src", "tp_src", "NXM_OF_UDP_SRC", classBasic, 15, 2, 16, masked, writable, PrereqUDP, FormDecimal, false},
	UDPDst:     {"udp_dst", "tp_dst", "NXM_OF_UDP_DST", classBasic, 16, 2, 16, masked, writable, PrereqUDP, FormDecimal, false},
	SCTPSrc:    {"sctp_src", "tp_src", "OXM_OF_SCTP_SRC", classBasic, 17, 2, 16, masked, writable, PrereqSCTP, FormDecimal, false},
	SCTPDst:    {"sctp_dst", "tp_dst", "OXM_OF_SCTP_DST", classBasic, 18, 2, 16, masked, writable, PrereqSCTP, FormDecimal, false},
	ICMPType:   {"icmp_type", "icmp_type", "NXM_OF_ICMP_TYPE", classBasic, 19, 1, 8, exact, writable, PrereqICMPv4, FormDecimal, false},
	ICMPCode:   {"icmp_code", "icmp_code", "NXM_OF_ICMP_CODE", classBasic, 20, 1, 8, exact, writable, PrereqICMPv4, FormDecimal, false},
	ICMPv6Type: {"icmpv6_type", "icmp_type", "NXM_NX_ICMPV6_TYPE", classBasic, 29, 1, 8, exact, writable, PrereqICMPv6, FormDecimal, false},
	ICMPv6Code: {"icmpv6_code", "icmp_code", "NXM_NX_ICMPV6_CODE", classBasic, 30, 1, 8, exact, writable, PrereqICMPv6, FormDecimal, false},
	NDTarget:   {"nd_target", "nd_target", "NXM_NX_ND_TARGET", classBasic, 31, 16, 128, masked, writable, PrereqND, FormIPv6, false},
	NDSLL:      {"nd_sll", "nd_sll", "NXM_NX_ND_SLL", classBasic, 32, 6, 48, masked, writable, PrereqNDSolicit, FormMAC, false},
	NDTLL:      {"nd_tll", "nd_tll", "NXM_NX_ND_TLL", classBasic, 33, 6, 48, masked, writable, PrereqNDAdvert, FormMAC, false},

	ARPOp:  {"arp_op", "arp_op", "NXM_OF_ARP_OP", classBasic, 21, 2, 8, exact, writable, PrereqARP, FormDecimal, true},
	ARPSPA: {"arp_spa", "arp_spa", "NXM_OF_ARP_SPA", classBasic, 22, 4, 32, masked, writable, PrereqARP, FormIPv4, false},
	ARPTPA: {"arp_tpa", "arp_tpa", "NXM_OF_ARP_TPA", classBasic, 23, 4, 32, masked, writable, PrereqARP, FormIPv4, false},
	ARPSHA: {"arp_sha", "arp_sha", "NXM_NX_ARP_SHA", classBasic, 24, 6, 48, masked, writable, PrereqARP, FormMAC, false},
	ARPTHA: {"arp_tha", "arp_tha", "NXM_NX_ARP_THA", classBasic, 25, 6, 48, masked, writable, PrereqARP, FormMAC, false},

	TunID:  {"tun_id", "tun_id", "NXM_NX_TUN_ID", classBasic, 38, 8, 64, masked, writable, PrereqNone, FormHex, false},
	TunSrc: {"tun_src", "tun_src", "NXM_NX_TUN_IPV4_SRC", classNXM1, 31, 4, 32, masked, writable, PrereqNone, FormIPv4, false},
	TunDst: {"tun_dst", "tun_dst", "NXM_NX_TUN_IPV4_DST", classNXM1, 32, 4, 32, masked, writable, PrereqNone, FormIPv4, false},

	Reg0:  {"reg0", "reg0", "NXM_NX_REG0", classNXM1, 0, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg1:  {"reg1", "reg1", "NXM_NX_REG1", classNXM1, 1, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg2:  {"reg2", "reg2", "NXM_NX_REG2", classNXM1, 2, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg3:  {"reg3", "reg3", "NXM_NX_REG3", classNXM1, 3, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg4:  {"reg4", "reg4", "NXM_NX_REG4", classNXM1, 4, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg5:  {"reg5", "reg5", "NXM_NX_REG5", classNXM1, 5, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg6:  {"reg6", "reg6", "NXM_NX_REG6", classNXM1, 6, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg7:  {"reg7", "reg7", "NXM_NX_REG7", classNXM1, 7, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg8:  {"reg8", "reg8", "NXM_NX_REG8", classNXM1, 8, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg9:  {"reg9", "reg9", "NXM_NX_REG9", classNXM1, 9, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg10: {"reg10", "reg10", "NXM_NX_REG10", classNXM1, 10, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg11: {"reg11", "reg11", "NXM_NX_REG11", classNXM1, 11, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg12: {"reg12", "reg12", "NXM_NX_REG12", classNXM1, 12, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg13: {"reg13", "reg13", "NXM_NX_REG13", classNXM1, 13, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg14: {"reg14", "reg14", "NXM_NX_REG14", classNXM1, 14, 4, 32, masked, writable, PrereqNone, FormHex, false},
	Reg15: {"reg15", "reg15", "NXM_NX_REG15", classNXM1, 15, 4, 32, masked, writable, PrereqNone, FormHex, false},

	PktMark:   {"pkt_mark", "pkt_mark", "NXM_NX_PKT_MARK", classNXM1, 33, 4, 32, masked, writable, PrereqNone, FormHex, false},
	CTState:   {"ct_state", "ct_state", "NXM_NX_CT_STATE", classNXM1, 105, 4, 8, masked, readOnly, PrereqNone, FormCTState, false},
	CTZone:    {"ct_zone", "ct_zone", "NXM_NX_CT_ZONE", classNXM1, 106, 2, 16, exact, readOnly, PrereqNone, FormDecimal, false},
	CTMark:    {"ct_mark", "ct_mark", "NXM_NX_CT_MARK", classNXM1, 107, 4, 32, masked, writable, PrereqNone, FormHex, false},
	CTLabel:   {"ct_label", "ct_label", "NXM_NX_CT_LABEL", classNXM1, 108, 16, 128, masked, writable, PrereqNone, FormHex, false},
	CTNwSrc:   {"ct_nw_src", "ct_nw_src", "NXM_NX_CT_NW_SRC", classNXM1, 120, 4, 32, masked, readOnly, PrereqCTIPv4, FormIPv4, false},
	CTIPv6Src: {"ct_ipv6_src", "ct_ipv6_src", "NXM_NX_CT_IPV6_SRC", classNXM1, 122, 16, 128, masked, readOnly, PrereqCTIPv6, FormIPv6, false},
	CTNwDst:   {"ct_nw_dst", "ct_nw_dst", "NXM_NX_CT_NW_DST", classNXM1, 121, 4, 32, masked, readOnly, PrereqCTIPv4, FormIPv4, false},
	CTIPv6Dst: {"ct_ipv6_dst", "ct_ipv6_dst", "NXM_NX_CT_IPV6_DST", classNXM1, 123, 16, 128, masked, readOnly, PrereqCTIPv6, FormIPv6, false},
	CTNwProto: {"ct_nw_proto", "ct_nw_proto", "NXM_NX_CT_NW_PROTO", classNXM1, 119, 1, 8, exact, readOnly, PrereqCT, FormDecimal, false},
	CTTpSrc:   {"ct_tp_src", "ct_tp_src", "NXM_NX_CT_TP_SRC", classNXM1, 124, 2, 16, masked, readOnly, PrereqCTPorts, FormDecimal, false},
	CTTpDst:   {"ct_tp_dst", "ct_tp_dst", "NXM_NX_CT_TP_DST", classNXM1, 125, 2, 16, masked, readOnly, PrereqCTPorts, FormDecimal, false},
	Metadata:  {"metadata", "metadata", "OXM_OF_METADATA", classBasic, 2, 8, 64, masked, writable, PrereqNone, FormHex, false},

	XReg0:  {"xreg0", "", "OXM_OF_PKT_REG0", classPacketReg, 0, 8, 64, masked, writable, PrereqNone, FormHex, false},
	XReg1:  {"xreg1", "", "OXM_OF_PKT_REG1", classPacketReg, 1, 8, 64, masked, writable, PrereqNone, FormHex, false},
	XReg2:  {"xreg2", "", "OXM_OF_PKT_REG2", classPacketReg, 2, 8, 64, masked, writable, PrereqNone, FormHex, false},
	XReg3:  {"xreg3", "", "OXM_OF_PKT_REG3", classPacketReg, 3, 8, 64, masked, writable, PrereqNone, FormHex, false},
	XReg4:  {"xreg4", "", "OXM_OF_PKT_REG4", classPacketReg, 4, 8, 64, masked, writable, PrereqNone, FormHex, false},
	XReg5:  {"xreg5", "", "OXM_OF_PKT_REG5", classPacketReg, 5, 8, 64, masked, writable, PrereqNone, FormHex, false},
	XReg6:  {"xreg6", "", "OXM_OF_PKT_REG6", classPacketReg, 6, 8, 64, masked, writable, PrereqNone, FormHex, false},
	XReg7:  {"xreg7", "", "OXM_OF_PKT_REG7", classPacketReg, 7, 8, 64, masked, writable, PrereqNone, FormHex, false},
	XXReg0: {"xxreg0", "", "NXM_NX_XXREG0", classNXM1, 111, 16, 128, masked, writable, PrereqNone, FormHex, false},
	XXReg1: {"xxreg1", "", "NXM_NX_XXREG1", classNXM1, 112, 16, 128, masked, writable, PrereqNone, FormHex, false},
	XXReg2: {"xxreg2", "", "NXM_NX_XXREG2", classNXM1, 113, 16, 128, masked, writable, PrereqNone, FormHex, false},
	XXReg3: {"xxreg3", "", "NXM_NX_XXREG3", classNXM1, 114, 16, 128, masked, writable, PrereqNone, FormHex, false},

	InPortNXM: {"in_port", "", "NXM_OF_IN_PORT", classNXM0, 0, 2, 16, exact, writable, PrereqNone, FormPort16, false},
}
