package flows

import (
	"net/netip"
	"slices"

	"conjunct/openflow"
	"conjunct/policy"
)

// plane is one of the four class tables of a host: groups or IP sets, egress or ingress. It maps the addresses that rules in
// force refer to onto classes: a class is the set of the referred groups (or IP sets) that an address is in.
//
//	directory           referred {1, 2}      class       flow
//	10.0.0.5  {1, 2, 9} ────────────────────► {1, 2} ──► ct_nw_src=10.0.0.5 actions=set_field:…->reg8
//	10.0.0.6  {9}       ────────────────────► none
type plane struct {
	host   *Host
	side   side
	isSets bool
	dir    Directory
	// referred are the groups, by VPC, that rules in force name; counts says how many rules do, per VPC.
	referred map[policy.Number]policy.NumberSet
	counts   map[reference]int
	// naming are the rules in force that name a group.
	naming  map[policy.Number][]*activeRule
	classes *numbering[policy.NumberSet]
}

type reference struct{ domain, number policy.Number }

func newPlane(h *Host, s side, sets bool, dir Directory) *plane {
	return &plane{
		host: h, side: s, isSets: sets, dir: dir,
		referred: map[policy.Number]policy.NumberSet{}, counts: map[reference]int{},
		naming: map[policy.Number][]*activeRule{}, classes: newNumbering(setName),
	}
}

func (h *Host) plane(d policy.Direction, sets bool) *plane {
	for _, p := range h.planes {
		if p.side.direction == d && p.isSets == sets {
			return p
		}
	}
	return nil
}

// planeOf is the plane that a rule's remote lives in; nil for a remote that is not a group or an IP set.
func (h *Host) planeOf(r *Rule) *plane {
	if r.Remote.Kind != policy.RemoteGroup && r.Remote.Kind != policy.RemoteIPSet {
		return nil
	}
	return h.plane(r.Direction, r.Remote.Kind == policy.RemoteIPSet)
}

// refer counts that the rule is in force for ports of the VPC; unrefer is the opposite.
func (h *Host) refer(r *Rule, vpc policy.Number) {
	if p := h.planeOf(r); p != nil && r.Remote.Number != 0 {
		ref := p.reference(r, vpc)
		p.counts[ref]++
		if p.counts[ref] == 1 {
			p.refer(ref.domain, p.referred[ref.domain].With(ref.number), ref.number)
		}
	}
}

func (h *Host) unrefer(r *Rule, vpc policy.Number) {
	if p := h.planeOf(r); p != nil && r.Remote.Number != 0 {
		ref := p.reference(r, vpc)
		p.counts[ref]--
		if p.counts[ref] == 0 {
			delete(p.counts, ref)
			p.refer(ref.domain, p.referred[ref.domain].Without(ref.number), ref.number)
		}
	}
}

func (p *plane) reference(r *Rule, vpc policy.Number) reference {
	if p.isSets {
		vpc = 0 // A set means the same addresses in every VPC.
	}
	return reference{vpc, r.Remote.Number}
}

// class is the class of a prefix in a domain, "" for one that needs no flow: what covers it says the same.
func (p *plane) class(domain policy.Number, own, effective policy.NumberSet) policy.NumberSet {
	referred := p.referred[domain]
	if own.Intersect(referred) == "" {
		return ""
	}
	return effective.Intersect(referred)
}

// refer makes now the referred groups of the domain; by comes or goes.
func (p *plane) refer(domain policy.Number, now policy.NumberSet, by policy.Number) {
	type move struct{ from, to policy.NumberSet }
	moves := make(map[netip.Prefix]move)
	before := p.referred[domain]
	note := func(prefix netip.Prefix) (covers bool) {
		if _, done := moves[prefix]; !done {
			own, effective := p.dir.Own(domain, prefix), p.dir.Effective(domain, prefix)
			p.referred[domain] = before
			m := move{from: p.class(domain, own, effective)}
			p.referred[domain] = now
			m.to = p.class(domain, own, effective)
			moves[prefix] = m
		}
		return !prefix.IsSingleIP()
	}
	covers := false
	for prefix := range p.dir.Members(domain, by) {
		covers = note(prefix) || covers
	}
	if covers { // What the group's prefixes cover is in it too.
		for n := range before.Union(now).All() {
			for prefix := range p.dir.Members(domain, n) {
				note(prefix)
			}
		}
	}
	p.referred[domain] = before
	for prefix, m := range moves {
		if m.from != m.to {
			p.host.touchAs(p.unit(domain, prefix), p.addressFlows(domain, prefix, m.from))
		}
	}
	p.referred[domain] = now
	if now == "" {
		delete(p.referred, domain)
	}
	for _, m := range moves {
		p.move(m.from, m.to)
	}
}

