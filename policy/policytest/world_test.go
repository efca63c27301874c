package policytest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// TestWorlds_AreWorthAsking holds the generator to a mixture: every kind of rule decides and is missed by one part, every tier and every
// profile says yes and no.
func TestWorlds_AreWorthAsking(t *testing.T) {
	const worlds, questions = 600, 50
	var c Coverage
	yes := 0
	for seed := range uint64(worlds) {
		w := New(seed)
		for range questions {
			q := w.Question()
			d, known := policy.Decide(w.Snapshot, q.Port, q.Direction, q.Connection)
			require.True(t, known)
			c.Note(w, q, d)
			if d.Allowed {
				yes++
			}
		}
	}
	require.Empty(t, c.Missing(), "%s", &c)
	require.Greater(t, yes, worlds*questions/4)
	require.Less(t, yes, worlds*questions*3/4)
}

// The same seed makes the same world, and the same questions.
func TestWorlds_AreOfTheirSeed(t *testing.T) {
	text := func() (out string) {
		w := New(7)
		for range 20 {
			out += Case{w, w.Question()}.String()
		}
		return out
	}
	require.Equal(t, text(), text())
}

// A case is made small down to what the failure needs: here a rule of a group that the port has.
func TestShrink_LeavesWhatTheFailureNeeds(t *testing.T) {
	for seed := range uint64(20) {
		w := New(seed)
		for range 50 {
			q := w.Question()
			if d, _ := policy.Decide(w.Snapshot, q.Port, q.Direction, q.Connection); d.Tier != policy.TierUnion {
				continue
			}
			small := Shrink(Case{w, q}, func(c Case) bool {
				d, _ := policy.Decide(c.World.Snapshot, q.Port, q.Direction, q.Connection)
				return d.Tier == policy.TierUnion
			})
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				require.LessOrEqual(t, len(small.objects()), 8, "%s", small)
				require.Len(t, policy.List[*policy.Rule](small.World.Snapshot, nil), 1, "%s", small)
				require.Len(t, small.World.Ports, 1, "%s", small)
			})
			break
		}
	}
}
