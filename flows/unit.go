package flows

import (
	"net/netip"

	"conjunct/openflow"
	"conjunct/policy"
)

// unit names a small set of flows that one thing stands behind. No two units share a flow key.
type unit struct {
	kind   unitKind
	number policy.Number // of the port (ofport), segment or rule; the domain of an address
	mac    policy.MAC    // with the segment's number
	class  LocalClass
	dir    policy.Direction
	sets   bool // an address in the plane of IP sets
	place  place
	match  openflow.Match
	prefix netip.Prefix
}

type unitKind uint8

const (
	unitPipeline  unitKind = iota + 1
	unitPort               // classification, anti-spoofing, reception and output of a local port
	unitPortClass          // the class of its groups, which is all that changes with them
	unitSegment            // the fabric's side of a segment, and its floods
	unitMAC                // delivery to a MAC of a segment
	unitClass              // what the profile opens and the guard refuses for a class of local ports
	unitRule               // a rule's conj_id flow
	unitComponent          // a flow that carries conjunctions
	unitPlain              // a flow of rules whose only dimension is the local class
	unitAddress            // an address or prefix and its class
)

// flowsOf computes a unit's flows from the present state: none when what stands behind it is gone.
func (h *Host) flowsOf(u unit) []openflow.Flow {
	switch u.kind {
	case unitPipeline:
		return pipeline()
	case unitPort:
		if p, ok := h.ports[uint16(u.number)]; ok {
			return h.uncut(p.flows(), p.Class)
		}
	case unitPortClass:
		if p, ok := h.ports[uint16(u.number)]; ok {
			return h.uncut(p.classFlows(h.local.number(p.Class)), p.Class)
		}
	case unitSegment:
		return h.uncut(h.segmentFlows(u.number), LocalClass{})
	case unitMAC:
		return h.deliveryFlows(u.number, u.mac)
	case unitClass:
		return h.classFlows(u.class)
	case unitRule:
		return h.ruleFlows(u.number)
	case unitComponent:
		return h.componentFlows(u.place, u.match)
	case unitPlain:
		return h.plainFlows(u.place, u.match)
	case unitAddress:
		p := h.plane(u.dir, u.sets)
		return p.addressFlows(u.number, u.prefix, p.class(u.number, p.dir.Own(u.number, u.prefix), p.dir.Effective(u.number, u.prefix)))
	}
	return nil
}

// units iterates every unit that has flows.
func (h *Host) units(yield func(unit) bool) {
	ok := yield(unit{kind: unitPipeline})
	segments := make(map[policy.Number]bool)
	macs := make(map[unit]bool)
	for _, p := range h.ports {
		ok = ok && yield(portUnit(p)) && yield(portClassUnit(p))
		segments[p.Segment.Number] = true
		for _, u := range p.macUnits() {
			macs[u] = true
		}
	}
	for n := range segments {
		ok = ok && yield(unit{kind: unitSegment, number: n})
	}
	for u := range macs {
		ok = ok && yield(u)
	}
	for c := range h.local.uses {
		ok = ok && yield(unit{kind: unitClass, class: c})
	}
	for n := range h.rules {
		ok = ok && yield(unit{kind: unitRule, number: n})
	}
	for p, lists := range h.components {
		for m := range lists {
			ok = ok && yield(componentUnit(p, m))
		}
	}
	for p, lists := range h.plain {
		for m := range lists {
			ok = ok && yield(plainUnit(p, m))
		}
	}
	for _, p := range h.planes {
		ok = ok && p.units(yield)
	}
}

func portUnit(p *Port) unit { return unit{kind: unitPort, number: policy.Number(p.OFPort)} }

func portClassUnit(p *Port) unit {
	return unit{kind: unitPortClass, number: policy.Number(p.OFPort)}
}

func componentUnit(p place, m openflow.Match) unit {
	return unit{kind: unitComponent, place: p, match: m}
}

func plainUnit(p place, m openflow.Match) unit {
	return unit{kind: unitPlain, place: p, match: m}
}

// macUnits are the units of the MACs under which the port is reached.
func (p *Port) macUnits() []unit {
	out := []unit{{kind: unitMAC, number: p.Segment.Number, mac: p.MAC}}
	for _, pair := range p.Pairs {
		if pair.MAC != p.MAC {
			out = append(out, unit{kind: unitMAC, number: p.Segment.Number, mac: pair.MAC})
		}
	}
	return out
}
