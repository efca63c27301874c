package openflow

import (
	"fmt"
	"strconv"
	"strings"
)

// Port is an OpenFlow port number: 1 to 0xfeff, or one of the reserved ports. The zero Port is none.
type Port uint32

// The reserved ports (OpenFlow 1.5.1, 7.2.1; OFPP_*).
const (
	PortUnset      Port = 0xfffffff7
	PortInPort     Port = 0xfffffff8
	PortTable      Port = 0xfffffff9
	PortNormal     Port = 0xfffffffa
	PortFlood      Port = 0xfffffffb
	PortAll        Port = 0xfffffffc
	PortController Port = 0xfffffffd
	PortLocal      Port = 0xfffffffe
	PortAny        Port = 0xffffffff
)

// maxPort is the last number of an ordinary port in Open vSwitch (OFPP_MAX of OpenFlow 1.0, exclusive).
const maxPort = 0xff00

// firstReserved begins the reserved ports, of which only those above have a meaning (OFPP11_MAX of Open vSwitch).
const firstReserved = 0xffffff00

// portNames: the names that ovs-ofctl prints. PortAny reads ANY, and NONE of old is understood.
var portNames = [...]struct {
	port Port
	name string
}{
	{PortUnset, "UNSET"}, {PortInPort, "IN_PORT"}, {PortTable, "TABLE"}, {PortNormal, "NORMAL"},
	{PortFlood, "FLOOD"}, {PortAll, "ALL"}, {PortController, "CONTROLLER"}, {PortLocal, "LOCAL"},
	{PortAny, "ANY"}, {PortAny, "NONE"},
}

// String returns the number or the name of the port, as ovs-ofctl --no-names prints it.
func (p Port) String() string { return string(p.append(nil)) }

func (p Port) append(b []byte) []byte {
	for _, n := range portNames {
		if n.port == p {
			return append(b, n.name...)
		}
	}
	if p >= firstReserved {
		return strconv.AppendUint(b, uint64(p.to16()), 10)
	}
	return strconv.AppendUint(b, uint64(p), 10)
}

// ParsePort reads a port number or the name of a reserved port, in either case.
func ParsePort(s string) (Port, error) {
	for _, n := range portNames {
		if strings.EqualFold(n.name, s) {
			return n.port, nil
		}
	}
	v, err := parseUint(s, 32)
	if err != nil {
		return 0, fmt.Errorf("parse port %q: neither a number nor a reserved port", s)
	}
	p := Port(v)
	if v <= 0xffff {
		p = portFrom16(uint16(v))
	}
	if !p.valid() {
		return 0, fmt.Errorf("parse port %q: out of range", s)
	}
	return p, nil
}

// valid reports whether p is an ordinary port, 0, or in the range of the reserved ones.
func (p Port) valid() bool { return p < maxPort || p >= firstReserved }

// forOutput reports whether a packet can be sent to p.
func (p Port) forOutput() bool {
	return 0 < p && p < maxPort || PortInPort <= p && p <= PortLocal
}

// to16 returns the number that Nicira actions, which have 16 bits for a port, use for p.
func (p Port) to16() uint16 { return uint16(p) }

// portFrom16 undoes to16: the reserved ports of OpenFlow 1.0 are the low halves of those since 1.1.
func portFrom16(v uint16) Port {
	if v >= 0xff00 {
		return Port(v) | 0xffff0000
	}
	return Port(v)
}
