package controller

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/openflow/oftest"
	"conjunct/policy"
)

// An address that joins a group is sent without a bundle, one flow for each direction that refers to the group. Where the switch refuses one of
// them, the other is there nevertheless, the refusal is named, and the bridge is not read.
func TestApart_AnAddressTakesNoBundle(t *testing.T) {
	w := newSmall(t, Options{})
	out := rule("out", "web", 80, policy.Remote{GroupID: "friends"})
	out.Direction = policy.Egress
	put(t, w.Store, append(append([]policy.Object{
		&policy.Group{Meta: policy.Meta{ID: "friends"}, Name: "friends", ProjectID: "p"}, rule("in", "web", 80, policy.Remote{GroupID: "friends"}), out,
	}, vm("keeper", 40, "friends")...), append(vm("vm41", 41), vm("vm42", 42)...)...)...)
	w.hv.requireInSync(w.c)
	count := func(kinds ...openflow.MsgType) (n int) {
		w.hv.mu.Lock()
		defer w.hv.mu.Unlock()
		for _, k := range kinds {
			n += w.hv.counts[byte(k)]
		}
		return n
	}
	others := func() int {
		return count(openflow.TypeBundleControl, openflow.TypeBundleAdd, openflow.TypeMultipartRequest)
	}
	joins := func(id string, n int) int64 { return put(t, w.Store, vm(id, n, "friends")[0]) }

	before, mods := others(), count(openflow.TypeFlowMod)
	awaitApplied(t, w.c, joins("vm41", 41))
	require.Equal(t, before, others())
	require.Equal(t, mods+2, count(openflow.TypeFlowMod))
	w.hv.requireInSync(w.c)

	w.hv.sw.SetFaults(oftest.Faults{Refuse: func(m *openflow.FlowMod) bool {
		return m.Command == openflow.FlowAdd && m.Flow.Table == flows.TableEgressGroup
	}})
	asked := count(openflow.TypeMultipartRequest)
	awaitApplied(t, w.c, joins("vm42", 42))
	awaitState(t, w.c, "hv1", policy.HostDegraded)
	h, _ := w.c.Host("hv1")
	require.Contains(t, strings.Join(h.Problems, "\n"), "10.0.0.42/32 in VPC v is in groups friends")
	require.Equal(t, asked, count(openflow.TypeMultipartRequest), "the bridge is not read")
	require.True(t, strings.Contains(w.hv.sw.Dump(), "ct_nw_src=10.0.0.42"))
	require.False(t, strings.Contains(w.hv.sw.Dump(), "ct_nw_dst=10.0.0.42"))

	w.hv.sw.SetFaults(oftest.Faults{})
	w.compareHost("hv1")
	w.hv.requireInSync(w.c)
}
