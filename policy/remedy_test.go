package policy_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
	"conjunct/policy/policytest"
)

// change carries a remedy out on a copy of the state. Its own group is made and given to the port.
func change(t testing.TB, s *policy.Snapshot, port policy.PortID, r *policy.Remedy) *policy.Snapshot {
	t.Helper()
	out := s.Clone()
	put := func(o policy.Object) {
		policy.Normalize(o, out)
		require.Empty(t, policy.Validate(o, out), "%s %+v", o.Kind(), o)
		out.Put(o)
	}
	for _, n := range r.Needs {
		switch n.Field {
		case "smtp_allowed":
			p, _ := policy.Find[*policy.Project](out, n.ID)
			p = p.Clone().(*policy.Project)
			p.SMTPAllowed = n.Value.(bool)
			put(p)
		default:
			p, _ := policy.Find[*policy.Port](out, n.ID)
			p = p.Clone().(*policy.Port)
			switch value := n.Value.(type) {
			case []policy.AddressPair:
				p.AllowedAddressPairs = value
			case []policy.PortRole:
				p.Roles = value
			}
			put(p)
		}
	}
	if r.Moved != nil {
		insert(out, r.Moved.Clone().(*policy.Rule), r.Before)
	}
	if r.Rule == nil {
		return out
	}
	added := r.Rule.Clone().(*policy.Rule)
	added.ID, added.Number = "added", 1<<20
	if r.Group == nil {
		v, _ := out.PortView(port)
		put(&policy.Group{Meta: policy.Meta{ID: "own"}, Name: "own", ProjectID: v.Instance.ProjectID, Evaluation: policy.Union, Number: 1 << 20})
		p := v.Port.Clone().(*policy.Port)
		p.SecurityGroupIDs = append(p.SecurityGroupIDs, "own")
		put(p)
		added.GroupID = "own"
	}
	for _, other := range out.RulesOf(added.GroupID) {
		require.NotEqual(t, other.Identity(), added.Identity(), "the rule is there")
	}
	if r.Before != nil {
		insert(out, added, r.Before)
		return out
	}
	put(added)
	return out
}

// insert puts a rule of an ordered group before another one, as the API does.
func insert(s *policy.Snapshot, added, before *policy.Rule) {
	rules := policy.InOrder(s.RulesOf(added.GroupID))
	rules = slices.DeleteFunc(rules, func(r *policy.Rule) bool { return r.ID == added.ID })
	at := slices.IndexFunc(rules, func(r *policy.Rule) bool { return r.ID == before.ID })
	rules = slices.Insert(rules, at, added)
	places := make([]policy.Place, len(rules))
	for i, r := range rules {
		places[i] = policy.Place{Had: r.Position, Number: r.Number}
		if r == added {
			places[i].Had = nil
		}
	}
	for i, position := range policy.Arrange(places) {
		r := rules[i].Clone().(*policy.Rule)
		r.Position = &position
		s.Put(r)
	}
}