// changed follows a change of the directory.
func (p *plane) changed(d Delta) {
	domain := d.Domain
	from, to := p.class(domain, d.OwnBefore, d.EffectiveBefore), p.class(domain, d.OwnAfter, d.EffectiveAfter)
	if from == to {
		return
	}
	p.host.touchAs(p.unit(domain, d.Prefix), p.addressFlows(domain, d.Prefix, from))
	p.move(from, to)
}

// move counts that an address has another class.
func (p *plane) move(from, to policy.NumberSet) {
	if from == to {
		return
	}
	if to != "" {
		if first, moved := p.classes.use(to); first {
			p.component(to, (*Host).addClause)
			p.host.renumbered(moved)
		}
	}
	if from != "" {
		if p.classes.uses[from] == 1 {
			p.component(from, (*Host).removeClause)
		}
		_, moved := p.classes.release(from)
		p.host.renumbered(moved)
	}
}

// component adds or removes the clauses of the rules whose remote is in the class.
func (p *plane) component(class policy.NumberSet, do func(*Host, place, openflow.Match, openflow.Conjunction)) {
	m := p.classMatch(class)
	for n := range class.All() {
		for _, a := range p.naming[n] {
			do(p.host, a.place(), m, a.remoteClause())
		}
	}
}

// name notes a rule in force under what it names, in place of the one of its number; unname forgets it.
func (p *plane) name(a *activeRule) {
	p.unname(a)
	p.naming[a.Remote.Number] = append(p.naming[a.Remote.Number], a)
}

func (p *plane) unname(a *activeRule) {
	n := a.Remote.Number
	p.naming[n] = slices.DeleteFunc(p.naming[n], func(b *activeRule) bool { return b.Number == a.Number })
	if len(p.naming[n]) == 0 {
		delete(p.naming, n)
	}
}

func (p *plane) register() openflow.Field {
	if p.isSets {
		return RegSetClass
	}
	return RegGroupClass
}

func (p *plane) classMatch(class policy.NumberSet) openflow.Match {
	return openflow.NewMatch(openflow.Exact(p.register(), uint64(p.classes.number(class))))
}

func (p *plane) unit(domain policy.Number, prefix netip.Prefix) unit {
	return unit{kind: unitAddress, dir: p.side.direction, sets: p.isSets, number: domain, prefix: prefix}
}

// units iterates the addresses that have a class.
func (p *plane) units(yield func(unit) bool) bool {
	for domain, referred := range p.referred {
		for n := range referred.All() {
			for prefix := range p.dir.Members(domain, n) {
				// An address in several referred groups comes up with the first of them only.
				if first(p.dir.Own(domain, prefix).Intersect(referred)) != n {
					continue
				}
				if !yield(p.unit(domain, prefix)) {
					return false
				}
			}
		}
	}
	return true
}

// addressFlows is the flow that gives packets from or to the prefix their class.
func (p *plane) addressFlows(domain policy.Number, prefix netip.Prefix, class policy.NumberSet) []openflow.Flow {
	if class == "" {
		return nil
	}
	table, cookie := p.side.groups, Cookie(CookieMember, domain)
	if p.isSets {
		table, cookie = p.side.sets, Cookie(CookieEntry, 0)
	}
	var within []openflow.MatchField
	if !p.isSets {
		within = []openflow.MatchField{openflow.Exact(RegVPC, uint64(domain))}
	}
	return []openflow.Flow{{
		Table: table, Priority: priorityPrefix + uint16(prefix.Bits()), Cookie: cookie, Match: p.side.remoteMatch(prefix, within...),
		Actions: []openflow.Action{openflow.Set(p.register(), uint64(p.classes.number(class)))},
	}}
}

// remoteMatch matches connections whose remote lies in the prefix, localMatch those whose local end does.
func (s side) remoteMatch(prefix netip.Prefix, more ...openflow.MatchField) openflow.Match {
	return tupleMatch(s.remote, prefix, more)
}

func (s side) localMatch(prefix netip.Prefix, more ...openflow.MatchField) openflow.Match {
	return tupleMatch(s.local, prefix, more)
}

func tupleMatch(fields map[int]openflow.Field, prefix netip.Prefix, more []openflow.MatchField) openflow.Match {
	f := policy.Version(prefix.Addr())
	all := append(make([]openflow.MatchField, 0, 4), valid, family(f))
	if prefix.Bits() > 0 {
		all = append(all, openflow.Prefix(fields[f], prefix))
	}
	return openflow.NewMatch(append(all, more...)...)
}

func first(s policy.NumberSet) policy.Number {
	for n := range s.All() {
		return n
	}
	return 0
}
