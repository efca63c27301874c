package policytest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// TestWorlds_AreWorthAsking holds the generator to a mixture: a tenth of the answers at least are yes, a tenth at least no, and every
// tier decides something.
func TestWorlds_AreWorthAsking(t *testing.T) {
	tiers := map[policy.Tier]int{}
	yes, all := 0, 0
	for seed := range uint64(200) {
		w := New(seed)
		for range 50 {
			q := w.Question()
			d, known := policy.Decide(w.Snapshot, q.Port, q.Direction, q.Connection)
			require.True(t, known)
			tiers[d.Tier]++
			all++
			if d.Allowed {
				yes++
			}
		}
	}
	require.Greater(t, yes, all/10)
	require.Less(t, yes, all*9/10)
	for _, tier := range []policy.Tier{policy.TierAntiSpoofing, policy.TierPlatform, policy.TierUnion, policy.TierProfile, policy.TierNone} {
		require.Positive(t, tiers[tier], "%s in %v", tier, tiers)
	}
}
