package policy

import (
	"testing"

	"github.com/stretchr/testify/require"
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
