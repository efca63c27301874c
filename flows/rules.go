package flows

import (
	"cmp"
	"fmt"
	"slices"

	"conjunct/openflow"
	"conjunct/policy"
)

// maxConjunctions is how many conjunction actions one flow carries: 16 bytes each in a message of 64 KiB, with room for
// the rest. (The switch refuses a bundled flow of more than about 4,085.)
const maxConjunctions = 4000

// activeRule is a rule in force on the host, with its dimensions.
type activeRule struct {
	*Rule
	group policy.Number
	// n is the number of dimensions; remote and service are the clauses (from 0) of theirs, -1 where there is none. The local
	// dimension is clause 0.
	n               uint8
	remote, service int
}

func newActiveRule(r *Rule, group policy.Number) *activeRule {
	a := &activeRule{Rule: r, group: group, n: 1, remote: -1, service: -1}
	if r.Remote.Kind != policy.RemoteAny {
		a.remote = int(a.n)
		a.n++
	}
	if !r.allServices() {
		a.service = int(a.n)
		a.n++
	}
	return a
}

func (a *activeRule) clause(k int) openflow.Conjunction {
	return openflow.Conjunction{ID: uint32(a.Number), Clause: uint8(k), N: a.n}
}

func (a *activeRule) remoteClause() openflow.Conjunction { return a.clause(a.remote) }

// activate puts a rule of the group in force: for the local and the remote classes in use, and those that come later.
func (h *Host) activate(r *Rule, group policy.Number) {
	a := newActiveRule(r, group)
	h.touch(unit{kind: unitRule, number: r.Number})
	h.rules[r.Number] = a
	if p := h.planeOf(r); p != nil {
		p.name(a)
	}
	h.eachLocal(a, func(m openflow.Match) { h.addLocalMatch(a, m) })
	h.eachComponent(a, func(m openflow.Match, clause int) { h.addClause(a.place(), m, a.clause(clause)) })
}

// deactivate takes the rule out of force.
func (h *Host) deactivate(n policy.Number) {
	a := h.rules[n]
	h.touch(unit{kind: unitRule, number: n})
	h.eachLocal(a, func(m openflow.Match) { h.removeLocalMatch(a, m) })
	h.eachComponent(a, func(m openflow.Match, clause int) { h.removeClause(a.place(), m, a.clause(clause)) })
	delete(h.rules, n)
	if p := h.planeOf(a.Rule); p != nil {
		p.unname(a)
	}
}

// eachComponent visits the components of the rule's remote and service dimensions.
func (h *Host) eachComponent(a *activeRule, visit func(m openflow.Match, clause int)) {
	if a.remote >= 0 {
		for _, m := range h.remoteMatches(a) {
			visit(m, a.remote)
		}
	}
	if a.service >= 0 {
		for _, m := range a.serviceMatches() {
			visit(m, a.service)
		}
	}
}

