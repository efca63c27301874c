package controller

import (
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/policy"
)

// Under a profile that opens directions without rules, a port whose last group goes has the default group at once: at no step of the
// bridge does more pass than before or after, and nobody takes the default group away.
func TestLastGroup_ThePortIsNeverOpen(t *testing.T) {
	w, hv, keeper := guarded(t)
	put(t, w.Store, &policy.Profile{
		Meta: policy.Meta{ID: "lock"}, Name: "lock", WhenNoGroups: policy.NoGroupsDefault, DirectionWithoutRules: policy.UnruledAllow,
		DefaultEdit: policy.DefaultFree, GroupDelete: policy.DeleteDetach, IPVersion: policy.IPVersionRequired,
		Default: &policy.DefaultGroup{Name: "default", Scope: policy.DefaultPerProject},
	})
	put(t, w.Store, &policy.Group{Meta: policy.Meta{ID: "default"}, Name: "default", ProjectID: "p", Origin: policy.OriginDefault}, rule("default-http", "default", 80, anywhere))
	put(t, w.Store, &policy.VPC{Meta: policy.Meta{ID: "v"}, Name: "v", ProjectID: "p", Profile: "lock"})
	groups := func(ids ...policy.GroupID) int64 {
		return put(t, w.Store, &policy.Instance{Meta: policy.Meta{ID: "vm3"}, Name: "vm3", ProjectID: "p", SecurityGroupIDs: ids})
	}
	awaitApplied(t, w.c, groups("web"))
	hv.plug("vm3", 3)
	awaitPort(t, w.c, "vm3", policy.PortActive)
	require.Equal(t, []openflow.Port{3}, hv.knock(3, 22))
	for range 20 {
		awaitApplied(t, w.c, groups())
		require.Empty(t, hv.knock(3, 22))
		require.Equal(t, []openflow.Port{3}, hv.knock(3, 80))
		awaitApplied(t, w.c, groups("web"))
		require.Equal(t, []openflow.Port{3}, hv.knock(3, 22))
		require.Empty(t, hv.knock(3, 80))
	}
	require.Equal(t, map[uint16]bool{22: true, 80: true}, keeper.since(), "nothing else was open at any step")

	_, err := w.Update(t.Context(), func(tx policy.Tx) error { return tx.Delete(policy.KindGroup, "default") })
	require.ErrorContains(t, err, "belongs to its profile")
}
