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
	for c := range h.local.uses {
		if c.Groups.Contains(group) {
			h.addLocal(a, c)
		}
	}
	h.eachComponent(a, func(m openflow.Match, clause int) { h.addClause(a.Direction, m, a.clause(clause)) })
}

// deactivate takes the rule out of force.
func (h *Host) deactivate(n policy.Number) {
	a := h.rules[n]
	h.touch(unit{kind: unitRule, number: n})
	for c := range h.local.uses {
		if c.Groups.Contains(a.group) {
			h.removeLocal(a, c)
		}
	}
	h.eachComponent(a, func(m openflow.Match, clause int) { h.removeClause(a.Direction, m, a.clause(clause)) })
	delete(h.rules, n)
}

// eachComponent visits the components of the rule's remote and service dimensions.
func (h *Host) eachComponent(a *activeRule, visit func(m openflow.Match, clause int)) {
	if a.remote >= 0 {
		for _, m := range h.remoteMatches(a.Rule) {
			visit(m, a.remote)
		}
	}
	if a.service >= 0 {
		for _, m := range a.serviceMatches() {
			visit(m, a.service)
		}
	}
}

func (h *Host) remoteMatches(r *Rule) (out []openflow.Match) {
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

// localMatch is the component of the local dimension for ports of the class.
func (h *Host) localMatch(a *activeRule, c LocalClass) openflow.Match {
	class := openflow.Exact(RegLocalClass, uint64(h.local.number(c)))
	if a.Local.IsValid() {
		return sides[a.Direction].localMatch(a.Local).With(class)
	}
	return openflow.NewMatch(class)
}

func (h *Host) addLocal(a *activeRule, c LocalClass) {
	if a.n > 1 {
		h.addClause(a.Direction, h.localMatch(a, c), a.clause(0))
		return
	}
	m := h.localMatch(a, c)
	h.touch(plainUnit(a.Direction, m))
	list := h.plain[a.Direction][m]
	if i, found := slices.BinarySearch(list, a.Number); !found {
		h.plain[a.Direction][m] = slices.Insert(slices.Clone(list), i, a.Number)
	}
}

func (h *Host) removeLocal(a *activeRule, c LocalClass) {
	if a.n > 1 {
		h.removeClause(a.Direction, h.localMatch(a, c), a.clause(0))
		return
	}
	m := h.localMatch(a, c)
	h.touch(plainUnit(a.Direction, m))
	list := h.plain[a.Direction][m]
	if i, found := slices.BinarySearch(list, a.Number); found {
		list = slices.Delete(slices.Clone(list), i, i+1)
	}
	h.plain[a.Direction][m] = list
	if len(list) == 0 {
		delete(h.plain[a.Direction], m)
	}
}

func byID(a, b openflow.Conjunction) int { return cmp.Compare(a.ID, b.ID) }

// addClause puts a conjunction action on the flow of the match. A rule has at most one on a flow.
func (h *Host) addClause(d policy.Direction, m openflow.Match, c openflow.Conjunction) {
	h.touch(componentUnit(d, m))
	list := h.components[d][m]
	if i, found := slices.BinarySearchFunc(list, c, byID); !found {
		h.components[d][m] = slices.Insert(list, i, c)
	}
}

func (h *Host) removeClause(d policy.Direction, m openflow.Match, c openflow.Conjunction) {
	h.touch(componentUnit(d, m))
	list := h.components[d][m]
	if i, found := slices.BinarySearchFunc(list, c, byID); found {
		list = slices.Delete(list, i, i+1)
	}
	h.components[d][m] = list
	if len(list) == 0 {
		delete(h.components[d], m)
	}
}

// ruleFlows is the conj_id flow of a rule with more than one dimension.
func (h *Host) ruleFlows(n policy.Number) []openflow.Flow {
	a := h.rules[n]
	if a == nil || a.n == 1 {
		return nil
	}
	return []openflow.Flow{{
		Table: sides[a.Direction].rules, Priority: PriorityConjunction, Cookie: Cookie(CookieRule, n),
		Match:   openflow.NewMatch(openflow.Exact(openflow.ConjID, uint64(n))),
		Actions: []openflow.Action{setVerdict(VerdictUnionAllow)},
	}}
}

func (h *Host) componentFlows(d policy.Direction, m openflow.Match) []openflow.Flow {
	list := h.components[d][m]
	if len(list) == 0 {
		return nil
	}
	list = list[:min(len(list), maxConjunctions)]
	actions := make([]openflow.Action, len(list))
	for i, c := range list {
		actions[i] = c
	}
	return []openflow.Flow{{
		Table: sides[d].rules, Priority: PriorityConjunction, Cookie: Cookie(CookieComponent, 0), Match: m, Actions: actions,
	}}
}

// plainFlows is the flow of rules that allow everything to a local class; it carries the cookie of the lowest of them.
func (h *Host) plainFlows(d policy.Direction, m openflow.Match) []openflow.Flow {
	list := h.plain[d][m]
	if len(list) == 0 {
		return nil
	}
	return []openflow.Flow{{
		Table: sides[d].rules, Priority: PriorityPlain, Cookie: Cookie(CookieRule, list[0]), Match: m,
		Actions: []openflow.Action{setVerdict(VerdictUnionAllow)},
	}}
}

// classFlows is what holds for a class of local ports without any rule: the profile's openings and the SMTP guard.
func (h *Host) classFlows(c LocalClass) []openflow.Flow {
	number := h.local.number(c)
	if number == 0 {
		return nil
	}
	class := openflow.Exact(RegLocalClass, uint64(number))
	var out []openflow.Flow
	for _, d := range policy.Directions {
		if c.Open(d) {
			out = append(out, openflow.Flow{
				Table: sides[d].rules, Priority: PriorityOpen, Cookie: Cookie(CookieProfile, 0), Match: openflow.NewMatch(class),
				Actions: []openflow.Action{setVerdict(VerdictUnionAllow)},
			})
		}
	}
	if c.Guard {
		guard := policy.Platform("smtp-guard")
		for _, f := range []int{4, 6} {
			out = append(out, openflow.Flow{
				Table: TableEgressRules, Priority: PriorityGuard, Cookie: Cookie(CookiePlatform, guard.Number),
				Match: openflow.NewMatch(class, valid, family(f), openflow.Exact(openflow.CTNwProto, uint64(guard.Protocol)),
					openflow.Exact(openflow.CTTpDst, uint64(guard.DstPort))),
				Actions: []openflow.Action{setVerdict(VerdictPlatformDrop)},
			})
		}
	}
	return out
}

func setVerdict(bit uint64) openflow.Action { return openflow.SetMasked(RegVerdict, bit, bit) }

// Problems lists rules that the switch can't hold as they are wanted; what they would allow is refused.
func (h *Host) Problems() []string {
	var out []string
	for _, d := range policy.Directions {
		for m, list := range h.components[d] {
			if len(list) > maxConjunctions {
				out = append(out, fmt.Sprintf("%d %s rules share %q, a flow carries %d; rules %d to %d are without effect there: split the group or the ports' groups",
					len(list), d, m, maxConjunctions, list[maxConjunctions].ID, list[len(list)-1].ID))
			}
		}
	}
	slices.Sort(out)
	return out
}
