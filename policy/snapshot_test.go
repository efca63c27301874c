package policy

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSnapshot_ReferrersFollowPutAndDelete(t *testing.T) {
	s := NewSnapshot(ProfileIsolated)
	g := &Group{Meta: Meta{ID: "g"}, Name: "g"}
	s.Put(g)
	r := &Rule{Meta: Meta{ID: "r"}, GroupID: "g", Remote: Remote{GroupID: "other"}}
	s.Put(r)
	require.Len(t, s.RulesOf("g"), 1)
	require.Empty(t, s.RulesOf("other"), "a remote is not an owner")

	moved := r.Clone().(*Rule)
	moved.GroupID = "g2"
	before := s.Clone()
	s.Put(moved)
	require.Empty(t, s.RulesOf("g"))
	require.Len(t, s.RulesOf("g2"), 1)
	require.Len(t, before.RulesOf("g"), 1, "a clone does not follow")

	require.True(t, s.Delete(KindRule, "r"))
	require.False(t, s.Delete(KindRule, "r"))
	require.Empty(t, s.RulesOf("g2"))
	require.Empty(t, s.referrers, "nothing is left behind")
}

// The index of referrers is what going through all objects finds, whatever came and went, also of objects that name another twice.
func TestSnapshot_ReferrersAreThoseThatRefer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.SampledFrom([]GroupID{"a", "b", "c"})
		s := NewSnapshot(ProfileIsolated)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			id := rapid.SampledFrom([]string{"1", "2", "3", "4"}).Draw(t, "id")
			if rapid.Bool().Draw(t, "delete") {
				s.Delete(KindRule, id)
			} else {
				s.Put(&Rule{Meta: Meta{ID: id}, GroupID: groups.Draw(t, "group"), Remote: Remote{GroupID: groups.Draw(t, "remote")}})
			}
			for _, g := range []GroupID{"a", "b", "c"} {
				want := List(s, func(r *Rule) bool { return r.GroupID == g || r.Remote.GroupID == g })
				require.ElementsMatch(t, want, slices.Collect(Referrers[*Rule](s, KindGroup, string(g))))
				require.Len(t, slices.Collect(s.AllReferrers(KindGroup, string(g))), len(want))
			}
		}
	})
}