func (h *Host) remoteMatches(a *activeRule) (out []openflow.Match) {
	r := a.Rule
	if r.Remote.Kind == policy.RemoteOwn {
		for o := range h.groups[a.group].subnets {
			if r.speaks(policy.Version(o.prefix.Addr())) {
				out = append(out, o.remoteMatch(sides[r.Direction]))
			}
		}
		return out
	}
	if p := h.planeOf(r); p != nil {
		for class := range p.classes.uses {
			if class.Contains(r.Remote.Number) {
				out = append(out, p.classMatch(class))
			}
		}
		return out
	}
	for _, prefix := range r.Remote.Prefixes {
		if !r.speaks(policy.Version(prefix.Addr())) {
			continue
		}
		m := sides[r.Direction].remoteMatch(prefix)
		if r.Remote.VPC != 0 {
			m = m.With(openflow.Exact(RegVPC, uint64(r.Remote.VPC)))
		}
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// eachLocal visits the components of the rule's local dimension: the local classes that have its group, or, in an ordered group,
// the group's turn, which only those classes give it.
func (h *Host) eachLocal(a *activeRule, visit func(openflow.Match)) {
	if a.Run > 0 {
		visit(a.localMatch(openflow.Exact(RegPass, uint64(a.group))))
		return
	}
	for c := range h.local.uses {
		if c.Groups.Contains(a.group) {
			visit(h.classMatch(a, c))
		}
	}
}

// classMatch is the component of the local dimension for ports of the class.
func (h *Host) classMatch(a *activeRule, c LocalClass) openflow.Match {
	return a.localMatch(openflow.Exact(RegLocalClass, uint64(h.local.number(c))))
}

func (a *activeRule) localMatch(register openflow.MatchField) openflow.Match {
	if a.Local.IsValid() {
		return sides[a.Direction].localMatch(a.Local, register)
	}
	return openflow.NewMatch(register)
}

// addLocal brings a rule that is in force to a class that appears, removeLocal takes it from one that disappears.
func (h *Host) addLocal(a *activeRule, c LocalClass) {
	if a.Run == 0 {
		h.addLocalMatch(a, h.classMatch(a, c))
	}
}

func (h *Host) removeLocal(a *activeRule, c LocalClass) {
	if a.Run == 0 {
		h.removeLocalMatch(a, h.classMatch(a, c))
	}
}

func (h *Host) addLocalMatch(a *activeRule, m openflow.Match) {
	if a.n > 1 {
		h.addClause(a.place(), m, a.clause(0))
		return
	}
	h.touch(plainUnit(a.place(), m))
	list := h.plain[a.place()][m]
	if i, found := slices.BinarySearch(list, a.Number); !found {
		put(h.plain, a.place(), m, slices.Insert(slices.Clone(list), i, a.Number))
	}
}

func (h *Host) removeLocalMatch(a *activeRule, m openflow.Match) {
	if a.n > 1 {
		h.removeClause(a.place(), m, a.clause(0))
		return
	}
	h.touch(plainUnit(a.place(), m))
	list := h.plain[a.place()][m]
	if i, found := slices.BinarySearch(list, a.Number); found {
		list = slices.Delete(slices.Clone(list), i, i+1)
	}
	put(h.plain, a.place(), m, list)
}

// put keeps a list under its match; an empty one is not kept.
func put[T any](lists map[place]map[openflow.Match][]T, p place, m openflow.Match, list []T) {
	if len(list) == 0 {
		delete(lists[p], m)
		return
	}
	if lists[p] == nil {
		lists[p] = make(map[openflow.Match][]T)
	}
	lists[p][m] = list
}

func byID(a, b openflow.Conjunction) int { return cmp.Compare(a.ID, b.ID) }

// addClause puts a conjunction action on the flow of the match. A rule has at most one on a flow.
func (h *Host) addClause(p place, m openflow.Match, c openflow.Conjunction) {
	h.touch(componentUnit(p, m))
	list := h.components[p][m]
	if i, found := slices.BinarySearchFunc(list, c, byID); !found {
		put(h.components, p, m, slices.Insert(list, i, c))
	}
}

func (h *Host) removeClause(p place, m openflow.Match, c openflow.Conjunction) {
	h.touch(componentUnit(p, m))
	list := h.components[p][m]
	if i, found := slices.BinarySearchFunc(list, c, byID); found {
		list = slices.Delete(list, i, i+1)
	}
	put(h.components, p, m, list)
}

// ruleFlows is the conj_id flow of a rule with more than one dimension.
func (h *Host) ruleFlows(n policy.Number) []openflow.Flow {
	a := h.rules[n]
	if a == nil || a.n == 1 {
		return nil
	}
	return []openflow.Flow{{
		Table: a.place().table(), Priority: a.place().conjunctions(), Cookie: Cookie(CookieRule, n), Flags: tellsCounts,
		Match:   openflow.NewMatch(openflow.Exact(openflow.ConjID, uint64(n))),
		Actions: []openflow.Action{a.verdict()},
	}}
}

func (h *Host) componentFlows(p place, m openflow.Match) []openflow.Flow {
	list := h.components[p][m]
	if len(list) == 0 {
		return nil
	}
	list, _ = h.fit(list)
	actions := make([]openflow.Action, len(list))
	for i, c := range list {
		actions[i] = c
	}
	return []openflow.Flow{{
		Table: p.table(), Priority: p.conjunctions(), Cookie: Cookie(CookieComponent, 0), Match: m, Actions: actions,
	}}
}

// fit returns the conjunctions that one flow carries of a list, and those that it does not: rules that drop come first, so that what is
// lost is what would be allowed.
func (h *Host) fit(list []openflow.Conjunction) (carried, lost []openflow.Conjunction) {
	if len(list) <= maxConjunctions {
		return list, nil
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b openflow.Conjunction) int {
		drops := func(c openflow.Conjunction) int {
			if a := h.rules[policy.Number(c.ID)]; a != nil && a.Drop {
				return 0
			}
			return 1
		}
		return drops(a) - drops(b)
	})
	carried, lost = list[:maxConjunctions], list[maxConjunctions:]
	slices.SortFunc(carried, byID)
	return carried, lost
}

// plainFlows is the flow of rules for everything that a local class (or an ordered group's turn) does; it carries the cookie of
// the lowest of them.
func (h *Host) plainFlows(p place, m openflow.Match) []openflow.Flow {
	list := h.plain[p][m]
	if len(list) == 0 {
		return nil
	}
	return []openflow.Flow{{
		Table: p.table(), Priority: p.plains(), Cookie: Cookie(CookieRule, list[0]), Flags: tellsCounts, Match: m,
		Actions: []openflow.Action{h.rules[list[0]].verdict()},
	}}
}

// Problems lists rules that the switch can't hold as they are wanted; what they would allow is refused.
func (h *Host) Problems() []string {
	var out []string
	for p, lists := range h.components {
		for m, list := range lists {
			if _, lost := h.fit(list); len(lost) > 0 {
				out = append(out, fmt.Sprintf("%d %s rules share %q, a flow carries %d; rules %d to %d are without effect there: split the group or the ports' groups",
					len(list), p.dir, m, maxConjunctions, lost[0].ID, lost[len(lost)-1].ID))
			}
		}
	}
	slices.Sort(out)
	return out
}
