package policytest

import (
	"conjunct/policy"
)

// Question is a connection at a port.
type Question struct {
	Port       policy.PortID
	Direction  policy.Direction
	Connection policy.Connection
}

// Question asks something that is near what the world's rules say: the local end is an address of the port (for egress now and
// then a stolen one), protocol and ports are those of some rule or just beside it.
func (w *World) Question() Question {
	p := w.Ports[w.r.IntN(len(w.Ports))]
	q := Question{Port: policy.PortID(p.ID), Direction: pick(w, policy.Ingress, policy.Egress)}
	local := p.Addresses[w.r.IntN(len(p.Addresses))]
	version := policy.Version(local)
	if w.chance(10) {
		local = w.address(version)
	}
	remote := w.address(version)
	for remote == local {
		remote = w.address(version)
	}
	c := policy.Connection{Src: local, Dst: remote, SrcPort: uint16(1024 + w.r.IntN(60000))}
	if q.Direction == policy.Ingress {
		c.Src, c.Dst = remote, local
	}
	w.ask(&c, version)
	q.Connection = c
	return q
}

func (w *World) ask(c *policy.Connection, version int) {
	rules := policy.List[*policy.Rule](w.Snapshot, nil)
	r := rules[w.r.IntN(len(rules))]
	number, one := r.Protocol.NumberIn(version)
	if !one || w.chance(5) {
		number = pick(w, policy.ProtoTCP, policy.ProtoUDP, policy.ProtoSCTP, icmpOf(version), 4, 47, 50)
	}
	c.Protocol = number
	switch number {
	case policy.ProtoTCP, policy.ProtoUDP, policy.ProtoSCTP:
		c.DstPort = pick[uint16](w, 22, 25, 80, 443, 1000, 1024, 65535, 1)
		if r.PortMin != nil {
			c.DstPort = uint16(max(1, min(65535, pick(w, *r.PortMin-1, *r.PortMin, *r.PortMin, *r.PortMax, *r.PortMax+1))))
		}
	case icmpOf(version):
		c.SrcPort = 0
		c.ICMPType = pick[uint8](w, 8, 13)
		if version == 6 {
			c.ICMPType = 128
		}
	default:
		c.SrcPort = 0
	}
}

func icmpOf(version int) uint8 {
	if version == 6 {
		return policy.ProtoICMPv6
	}
	return policy.ProtoICMP
}
