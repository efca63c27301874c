package api

import (
	"net/netip"
	"slices"

	"conjunct/policy"
)

// Question asks whether a packet of a connection passes. Each end is a port, an address, or an address of a port; From is the end that opens the
// connection, whichever way the packet goes.
type Question struct {
	From     QuestionEnd        `json:"from"`
	To       QuestionEnd        `json:"to"`
	Protocol policy.Protocol    `json:"protocol"`
	Port     *policy.PortNumber `json:"port"`             // of the receiver; tcp, udp and sctp need it
	SrcPort  *policy.PortNumber `json:"src_port"`         // of the sender; null: some port above 32767
	ICMPType *policy.ICMPKind   `json:"icmp_type"`        // null: an echo request
	ICMPCode *int               `json:"icmp_code"`        // null: 0
	Version  *int               `json:"ip_version"`       // null: what the addresses say; of two ports with both, 4
	Packet   policy.PacketKind  `json:"packet,omitempty"` // empty: opening
}

// QuestionEnd is one end of a connection.
type QuestionEnd struct {
	PortID  policy.PortID `json:"port_id"`
	Address netip.Addr    `json:"address,omitzero"`
}

// questioning finds out which connection is meant.
type questioning struct {
	decoding
	*reader
	q *Question
}

func (a *questioning) connection() (c policy.Connection, from, to policy.End) {
	from, to = a.end("/from", a.q.From), a.end("/to", a.q.To)
	version := a.version(from, to)
	a.protocol(&c, version)
	a.apart(from, to)
	if len(a.findings) > 0 {
		return c, from, to
	}
	c.Src, c.Dst = a.address(&from, version), a.address(&to, version)
	a.neighbour(&from, to)
	a.neighbour(&to, from)
	if from.Port != nil && to.Port != nil && from.Port.Port.ID == to.Port.Port.ID {
		a.add("/to", "same-port", "both ends are port %q: what a VM says to itself never comes to the bridge", to.Port.Port.ID)
	}
	if from.Port == nil && to.Port == nil {
		a.add("/from", "required", "name a port at one end at least: an address alone means something only inside a VPC")
	}
	return c, from, to
}

func (a *questioning) end(at string, e QuestionEnd) policy.End {
	out := policy.End{Address: e.Address}
	if e.PortID == "" && !e.Address.IsValid() {
		a.add(at, "required", "give a port_id or an address")
	}
	if e.Address.IsValid() && (e.Address.Zone() != "" || e.Address.Is4In6()) {
		a.add(at+"/address", "address-invalid", "%s has a zone or is IPv4 in IPv6; write it plainly", e.Address)
	}
	if e.PortID == "" {
		return out
	}
	v, ok := a.portView(e.PortID)
	if !ok {
		a.add(at+"/port_id", "reference-missing", "port %q does not exist", e.PortID)
		return out
	}
	out.Port = v
	return out
}

// version is the IP version that both ends can speak.
func (a *questioning) version(from, to policy.End) int {
	if v := a.q.Version; v != nil && *v != 4 && *v != 6 {
		a.add("/ip_version", "ip-version-invalid", "%d is not an IP version; use 4, 6 or null", *v)
		return 4
	}
	for _, version := range []int{4, 6} {
		wanted := (a.q.Version == nil || *a.q.Version == version) && (version == 6 || a.q.Protocol != policy.ICMPv6)
		if wanted && speaks(from, version) && speaks(to, version) {
			return version
		}
	}
	if len(a.findings) == 0 {
		a.add("", "family-mismatch", "the ends have no address of the same IP version that the question allows")
	}
	return 4
}

func speaks(e policy.End, version int) bool {
	if e.Address.IsValid() {
		return policy.Version(e.Address) == version
	}
	return e.Port != nil && slices.ContainsFunc(e.Port.Port.Addresses, func(a netip.Addr) bool { return policy.Version(a) == version })
}

