package flows

import (
	"conjunct/openflow"
	"conjunct/policy"
)

// EtherTypes by family.
var etherType = map[int]uint64{4: 0x0800, 6: 0x86dd}

const etherARP = 0x0806

// valid is what every match on the original tuple needs: tracked, and not invalid.
var valid = openflow.Masked(openflow.CTState, openflow.CTTracked, openflow.CTTracked|openflow.CTInvalid)

// state is valid with further bits of ct_state: those set in is, out of those in of.
func state(is, of uint64) openflow.MatchField {
	return openflow.Masked(openflow.CTState, openflow.CTTracked|is, openflow.CTTracked|openflow.CTInvalid|of)
}

func family(f int) openflow.MatchField { return openflow.Exact(openflow.EthType, etherType[f]) }

var anyFragment = openflow.Masked(openflow.IPFrag, openflow.FragAny, openflow.FragAny)

var later = openflow.Masked(openflow.IPFrag, openflow.FragAny|openflow.FragLater, openflow.FragAny|openflow.FragLater)

// answers is the ICMP type that answers another (RFC 792, RFC 4443): the reply of a connection that begins with the type.
var answers = map[uint8]map[int]int{
	policy.ProtoICMP:   {8: 0, 13: 14, 15: 16, 17: 18},
	policy.ProtoICMPv6: {128: 129},
}

// serviceMatches are the components of the rule's service dimension; none when the rule takes every service and family. A
// dimension of remote prefixes says the family already.
//
// Ports stand in the original tuple, with two exceptions: the userspace datapath tracks SCTP without ports, and the ICMP type
// is in no tuple. Those look at the packet: one component for -rpl, one for +rpl with what answers, one for ICMP errors.
// Later fragments carry no ports in the userspace datapath: they pass when the peers and the protocol are allowed.
func (r *Rule) serviceMatches() []openflow.Match {
	if r.allServices() {
		return nil
	}
	var out []openflow.Match
	for _, f := range []int{4, 6} {
		if !r.speaks(f) {
			continue
		}
		number, one := r.Protocol.NumberIn(f)
		switch {
		case r.Protocol == policy.All:
			out = append(out, openflow.NewMatch(family(f)))
		case !one:
			// The protocol has no meaning in this family.
		case r.Ports != nil && number == policy.ProtoSCTP:
			out = append(out, sctpMatches(f, *r.Ports)...)
			out = append(out, r.withoutPorts(laterFragments(f, number), related(f, number))...)
		case r.Ports != nil:
			for _, b := range r.Ports.blocks() {
				out = append(out, openflow.NewMatch(valid, family(f), openflow.Exact(openflow.CTNwProto, uint64(number)),
					openflow.Masked(openflow.CTTpDst, uint64(b.Value), uint64(b.Mask))))
			}
			out = append(out, r.withoutPorts(laterFragments(f, number))...)
		case r.Type >= 0:
			out = append(out, icmpMatches(f, number, r.Type, r.Code)...)
			out = append(out, r.withoutPorts(laterFragments(f, number), related(f, number))...)
		default:
			out = append(out, openflow.NewMatch(valid, family(f), openflow.Exact(openflow.CTNwProto, uint64(number))))
		}
	}
	return out
}

// allServices reports whether the rule needs no service dimension.
func (r *Rule) allServices() bool {
	return r.Protocol == policy.All && ((r.V4 && r.V6) || r.Remote.saysFamily())
}

func (r Remote) saysFamily() bool {
	return r.Kind == policy.RemoteCIDRs || r.Kind == policy.RemoteSubnet || r.Kind == policy.RemoteOwn
}

// withoutPorts are the components for packets that don't show what the rule asks for. They pass where the rule would let something
// pass between the peers; a rule that drops something does not drop them, for they may belong to something else. (The
// packet that does show it is dropped, and a fragment is nothing without its first.)
func (r *Rule) withoutPorts(matches ...openflow.Match) []openflow.Match {
	if r.Drop {
		return nil
	}
	return matches
}

func laterFragments(f int, number uint8) openflow.Match {
	return openflow.NewMatch(valid, family(f), later, openflow.Exact(openflow.CTNwProto, uint64(number)))
}

// related are the ICMP errors about connections of the protocol.
func related(f int, number uint8) openflow.Match {
	return openflow.NewMatch(state(openflow.CTRelated, openflow.CTRelated), family(f), openflow.Exact(openflow.CTNwProto, uint64(number)))
}

func sctpMatches(f int, ports PortRange) []openflow.Match {
	var out []openflow.Match
	proto := openflow.Exact(openflow.IPProto, uint64(policy.ProtoSCTP))
	for _, b := range ports.blocks() {
		out = append(out,
			openflow.NewMatch(state(0, openflow.CTReply), family(f), proto, openflow.Masked(openflow.SCTPDst, uint64(b.Value), uint64(b.Mask))),
			openflow.NewMatch(state(openflow.CTReply, openflow.CTReply), family(f), proto, openflow.Masked(openflow.SCTPSrc, uint64(b.Value), uint64(b.Mask))))
	}
	return out
}

// icmpMatches are the components for the query and for its answer. Both have one code: connection tracking takes an answer with another
// for no answer (extract_l4_icmp of Open vSwitch's lib/conntrack.c, invert_tuple of Linux' nf_conntrack_proto_icmp.c).
func icmpMatches(f int, number uint8, kind, code int) []openflow.Match {
	typeField, codeField := openflow.ICMPType, openflow.ICMPCode
	if f == 6 {
		typeField, codeField = openflow.ICMPv6Type, openflow.ICMPv6Code
	}
	match := func(state openflow.MatchField, kind int) openflow.Match {
		m := openflow.NewMatch(state, family(f), openflow.Exact(openflow.IPProto, uint64(number)), openflow.Exact(typeField, uint64(kind)))
		if code >= 0 {
			m = m.With(openflow.Exact(codeField, uint64(code)))
		}
		return m
	}
	out := []openflow.Match{match(state(0, openflow.CTReply|openflow.CTRelated), kind)}
	if answer, ok := answers[number][kind]; ok {
		out = append(out, match(state(openflow.CTReply, openflow.CTReply|openflow.CTRelated), answer))
	}
	return out
}
