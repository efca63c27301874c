package controller

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// From a write in the store to the flows of a real bridge.
func TestReal_StoreToBridge(t *testing.T) {
	sw := newRealSwitch(t, "hv1")
	st := openStore(t)
	c, stop := start(t, Options{Store: st, Bridge: Bridge{DatapathType: "dummy"}})
	put(t, st, basics()...)
	put(t, st, vm("vm1", 1, "web")...)

	sw.run("ovs-vsctl", "set-manager", "tcp:"+c.OVSDBAddr().String())
	eventually(t, func() bool { h, _ := c.Host("hv1"); return h.State == policy.HostReady }, "ready")
	sw.run("ovs-vsctl", "add-port", "br-int", "tap1", "--", "set", "Interface", "tap1", "type=dummy", "external_ids:iface-id=vm1", "ofport_request=5")
	eventually(t, func() bool { return c.Port("vm1").State == policy.PortActive }, "active")
	require.Equal(t, 5, c.Port("vm1").OFPort)
	require.Equal(t, policy.HostID("hv1"), c.Port("vm1").HostID)
	requireSame(t, c, sw)

	// An applied revision is on the bridge.
	port := 443
	revision := put(t, st, &policy.Rule{
		Meta: policy.Meta{ID: "web-https"}, GroupID: "web", Direction: policy.Ingress, Protocol: policy.TCP,
		PortMin: &port, PortMax: &port, Remote: policy.Remote{Any: true},
	})
	eventually(t, func() bool { behind, _ := c.Late(revision); return len(behind) == 0 })
	require.Contains(t, sw.flows("br-int"), "ct_tp_dst=443")
	requireSame(t, c, sw)
	eventually(t, func() bool {
		return strings.Contains(sw.run("ovs-vsctl", "get", "Interface", "tap1", "external_ids"), "5 fa:16:3e:00:00:01")
	})
	stop()
	require.Contains(t, sw.flows("br-int"), "ct_tp_dst=443")
}

// requireSame compares what the controller wants with what ovs-ofctl prints.
func requireSame(t *testing.T, c *Controller, sw *realSwitch) {
	t.Helper()
	wanted, err := c.DesiredFlows("hv1")
	require.NoError(t, err)
	wanted = slices.DeleteFunc(wanted, func(s string) bool { return strings.HasPrefix(s, "#") })
	var have []string
	for _, line := range strings.Split(sw.flows("br-int"), "\n") {
		have = append(have, strings.TrimSpace(line))
	}
	slices.Sort(wanted)
	slices.Sort(have)
	require.Equal(t, wanted, have)
	diff, err := c.DiffFlows("hv1")
	require.NoError(t, err)
	require.Empty(t, diff.Missing)
	require.Empty(t, diff.Extra)
	require.Empty(t, diff.Changed)
	requireSum(t, c)
}

// requireSum compares by sums: Open vSwitch writes every flow in the bytes that we do.
func requireSum(t *testing.T, c *Controller) {
	t.Helper()
	h := c.model.hosts["hv1"]
	var s *session
	h.look(func() { s = h.session })
	is, err := s.sum(t.Context())
	require.NoError(t, err)
	require.True(t, h.holds(is, false), "as changes led to")
	require.True(t, h.holds(is, true), "computed afresh")
}
