package ofeval

import (
	"slices"

	"conjunct/openflow"
)

// A Packet is what a switch sees of a packet, metadata included. It is a value: copies are independent.
// The zero Packet is an Ethernet frame of type 0 with empty addresses.
type Packet struct {
	fields [numSlots]value
	inner  []uint16 // VLAN tags below the outermost one, outermost first

	icmpID uint16  // of an ICMP query
	about  *Packet // the packet that an ICMP error speaks of
	frag   fragment

	track tracked // what connection tracking has attached to it
}

// NewPacket returns a packet with the given fields. Only the bits under the masks are set.
func NewPacket(fields ...openflow.MatchField) Packet { return Packet{}.With(fields...) }

// With returns p with fields changed under their masks.
func (p Packet) With(fields ...openflow.MatchField) Packet {
	for _, f := range fields {
		p.set(f.Field, fromBits(f.Value), fromBits(f.Mask))
	}
	if v, ok := track(fields); ok {
		p.track.state = v
	}
	return p
}

// track returns the ct_state among fields: a packet made with one is one that was tracked.
func track(fields []openflow.MatchField) (uint8, bool) {
	for _, f := range fields {
		if f.Field == openflow.CTState {
			return uint8(f.Value.Uint64()), true
		}
	}
	return 0, false
}

// Get returns the content of a field, zero where the packet has no such field.
func (p *Packet) Get(f openflow.Field) openflow.Bits {
	if !p.has(f) {
		return openflow.Bits{}
	}
	return p.get(f).bits()
}

// Uint returns the low 64 bits of a field.
func (p *Packet) Uint(f openflow.Field) uint64 { return p.Get(f).Uint64() }

// VLANs returns the numbers of the tags, outermost first.
func (p *Packet) VLANs() []uint16 {
	tag := p.fields[openflow.VLANVID].lo
	if tag&openflow.VLANPresent == 0 {
		return nil
	}
	vlans := []uint16{uint16(tag &^ openflow.VLANPresent)}
	for _, t := range p.inner {
		vlans = append(vlans, t&^openflow.VLANPresent)
	}
	return vlans
}

// Match returns the match that only p meets, without empty fields other than ports and the like. It is how p prints.
func (p *Packet) Match() openflow.Match {
	var fields []openflow.MatchField
	for f := openflow.Field(1); f < numSlots; f++ {
		v := p.get(f)
		if v == (value{}) || slot(f) != f && p.fields[slot(f)] == (value{}) || f == openflow.ActsetOutput || !p.has(f) {
			continue
		}
		fields = append(fields, openflow.ExactBits(f, v.bits()))
	}
	return openflow.NewMatch(fields...)
}

// String returns p in the syntax of ovs-ofctl.
func (p Packet) String() string { return p.Match().String() }

// ParsePacket reads a packet in the syntax of ovs-ofctl: in_port=1,tcp,nw_src=10.0.0.1,tp_dst=80.
func ParsePacket(s string) (Packet, error) {
	m, err := openflow.ParseMatch(s)
	if err != nil {
		return Packet{}, err
	}
	return NewPacket(slices.Collect(m.Fields())...), nil
}

// get returns a field whether the packet has it or not.
func (p *Packet) get(f openflow.Field) value {
	first, n := registers(f)
	if n == 0 {
		return p.fields[slot(f)]
	}
	var v value
	for i := range n {
		v = v.shiftLeft(32).or(p.fields[int(first)+i])
	}
	return v
}

// set writes the bits of a field under mask.
func (p *Packet) set(f openflow.Field, v, mask value) {
	first, n := registers(f)
	if n == 0 {
		s := &p.fields[slot(f)]
		*s = s.andNot(mask).or(v.and(mask))
		return
	}
	for i := n - 1; i >= 0; i-- {
		p.set(first+openflow.Field(i), v.and(ones(32)), mask.and(ones(32)))
		v, mask = v.shiftRight(32), mask.shiftRight(32)
	}
}

func (p *Packet) number(f openflow.Field) uint64 { return p.fields[slot(f)].lo }

func (p *Packet) setNumber(f openflow.Field, v uint64) { p.fields[slot(f)] = value{0, v} }
