package members

import (
	"net/netip"
	"unique"

	"conjunct/policy"
)

// change gives an entry of the domain other own sets, carries what follows to the entries inside it, and answers with a
// Delta for each of them. The entry is in the table, before and after.
func (dom *domain) change(number policy.Number, e *entry, own policy.NumberSet) []Delta {
	delta := Delta{
		Domain: number, Prefix: e.prefix,
		OwnBefore: e.own.Value(), OwnAfter: own,
		EffectiveBefore: e.effective.Value(),
	}
	above := dom.above(e.prefix)
	inherited := join(above, unique.Make(own)) // what the entries inside get from here on
	e.own, e.effective = unique.Make(own), inherited
	if own == "" {
		e.effective = nothing
	}
	delta.EffectiveAfter = e.effective.Value()
	deltas := []Delta{delta}
	if e.prefix.IsSingleIP() {
		return deltas
	}
	return dom.inherit(number, e.prefix, inherited, deltas)
}

// above is the effective set of the closest entry that covers p, p itself excepted.
func (dom *domain) above(p netip.Prefix) set {
	for q, e := range dom.table.Supernets(p) {
		if q != p {
			return e.effective
		}
	}
	return nothing
}

// inherit recomputes the effective sets inside p, which passes the inherited set on, and appends a Delta for each that
// changed. Subnets come in address order, covering before covered, so that the closest covering entry is always the last one
// on the stack that still covers:
//
//	10.0.0.0/8      stack: /8
//	10.1.0.0/16     stack: /8 /16
//	10.1.0.9/32     stack: /8 /16 /32
//	10.2.0.0/16     stack: /8 /16
func (dom *domain) inherit(number policy.Number, p netip.Prefix, inherited set, deltas []Delta) []Delta {
	type covering struct {
		prefix    netip.Prefix
		effective set
	}
	stack := []covering{{p, inherited}}
	joined := make(joins)
	for q, e := range dom.table.Subnets(p) {
		if q == p {
			continue
		}
		for !stack[len(stack)-1].prefix.Contains(q.Addr()) {
			stack = stack[:len(stack)-1]
		}
		before := e.effective
		e.effective = joined.join(stack[len(stack)-1].effective, e.own)
		if !q.IsSingleIP() {
			stack = append(stack, covering{q, e.effective})
		}
		if e.effective == before {
			continue
		}
		own := e.own.Value()
		deltas = append(deltas, Delta{
			Domain: number, Prefix: q, OwnBefore: own, OwnAfter: own,
			EffectiveBefore: before.Value(), EffectiveAfter: e.effective.Value(),
		})
	}
	return deltas
}

// join is the union of two interned sets.
func join(a, b set) set {
	switch {
	case b == nothing || a == b:
		return a
	case a == nothing:
		return b
	}
	return unique.Make(a.Value().Union(b.Value()))
}

// joins remembers unions: the addresses inside a prefix have few different own sets.
type joins map[[2]set]set

func (j joins) join(a, b set) set {
	key := [2]set{a, b}
	out, ok := j[key]
	if !ok {
		out = join(a, b)
		j[key] = out
	}
	return out
}
