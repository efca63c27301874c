package ofeval

import "conjunct/openflow"

// subfield returns the bits of a part of a field, at the bottom.
func (p *Packet) subfield(s openflow.Subfield) value {
	return p.get(s.Field).shiftRight(uint(s.Ofs)).and(ones(uint(s.N)))
}

// move copies bits from one field to another; a packet without either field stays as it is.
func (p *Packet) move(a openflow.Move) {
	if !p.has(a.Src.Field) || !p.has(a.Dst.Field) {
		return
	}
	ofs := uint(a.Dst.Ofs)
	p.set(a.Dst.Field, p.subfield(a.Src).shiftLeft(ofs), ones(uint(a.Dst.N)).shiftLeft(ofs))
}

// pushVLAN puts a tag with number 0 in front of those that are there.
func (p *Packet) pushVLAN() {
	if tag := p.number(openflow.VLANVID); tag&openflow.VLANPresent != 0 {
		p.inner = append([]uint16{uint16(tag)}, p.inner...) // never in place: copies of p share it
	}
	p.setNumber(openflow.VLANVID, openflow.VLANPresent)
	p.setNumber(openflow.VLANPCP, 0)
}

// popVLAN removes the outermost tag.
func (p *Packet) popVLAN() {
	var next uint64
	if len(p.inner) > 0 {
		next, p.inner = uint64(p.inner[0]), p.inner[1:]
	}
	p.setNumber(openflow.VLANVID, next)
	p.setNumber(openflow.VLANPCP, 0)
}

// setTracked makes the fields of connection tracking those of t.
func (p *Packet) setTracked(t tracked) {
	p.track = t
	p.clearTracked()
	if t.state == 0 {
		return
	}
	p.setNumber(openflow.CTState, uint64(t.state))
	p.setNumber(openflow.CTZone, uint64(t.zone))
	p.setNumber(openflow.CTMark, uint64(t.mark))
	p.fields[openflow.CTLabel] = t.label
	if t.state&openflow.CTInvalid != 0 || !t.origin.src.IsValid() {
		return
	}
	src, dst := openflow.CTIPv6Src, openflow.CTIPv6Dst
	if t.origin.src.Is4() {
		src, dst = openflow.CTNwSrc, openflow.CTNwDst
	}
	p.fields[src], p.fields[dst] = fromBits(openflow.BitsAddr(t.origin.src)), fromBits(openflow.BitsAddr(t.origin.dst))
	p.setNumber(openflow.CTNwProto, uint64(t.origin.proto))
	if p.number(openflow.IPFrag)&openflow.FragLater != 0 {
		return // the ports are read together with the transport header (miniflow_extract in lib/flow.c)
	}
	srcPort, dstPort := uint64(t.origin.srcPort), uint64(t.origin.dstPort)
	if t.origin.srcType != t.origin.dstType { // ICMP: type and code, which is 0
		srcPort, dstPort = uint64(t.origin.srcType), 0
	}
	p.setNumber(openflow.CTTpSrc, srcPort)
	p.setNumber(openflow.CTTpDst, dstPort)
}

// clearTracked empties the fields of connection tracking, and leaves what is attached to the packet.
func (p *Packet) clearTracked() {
	for f := openflow.CTState; f <= openflow.CTTpDst; f++ {
		p.fields[f] = value{}
	}
}
