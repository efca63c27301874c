package openflow

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// ParseMatch reads a match in the syntax of ovs-ofctl: tcp,reg0=0x7,nw_src=10.0.0.0/8. A field without what it
// requires (tcp_dst without tcp) is an error; ovs-ofctl would warn and drop the field, which makes a match wider.
func ParseMatch(s string) (Match, error) {
	p := newMatchParser()
	for {
		key, value, rest, ok := nextPair(s)
		if !ok {
			return p.match()
		}
		known, err := p.item(key, value)
		if err != nil {
			return Match{}, fmt.Errorf("parse match: %w", err)
		}
		if !known {
			return Match{}, fmt.Errorf("parse match: unknown keyword %s", key)
		}
		s = rest
	}
}

// A matchParser takes the items of a match in any order.
type matchParser struct {
	set   fieldSet
	later []MatchField // conditions whose field depends on the protocol
	tci   MatchField   // what is said about VLAN tag and priority together
	raw   string
}

func newMatchParser() *matchParser { return &matchParser{} }

// sharedNames: names that mean a field only together with the protocol of the match. The row of the first protocol that fits counts.
var sharedNames = map[Field][]struct {
	eth, proto uint64
	field      Field
}{
	TCPSrc: {
		{EtherTypeIPv4, ProtoUDP, UDPSrc}, {EtherTypeIPv6, ProtoUDP, UDPSrc},
		{EtherTypeIPv4, ProtoSCTP, SCTPSrc}, {EtherTypeIPv6, ProtoSCTP, SCTPSrc},
		{EtherTypeIPv4, ProtoICMP, ICMPType}, {EtherTypeIPv6, ProtoICMPv6, ICMPv6Type},
	},
	TCPDst: {
		{EtherTypeIPv4, ProtoUDP, UDPDst}, {EtherTypeIPv6, ProtoUDP, UDPDst},
		{EtherTypeIPv4, ProtoSCTP, SCTPDst}, {EtherTypeIPv6, ProtoSCTP, SCTPDst},
		{EtherTypeIPv4, ProtoICMP, ICMPCode}, {EtherTypeIPv6, ProtoICMPv6, ICMPv6Code},
	},
	ICMPType: {{EtherTypeIPv6, ProtoICMPv6, ICMPv6Type}},
	ICMPCode: {{EtherTypeIPv6, ProtoICMPv6, ICMPv6Code}},
	IPv4Src:  {{EtherTypeARP, 0, ARPSPA}, {EtherTypeRARP, 0, ARPSPA}},
	IPv4Dst:  {{EtherTypeARP, 0, ARPTPA}, {EtherTypeRARP, 0, ARPTPA}},
	IPProto:  {{EtherTypeARP, 0, ARPOp}, {EtherTypeRARP, 0, ARPOp}},
}

// sharedAliases: under which of those names the conditions come.
var sharedAliases = map[string]Field{
	"tp_src": TCPSrc, "tp_dst": TCPDst, "icmp_type": ICMPType, "icmp_code": ICMPCode,
	"nw_src": IPv4Src, "nw_dst": IPv4Dst, "nw_proto": IPProto,
}

// item takes one item; known is false when it is not about the match.
func (p *matchParser) item(key, value string) (known bool, err error) {
	for _, k := range keywords {
		if k.name == key && value == "" {
			p.set.put(Exact(EthType, k.eth))
			if k.proto != 0 {
				p.set.put(Exact(IPProto, k.proto))
			}
			return true, nil
		}
	}
	switch key {
	case "oxm":
		raw, err := hex.DecodeString(value)
		if err != nil {
			return true, fmt.Errorf("oxm:%s: %w", value, err)
		}
		p.raw += string(raw)
		return true, nil
	case "dl_vlan", "dl_vlan_pcp", "vlan_tci", "vlan_vid", "vlan_pcp":
		return true, p.vlan(key, value)
	case "nw_tos":
		v, err := parseUint(value, 8)
		if err != nil || v&3 != 0 {
			return true, fmt.Errorf("nw_tos=%s: not a multiple of 4 below 256", value)
		}
		p.set.put(Exact(IPDSCP, v>>2))
		return true, nil
	}
	if f, ok := sharedAliases[key]; ok {
		return true, p.shared(f, value)
	}
	if strings.HasSuffix(key, "]") {
		return true, p.subfield(key, value)
	}
	f := fieldNamed(key)
	if f == 0 {
		return false, nil
	}
	m, err := f.parseValue(value)
	if err == nil {
		p.set.put(m)
	}
	return true, err
}

func (p *matchParser) shared(f Field, value string) error {
	m, err := f.parseValue(value)
	p.later = append(p.later, m)
	return err
}

