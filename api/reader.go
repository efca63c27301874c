package api

import (
	"cmp"
	"math"
	"slices"

	"conjunct/policy"
)

// reader makes wire forms of the objects of one snapshot, as who asks may see it. It is used while the snapshot is shown and not
// kept.
type reader struct {
	snapshot  *policy.Snapshot // what who asks may see
	state     *policy.Snapshot // all of it: what holds at a port holds whether or not its reader sees the reason
	sight     policy.Sight
	inspector policy.Inspector
}

// reader reads a state for who asks.
func (c *call) reader(s *policy.Snapshot) *reader {
	sight := c.bearer.Bearer().In(s)
	return &reader{snapshot: sight.Snapshot(), state: s, sight: sight, inspector: c.Inspector}
}

// portView is the surroundings of a port that who asks may see.
func (rd *reader) portView(id policy.PortID) (*policy.PortView, bool) {
	if _, ok := policy.Find[*policy.Port](rd.snapshot, id); !ok {
		return nil, false
	}
	return rd.state.PortView(id)
}

// members are those of the group that who asks may see.
func (rd *reader) members(id policy.GroupID) []Member {
	return slices.DeleteFunc(rd.state.MembersOf(id), func(m Member) bool {
		_, seen := policy.Find[*policy.Port](rd.snapshot, m.PortID)
		return !seen
	})
}

// rulesOf lists a group's rules in the order in which they are tried.
func (rd *reader) rulesOf(g *policy.Group) []*policy.Rule {
	rules := rd.snapshot.RulesOf(policy.GroupID(g.ID))
	slices.SortFunc(rules, func(a, b *policy.Rule) int { // A dry run's have no number yet: they come last.
		return cmp.Or(cmp.Compare(a.Number-1, b.Number-1), cmp.Compare(a.ID, b.ID))
	})
	if g.Evaluation == policy.Ordered {
		slices.SortStableFunc(rules, func(a, b *policy.Rule) int { return cmp.Compare(placeOf(a), placeOf(b)) })
	}
	return rules
}

// placeOf is where an ordered group tries the rule; those without a position come last.
func placeOf(r *policy.Rule) int {
	if r.Position == nil {
		return math.MaxInt
	}
	return *r.Position
}

// revision is the object's and that of what belongs to it: the ETag.
func (rd *reader) revision(o policy.Object) int64 {
	newest := o.Base().Revision
	switch o := o.(type) {
	case *policy.Group:
		for _, r := range rd.rulesOf(o) {
			newest = max(newest, r.Revision)
		}
	case *policy.IPSet:
		for _, e := range rd.snapshot.EntriesOf(policy.IPSetID(o.ID)) {
			newest = max(newest, e.Revision)
		}
	}
	return newest
}

func (rd *reader) hypervisor(h *policy.Hypervisor) *Hypervisor {
	out := &Hypervisor{Hypervisor: *h, State: policy.HostUnknown}
	if st, ok := rd.inspector.Host(policy.HostID(h.ID)); ok {
		out.State, out.AppliedRevision, out.DesiredRevision = st.State, st.AppliedRevision, st.DesiredRevision
		out.Flows, out.Drift, out.Problems = st.Flows, st.Drift, st.Problems
	}
	return out
}

func (rd *reader) port(p *policy.Port) *Port {
	return &Port{Port: *p, PortStatus: rd.inspector.Port(policy.PortID(p.ID))}
}

// rule counts no packets for a user where they may be other projects'.
func (rd *reader) rule(r *policy.Rule) *Rule {
	out := &Rule{Rule: *r, Service: r.Service()}
	if !rd.sight.IsBound() || rd.sight.Scope(r) == policy.ScopeOwn {
		out.Hits = rd.inspector.Hits(r.Number)
	}
	return out
}

func (rd *reader) group(g *policy.Group) *Group {
	out := &Group{Group: *g, Rules: []Rule{}}
	out.Revision = rd.revision(g)
	for _, r := range rd.rulesOf(g) {
		out.Rules = append(out.Rules, *rd.rule(r))
	}
	return out
}

func (rd *reader) ipSet(s *policy.IPSet) *IPSet {
	out := &IPSet{IPSet: *s, Entries: []Entry{}}
	out.Revision = rd.revision(s)
	for _, e := range rd.snapshot.EntriesOf(policy.IPSetID(s.ID)) {
		out.Entries = append(out.Entries, *e)
	}
	return out
}

func (rd *reader) token(t *policy.Token) *Token {
	return &Token{Meta: t.Meta, Name: t.Name, Role: t.Role, ProjectID: t.ProjectID, ExpiresAt: t.ExpiresAt}
}
