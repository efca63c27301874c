package flows

import (
	"slices"

	"conjunct/openflow"
	"conjunct/policy"
)

// Cut says which ports a bridge cuts off while its switch refuses flows that take permission away: without those, something could pass that
// the policy refuses. A port that is cut off has no local class, so that no rule allows anything; ARP, ND and DHCP, which no rule is
// about, go on. The zero Cut cuts nothing off.
type Cut struct {
	Bridge  bool             // everybody, and nothing enters the bridge at all: the pipeline is not whole
	Ordered bool             // ports with an ordered group: what its rules drop can't be told by the address
	Groups  policy.NumberSet // ports with one of these ordered groups
	Classes policy.NumberSet // ports of the local classes with these numbers
}

// Union is both. A bridge that is cut off has nothing else to cut off.
func (c Cut) Union(o Cut) Cut {
	if c.Bridge || o.Bridge {
		return Cut{Bridge: true}
	}
	return Cut{false, c.Ordered || o.Ordered, c.Groups.Union(o.Groups), c.Classes.Union(o.Classes)}
}

// covers reports whether ports of the class, which has the number, are cut off.
func (c Cut) covers(class LocalClass, number uint32) bool {
	return c.Bridge || c.Ordered && class.Ordered != "" || class.Groups.Intersect(c.Groups) != "" || c.Classes.Contains(policy.Number(number))
}

// CutWithout is what has to be cut off on a bridge that does without the flow. closes is false for a flow that only ever adds
// permission; one that does not may leave nothing to cut off, when nothing is wanted any more that it belongs to.
//
//	flow                                    without it                              cut off
//	of a union rule, an opening, a port,    less passes                             nothing
//	 a segment, an allowing platform rule,
//	 an ordered rule that allows
//	of an ordered rule that drops           later rules, other groups decide        the group's ports
//	turns, refusing platform rules          the union groups decide                 the class' ports
//	an address' or a prefix' class          a rule that drops does not see it       ports with ordered groups
//	of the pipeline, anti-spoofing drops    anything                                the bridge
func (h *Host) CutWithout(f *openflow.Flow) (c Cut, closes bool) {
	kind, n, _ := ParseCookie(f.Cookie)
	drops := f.Goto == 0 && len(f.Actions) == 0
	switch {
	case kind == CookiePipeline && f.Table != TableEgressTurns && f.Table != TableIngrTurns, kind == CookiePlatform && f.Table == TableAntiSpoof && drops:
		return Cut{Bridge: true}, true
	case kind == CookiePlatform && allows(n):
		return Cut{}, false
	case f.Table == TableEgressTurns || f.Table == TableIngrTurns:
		class, _, _ := f.Match.Get(RegLocalClass)
		return Cut{Classes: policy.NumberSetOf(policy.Number(class.Uint64()))}, true
	case f.Table == TableEgressOrder || f.Table == TableIngrOrder:
		c.Groups, closes = h.droppedBy(f)
		return c, closes
	case kind == CookieMember, kind == CookieEntry:
		return Cut{Ordered: true}, true
	}
	return Cut{}, false
}

// allows reports whether the platform rule of the number allows.
func allows(n policy.Number) bool {
	return slices.ContainsFunc(policy.PlatformRules, func(r policy.PlatformRule) bool { return r.Number == n && r.Action == policy.Allow })
}

// droppedBy are the groups of the rules that drop and have a part in the flow; closes also when one of its rules is not in force any more.
func (h *Host) droppedBy(f *openflow.Flow) (groups policy.NumberSet, closes bool) {
	for _, n := range rulesOf(f) {
		switch a := h.rules[n]; {
		case a == nil:
			closes = true
		case a.Drop:
			groups, closes = groups.With(a.group), true
		}
	}
	return groups, closes
}

// rulesOf are the rules that have a part in the flow.
func rulesOf(f *openflow.Flow) (out []policy.Number) {
	if kind, n, _ := ParseCookie(f.Cookie); kind == CookieRule {
		out = append(out, n)
	}
	for _, a := range f.Actions {
		if c, ok := a.(openflow.Conjunction); ok {
			out = append(out, policy.Number(c.ID))
		}
	}
	return out
}

// CutBy reports whether the port at an ofport is cut off without the flow, and because of which rules of its own groups; none when the
// flow is not a rule's.
func (h *Host) CutBy(f *openflow.Flow, ofport uint16) (rules []policy.Number, is bool) {
	p := h.ports[ofport]
	if c, _ := h.CutWithout(f); p == nil || !c.covers(p.Class, h.local.number(p.Class)) {
		return nil, false
	}
	for _, n := range rulesOf(f) {
		if a := h.rules[n]; a != nil && a.Drop && p.Class.Groups.Contains(a.group) {
			rules = append(rules, n)
		}
	}
	return rules, true
}

// SetCut makes the cut the one in force. It reports whether that makes any difference to a port.
func (h *Host) SetCut(c Cut) (differs bool) {
	for _, p := range h.ports {
		if n := h.local.number(p.Class); h.cut.covers(p.Class, n) != c.covers(p.Class, n) || h.cut.Bridge != c.Bridge {
			h.touchPort(p)
			differs = true
		}
	}
	h.cut = c
	return differs
}

// Cut is the cut in force.
func (h *Host) Cut() Cut { return h.cut }

// IsCut reports whether a cut concerns the port at an ofport.
func (h *Host) IsCut(c Cut, ofport uint16) bool {
	p := h.ports[ofport]
	return p != nil && c.covers(p.Class, h.local.number(p.Class))
}

// uncut are those of the flows that the cut leaves: of a port with the class, or of a segment.
func (h *Host) uncut(list []openflow.Flow, class LocalClass) []openflow.Flow {
	if h.cut == (Cut{}) {
		return list
	}
	covered := h.cut.covers(class, h.local.number(class))
	out := make([]openflow.Flow, 0, len(list))
	for _, f := range list {
		if f.Table == TableClassify && h.cut.Bridge || f.Table == TableLocalClass && covered {
			continue
		}
		out = append(out, f)
	}
	return out
}