// subfield reads FIELD[first..last]=value, which adds to what is said about the rest of the field.
func (p *matchParser) subfield(key, value string) error {
	s, err := parseSubfield(key)
	if err != nil {
		return err
	}
	v, err := parseBits(value, int(s.N))
	if err != nil {
		return fmt.Errorf("%s=%s: %w", key, value, err)
	}
	m := MatchField{s.Field, v.shiftLeft(int(s.Ofs)), lowBits(int(s.N)).shiftLeft(int(s.Ofs))}
	if i, ok := p.set.find(s.Field); ok {
		old := p.set.all()[i]
		m.Value = m.Value.Or(old.Value.AndNot(m.Mask))
		m.Mask = m.Mask.Or(old.Mask)
	}
	if !fieldTable[s.Field].Maskable && m.Mask != s.Field.mask() {
		return fmt.Errorf("%s=%s: field has no mask", key, value)
	}
	p.set.put(m)
	return nil
}

// vlan turns the five ways to speak of a tag into VLANVID and VLANPCP: tci is priority 3 bits, present 1, number 12.
func (p *matchParser) vlan(key, value string) error {
	text, maskText, masked := strings.Cut(value, "/")
	v, err := parseUint(text, 16)
	mask := uint64(0xffff)
	if err == nil && masked {
		mask, err = parseUint(maskText, 16)
	}
	if err != nil {
		return fmt.Errorf("%s=%s: %w", key, value, err)
	}
	limit := uint64(0xffff)
	switch key {
	case "dl_vlan":
		if v != 0xffff { // which is "no tag"
			v, limit, mask = v|VLANPresent, 0x1fff, 0x1fff
			if v > limit || text == "" {
				return fmt.Errorf("dl_vlan=%s: more than 12 bits", value)
			}
		} else {
			v, mask = 0, 0xffff
		}
	case "vlan_vid":
		limit, mask = 0x1fff, mask&0x1fff
	case "dl_vlan_pcp", "vlan_pcp":
		if v > 7 {
			return fmt.Errorf("%s=%s: more than 3 bits", key, value)
		}
		v, mask = v<<13|VLANPresent, 0xe000|VLANPresent
	}
	if v > limit || masked && key != "vlan_tci" && key != "vlan_vid" {
		return fmt.Errorf("%s=%s: out of range", key, value)
	}
	p.tci.Value = p.tci.Value.AndNot(BitsUint64(mask)).Or(BitsUint64(v & mask))
	p.tci.Mask = p.tci.Mask.Or(BitsUint64(mask))
	return nil
}

// match ends the parsing.
func (p *matchParser) match() (Match, error) {
	if err := p.finishVLAN(); err != nil {
		return Match{}, fmt.Errorf("parse match: %w", err)
	}
	for _, m := range p.later {
		p.set.put(p.resolve(m))
	}
	known := p.set.match("")
	if p.raw != "" {
		m, err := DecodeMatch([]byte(known.oxm + p.raw))
		if err != nil {
			return Match{}, fmt.Errorf("parse match: %w", err)
		}
		return m, m.Check()
	}
	return known, known.Check()
}

// finishVLAN writes tag and priority. As Open vSwitch does, it forgets the priority of a packet without tag.
func (p *matchParser) finishVLAN() error {
	v, m := p.tci.Value.Uint64(), p.tci.Mask.Uint64()
	if m == 0 {
		return nil
	}
	p.set.put(Masked(VLANVID, v&0x1fff, m&0x1fff))
	pcp := m >> 13
	switch {
	case pcp == 0 || v&0x1fff == 0:
		return nil
	case pcp != 7:
		return fmt.Errorf("vlan_tci=%#x/%#x: a mask on part of the priority has no form in OpenFlow 1.5", v, m)
	}
	p.set.put(Exact(VLANPCP, v>>13))
	return nil
}

// resolve gives a condition under a shared name the field that the protocol makes of it.
func (p *matchParser) resolve(m MatchField) MatchField {
	for _, row := range sharedNames[m.Field] {
		if p.says(EthType, row.eth) && (row.proto == 0 || p.says(IPProto, row.proto) || p.saysLater(IPProto, row.proto)) {
			m.Field = row.field
			break
		}
	}
	return m
}

func (p *matchParser) says(f Field, v uint64) bool {
	i, ok := p.set.find(f)
	return ok && p.set.all()[i].Value == BitsUint64(v)
}

func (p *matchParser) saysLater(f Field, v uint64) bool {
	for _, m := range p.later {
		if m.Field == f && m.Value == BitsUint64(v) {
			return true
		}
	}
	return false
}