// TestRemedy_AllowsExactlyThatConnection carries out what is suggested for every refusal in random worlds: the connection passes then, and every other
// one that the rule does not mean has the verdict that it had. Nothing is suggested for what passes.
func TestRemedy_AllowsExactlyThatConnection(t *testing.T) {
	rules, before, moved, needs, own, others := 0, 0, 0, 0, 0, 0
	for seed := range uint64(150) {
		w := policytest.New(seed)
		for range 30 {
			q := w.Question()
			v, _ := w.Snapshot.PortView(q.Port)
			var peer *policy.PortView
			if p, ok := w.Snapshot.PortAt(policy.VPCID(v.VPC.ID), q.Connection.Remote(q.Direction)); ok {
				peer = p
			}
			d, _ := policy.Decide(w.Snapshot, q.Port, q.Direction, q.Connection)
			r, refused := w.Snapshot.Remedy(v, q.Direction, q.Connection, peer, nil)
			require.Equal(t, !d.Allowed, refused)
			if !refused || slices.ContainsFunc(r.Needs, func(n policy.Need) bool { return n.Kind == "" }) {
				continue
			}
			s := change(t, w.Snapshot, q.Port, r)
			now, _ := policy.Decide(s, q.Port, q.Direction, q.Connection)
			require.True(t, now.Allowed, "seed %d: %+v, was %+v, remedy %+v, rule %+v, now %+v", seed, q, d, r, r.Rule, now)
			rules, before, moved, needs = rules+of(r.Rule != nil), before+of(r.Before != nil), moved+of(r.Moved != nil), needs+len(r.Needs)
			own += of(r.Rule != nil && r.Group == nil)
			if len(r.Needs) > 0 || r.Rule == nil {
				continue
			}
			for range 30 {
				other := w.Question()
				if other.Port != q.Port || other.Direction != q.Direction || means(s, r.Rule, v, other) || r.Leaves != nil {
					continue
				}
				had, _ := policy.Decide(w.Snapshot, other.Port, other.Direction, other.Connection)
				after, _ := policy.Decide(s, other.Port, other.Direction, other.Connection)
				require.Equal(t, had.Allowed, after.Allowed, "seed %d: %+v, remedy of %+v: rule %+v before %+v", seed, other, q, r.Rule, r.Before)
				others++
			}
		}
	}
	t.Logf("%d rules, %d before another one, %d moved, %d needs, %d groups of their own, %d other connections", rules, before, moved, needs, own, others)
	for what, n := range map[string]int{"rules": rules, "before": before, "needs": needs, "others": others} {
		require.Greater(t, n, 10, what)
	}
}

func of(is bool) int {
	if is {
		return 1
	}
	return 0
}

// means reports whether the suggested rule is about the connection; it is the rule read anew, not policy's own comparison.
func means(s *policy.Snapshot, r *policy.Rule, v *policy.PortView, q policytest.Question) bool {
	c := q.Connection
	remote := c.Remote(q.Direction)
	number, one := r.Protocol.NumberIn(policy.Version(c.Src))
	if r.Protocol != policy.All && (!one || number != c.Protocol) {
		return false
	}
	if r.PortMin != nil && int(c.DstPort) != *r.PortMin || r.ICMPType != nil && int(c.ICMPType) != *r.ICMPType {
		return false
	}
	if r.Remote.GroupID != "" {
		return slices.ContainsFunc(s.MembersOf(r.Remote.GroupID), func(m policy.Member) bool {
			return string(m.VPCID) == v.VPC.ID && m.Prefix.Contains(remote)
		})
	}
	return r.Remote.CIDRs[0].Prefix() == netip.PrefixFrom(remote, remote.BitLen())
}

// TestStages_LeadToTheDecision holds the steps shown against the rules themselves: what was passed has no rule that matches, and the last one is the
// tier that decided.
func TestStages_LeadToTheDecision(t *testing.T) {
	for seed := range uint64(100) {
		w := policytest.New(seed)
		for range 30 {
			q := w.Question()
			v, _ := w.Snapshot.PortView(q.Port)
			ends := map[policy.Direction][2]policy.End{policy.Egress: {{Port: v}, {}}, policy.Ingress: {{}, {Port: v}}}[q.Direction]
			verdict := policy.Explain(w.Snapshot, ends[0], ends[1], q.Connection)
			step := verdict.Steps[0]
			last := step.Stages[len(step.Stages)-1]
			require.Equal(t, verdict.Allowed, last.Passed)
			want := step.Decision.Tier
			if want == policy.TierNone {
				want = policy.TierProfile
			}
			require.Equal(t, want, last.Tier, "seed %d %+v", seed, q)
			for _, stage := range step.Stages[:len(step.Stages)-1] {
				require.True(t, stage.Passed)
				if stage.Group == nil {
					continue
				}
				alone := w.Snapshot.Clone()
				for _, r := range policy.List(alone, func(r *policy.Rule) bool { return string(r.GroupID) != stage.Group.ID }) {
					alone.Delete(policy.KindRule, r.ID)
				}
				d, _ := policy.Decide(alone, q.Port, q.Direction, q.Connection)
				require.Nil(t, d.Rule, "seed %d %+v: group %s has a rule for it", seed, q, stage.Group.ID)
			}
		}
	}
}