func (a *questioning) address(e *policy.End, version int) netip.Addr {
	if !e.Address.IsValid() {
		i := slices.IndexFunc(e.Port.Port.Addresses, func(addr netip.Addr) bool { return policy.Version(addr) == version })
		e.Address = e.Port.Port.Addresses[i]
	}
	return e.Address
}

// neighbour makes an address the port of the other end's VPC that has it.
func (a *questioning) neighbour(e *policy.End, other policy.End) {
	if e.Port != nil || other.Port == nil {
		return
	}
	if at, ok := a.snapshot.PortAt(policy.VPCID(other.Port.VPC.ID), e.Address); ok {
		e.Port, _ = a.portView(policy.PortID(at.Port.ID))
	}
}

// ephemeralPort stands for a sender's port that nobody named.
const ephemeralPort = 49152

// echoRequest are the ICMP types of it, by IP version (RFC 792, RFC 4443).
var echoRequest = map[int]uint8{4: 8, 6: 128}

func (a *questioning) protocol(c *policy.Connection, version int) {
	number, ok := a.q.Protocol.NumberIn(version)
	if !ok {
		a.add("/protocol", "protocol-invalid", "a connection has one protocol of IPv%d: tcp, udp, sctp, icmp, icmpv6 or a number, not %q", version, a.q.Protocol)
		return
	}
	c.Protocol = number
	switch {
	case a.q.Protocol.HasPorts():
		if a.q.Port == nil {
			a.add("/port", "required", "%s needs a port", a.q.Protocol)
		}
		c.DstPort = uint16(within(a, "/port", a.q.Port, 1, 65535, 0))
		c.SrcPort = uint16(within(a, "/src_port", a.q.SrcPort, 1, 65535, ephemeralPort))
	case a.q.Port != nil || a.q.SrcPort != nil:
		a.add("/port", "port-not-allowed", "port and src_port may only be set for tcp, udp or sctp (protocol is %s)", a.q.Protocol)
	}
	switch {
	case a.q.Protocol.IsICMP():
		c.ICMPType = a.icmpType(version)
		c.ICMPCode = uint8(within(a, "/icmp_code", a.q.ICMPCode, 0, 255, 0))
	case a.q.ICMPType != nil || a.q.ICMPCode != nil:
		a.add("/icmp_type", "icmp-not-allowed", "icmp_type/icmp_code may only be set for icmp or icmpv6 (protocol is %s)", a.q.Protocol)
	}
}

// within is the number, or what stands for one that is not given.
func within[T ~int](a *questioning, pointer string, n *T, low, high, otherwise T) T {
	if n == nil {
		return otherwise
	}
	if *n < low || *n > high {
		a.add(pointer, "out-of-range", "%d is outside %d to %d", *n, low, high)
	}
	return *n
}

func (a *questioning) icmpType(version int) uint8 {
	if a.q.ICMPType == nil {
		return echoRequest[version]
	}
	n, ok := a.q.ICMPType.In(version)
	if !ok {
		a.add("/icmp_type", "value-invalid", "ICMP of IPv%d has no %s", version, *a.q.ICMPType)
	}
	return n
}

// kind is which packet is asked about.
func (a *questioning) kind() policy.PacketKind {
	if a.q.Packet == "" {
		return policy.PacketOpening
	}
	if !slices.Contains(policy.PacketKinds, a.q.Packet) {
		a.add("/packet", "value-invalid", "%q is not a packet of a connection; use one of %v", a.q.Packet, policy.PacketKinds)
	}
	return a.q.Packet
}

// apart refuses ports of two VPCs: an address of one means nothing in the other.
func (a *questioning) apart(from, to policy.End) {
	if from.Port != nil && to.Port != nil && from.Port.VPC.ID != to.Port.VPC.ID {
		a.add("/to", "vpc-mismatch", "port %q is in VPC %q and port %q in VPC %q, which know nothing of each other; ask about one of them and the address by which it sees the other",
			from.Port.Port.ID, from.Port.VPC.Label(), to.Port.Port.ID, to.Port.VPC.Label())
	}
}
