package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// portNames are ports by the names of their services (IANA, Service Name and Transport Protocol Port Number Registry).
var portNames = map[string]int{
	"ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "dns": 53, "bootps": 67, "bootpc": 68, "tftp": 69, "http": 80,
	"kerberos": 88, "pop3": 110, "ntp": 123, "imap": 143, "snmp": 161, "bgp": 179, "ldap": 389, "https": 443, "submissions": 465,
	"syslog": 514, "submission": 587, "ldaps": 636, "imaps": 993, "pop3s": 995, "ms-sql-s": 1433, "nfs": 2049, "mysql": 3306,
	"rdp": 3389, "ms-wbt-server": 3389, "postgresql": 5432, "redis": 6379, "http-alt": 8080,
}

// PortNumber is a port. It is read from a number, or from the name of a service.
type PortNumber int

// UnmarshalJSON takes a number or the name of a service.
func (n *PortNumber) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		s = string(b)
	}
	p, err := ParsePort(s)
	*n = p
	return err
}

// ParsePort reads a port from 1 to 65535 or the name of a service.
func ParsePort(s string) (PortNumber, error) {
	if n, ok := portNames[strings.ToLower(s)]; ok {
		return PortNumber(n), nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a port; use a number from 1 to 65535 or the name of a service such as ssh or https", s)
	}
	return PortNumber(n), nil
}

// icmpNames are ICMP types by their names, in each IP version (IANA, ICMP and ICMPv6 Parameters). -1: it has none.
var icmpNames = map[string][2]int{
	"echo-request": {8, 128}, "echo": {8, 128}, "ping": {8, 128}, "echo-reply": {0, 129},
	"destination-unreachable": {3, 1}, "packet-too-big": {-1, 2}, "time-exceeded": {11, 3}, "parameter-problem": {12, 4},
	"redirect": {5, 137}, "router-advertisement": {9, 134}, "router-solicitation": {10, 133},
	"timestamp-request": {13, -1}, "timestamp-reply": {14, -1},
	"neighbor-solicitation": {-1, 135}, "neighbor-advertisement": {-1, 136},
}

// ICMPKind is an ICMP type: a number, or a name, which means another number in each IP version. The zero value is none.
type ICMPKind string

// UnmarshalJSON takes a number or a name.
func (k *ICMPKind) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		s = string(b)
	}
	v, err := ParseICMPKind(s)
	*k = v
	return err
}

// MarshalJSON writes a number as one.
func (k ICMPKind) MarshalJSON() ([]byte, error) {
	if _, err := strconv.Atoi(string(k)); err == nil {
		return []byte(k), nil
	}
	return json.Marshal(string(k))
}

// ParseICMPKind reads a type from 0 to 255 or the name of one.
func ParseICMPKind(s string) (ICMPKind, error) {
	name := strings.ToLower(s)
	if _, ok := icmpNames[name]; ok {
		return ICMPKind(name), nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 255 {
		return "", fmt.Errorf("%q is not an ICMP type; use a number from 0 to 255 or one of %s", s, strings.Join(slices.Sorted(maps.Keys(icmpNames)), ", "))
	}
	return ICMPKind(strconv.Itoa(n)), nil
}

// In is the type's number in an IP version; false where it has none.
func (k ICMPKind) In(version int) (uint8, bool) {
	if numbers, ok := icmpNames[string(k)]; ok {
		n := numbers[0]
		if version == 6 {
			n = numbers[1]
		}
		return uint8(max(n, 0)), n >= 0
	}
	n, err := strconv.ParseUint(string(k), 10, 8)
	return uint8(n), err == nil
}
