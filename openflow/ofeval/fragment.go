package ofeval

import (
	"net/netip"
	"slices"

	"conjunct/openflow"
)

// fragment says which part of a packet this is. The zero fragment is a whole packet.
type fragment struct {
	id        uint32
	index, of int
}

// ipv6Fragment is what a later fragment of IPv6 has for a protocol (RFC 8200, 4.5).
const ipv6Fragment = 44

// Fragments cuts an IP packet into n parts; n must be at least 2. Only the first one has the ports. id tells the parts of
// one packet from those of another between the same addresses.
func (p Packet) Fragments(id uint32, n int) []Packet {
	parts := make([]Packet, n)
	for i := range parts {
		parts[i] = p
		parts[i].frag = fragment{id: id, index: i, of: n}
		if i == 0 {
			parts[i].setNumber(openflow.IPFrag, openflow.FragAny)
			continue
		}
		parts[i].setNumber(openflow.IPFrag, openflow.FragAny|openflow.FragLater)
		for _, f := range []openflow.Field{openflow.TCPSrc, openflow.TCPDst, openflow.TCPFlags} {
			parts[i].setNumber(f, 0)
		}
		if p.number(openflow.EthType) == openflow.EtherTypeIPv6 {
			parts[i].setNumber(openflow.IPProto, ipv6Fragment)
		}
	}
	return parts
}

// A fragmentKey names the packet that fragments belong to.
type fragmentKey struct {
	zone     uint16
	proto    uint8
	id       uint32
	src, dst netip.Addr
}

// A reassembler holds fragments until a packet is whole (lib/ipf.c of Open vSwitch, without time-outs).
type reassembler struct {
	waiting map[fragmentKey][]Packet
}

// maxWaiting bounds how many packets wait to become whole.
const maxWaiting = 1000

// add takes a fragment. When that makes a packet whole it returns all fragments in order; else nil, and the fragment waits.
func (r *reassembler) add(p Packet, zone uint16) []Packet {
	key := fragmentKey{zone: zone, id: p.frag.id, proto: uint8(p.number(openflow.IPProto))}
	key.src, key.dst = p.addresses()
	if key.src.Is6() {
		key.proto = 0
	}
	if r.waiting == nil || len(r.waiting) >= maxWaiting {
		r.waiting = make(map[fragmentKey][]Packet)
	}
	parts := append(r.waiting[key], p)
	if len(parts) < p.frag.of {
		r.waiting[key] = parts
		return nil
	}
	delete(r.waiting, key)
	slices.SortFunc(parts, func(a, b Packet) int { return a.frag.index - b.frag.index })
	return parts
}

// overlaid returns p, as a pass has made it, with what is this part's own: a reassembled packet goes on, in its parts, as the
// part that completed it does.
func (p Packet) overlaid(part *Packet) Packet {
	if part.frag != p.frag {
		for _, f := range []openflow.Field{openflow.IPFrag, openflow.TCPSrc, openflow.TCPDst, openflow.TCPFlags} {
			p.fields[f] = part.fields[f]
		}
		if p.number(openflow.EthType) == openflow.EtherTypeIPv6 {
			p.fields[openflow.IPProto] = part.fields[openflow.IPProto]
		}
		p.frag, p.icmpID, p.about = part.frag, part.icmpID, part.about
	}
	p.track = part.track
	return p
}
