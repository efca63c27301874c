package referee

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"conjunct/policy"
)

// TupleText is the original tuple of a connection as a trace takes it, in ovs-fields(7)' words.
func TupleText(c policy.Connection) string {
	names := []string{"ct_nw_src", "ct_nw_dst"}
	if policy.Version(c.Src) == 6 {
		names = []string{"ct_ipv6_src", "ct_ipv6_dst"}
	}
	out := fmt.Sprintf("%s=%s,%s=%s,ct_nw_proto=%d", names[0], c.Src, names[1], c.Dst, c.Protocol)
	if c.Protocol == policy.ProtoTCP || c.Protocol == policy.ProtoUDP { // The userspace datapath tracks SCTP without ports.
		out += fmt.Sprintf(",ct_tp_src=%d,ct_tp_dst=%d", c.SrcPort, c.DstPort)
	}
	return out
}

// protocolKeywords are ovs-fields(7)'s, without the 6 of IPv6.
var protocolKeywords = map[uint8]string{
	policy.ProtoTCP: "tcp", policy.ProtoUDP: "udp", policy.ProtoSCTP: "sctp", policy.ProtoICMP: "icmp", policy.ProtoICMPv6: "icmp",
}

// PacketText is a packet as a trace takes it, without its MACs.
func PacketText(c policy.Connection) string {
	v6 := policy.Version(c.Src) == 6
	src, dst, word := "nw_src", "nw_dst", "ip"
	if v6 {
		src, dst, word = "ipv6_src", "ipv6_dst", "ipv6"
	}
	keyword, known := protocolKeywords[c.Protocol]
	if isICMP := keyword == "icmp"; known && (!isICMP || v6 == (c.Protocol == policy.ProtoICMPv6)) {
		word = keyword
		if v6 {
			word += "6"
		}
	} else {
		word += fmt.Sprintf(",nw_proto=%d", c.Protocol)
	}
	out := fmt.Sprintf("%s,%s=%s,%s=%s", word, src, c.Src, dst, c.Dst)
	switch word {
	case "tcp", "udp", "sctp", "tcp6", "udp6", "sctp6":
		out += fmt.Sprintf(",%s_src=%d,%s_dst=%d", keyword, c.SrcPort, keyword, c.DstPort)
	case "icmp":
		out += fmt.Sprintf(",icmp_type=%d,icmp_code=%d", c.ICMPType, c.ICMPCode)
	case "icmp6":
		out += fmt.Sprintf(",icmpv6_type=%d,icmpv6_code=%d", c.ICMPType, c.ICMPCode)
	}
	return out
}

// lookedUp finds the look-ups in the text of a trace: " 0. ip, priority 10, cookie 0x5" and " 0. No match."
var lookedUp = regexp.MustCompile(`(?m)^ *([0-9]+)\. `)

// Visits reports whether a trace came to a table.
func Visits(trace string, table uint8) bool {
	return slices.ContainsFunc(lookedUp.FindAllStringSubmatch(trace, -1), func(m []string) bool { return m[1] == strconv.Itoa(int(table)) })
}

// Resumes reports whether a trace came to connection tracking that goes on with a table.
func Resumes(trace string, table uint8) bool {
	return strings.Contains(trace, fmt.Sprintf("will be resumed at table %d.", table))
}

var (
	finalFlow = regexp.MustCompile(`(?m)^Final flow: (.*)$`)
	registers = regexp.MustCompile(`\breg[0-9]+=0x[0-9a-f]+`)
)

// Registers are those of a packet where a trace first comes to connection tracking, as a trace takes them.
func Registers(trace string) string {
	m := finalFlow.FindStringSubmatch(trace)
	if m == nil {
		return ""
	}
	return strings.Join(registers.FindAllString(m[1], -1), ",")
}
