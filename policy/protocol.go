package policy

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Protocol is an IP protocol as a rule names it: all, a name of the table or a number 0–255 in decimal. The zero value is
// no protocol. Numbers that have a name are kept as the name.
type Protocol string

const (
	All    Protocol = "all"
	TCP    Protocol = "tcp"
	UDP    Protocol = "udp"
	SCTP   Protocol = "sctp"
	ICMP   Protocol = "icmp"   // ICMP of the rule's family; of both families where the rule has none
	ICMPv6 Protocol = "icmpv6" // ICMP of IPv6
)

// IP protocol numbers (IANA) that the pipeline treats in a way of their own.
const (
	ProtoICMP   uint8 = 1
	ProtoTCP    uint8 = 6
	ProtoUDP    uint8 = 17
	ProtoICMPv6 uint8 = 58
	ProtoSCTP   uint8 = 132
)

var protocolNumbers = map[Protocol]uint8{ICMP: ProtoICMP, TCP: ProtoTCP, UDP: ProtoUDP, ICMPv6: ProtoICMPv6, SCTP: ProtoSCTP}

var protocolWords = map[string]Protocol{
	"all": All, "any": All, "ip": All,
	"tcp": TCP, "udp": UDP, "sctp": SCTP, "icmp": ICMP, "icmpv6": ICMPv6, "icmp6": ICMPv6, "ipv6-icmp": ICMPv6,
}

// ParseProtocol takes names in any case, the words that other clouds use for all (ip, any), and numbers.
func ParseProtocol(s string) (Protocol, error) {
	if p, ok := protocolWords[strings.ToLower(s)]; ok {
		return p, nil
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return "", fmt.Errorf("%q is not a protocol; use all, tcp, udp, sctp, icmp, icmpv6 or a number 0-255", s)
	}
	for name, number := range protocolNumbers {
		if number == uint8(n) {
			return name, nil
		}
	}
	return Protocol(strconv.FormatUint(n, 10)), nil
}

// HasPorts reports whether rules of the protocol may name ports.
func (p Protocol) HasPorts() bool { return p == TCP || p == UDP || p == SCTP }

// IsICMP reports whether rules of the protocol may name an ICMP type.
func (p Protocol) IsICMP() bool { return p == ICMP || p == ICMPv6 }

// NumberIn is the protocol's number in a family (4 or 6), and false where the protocol is all or has no meaning in it.
func (p Protocol) NumberIn(family int) (uint8, bool) {
	if p == ICMP && family == 6 {
		return ProtoICMPv6, true
	}
	if p == ICMPv6 && family == 4 {
		return 0, false
	}
	if n, ok := protocolNumbers[p]; ok {
		return n, true
	}
	n, err := strconv.ParseUint(string(p), 10, 8)
	return uint8(n), err == nil
}

// UnmarshalJSON takes a string or a number.
func (p *Protocol) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		s = string(b)
	}
	v, err := ParseProtocol(s)
	*p = v
	return err
}
