package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// The life of a real bridge: adopted by a controller that starts anew, tampered with, re-plugged, restarted.
func TestReal_Life(t *testing.T) {
	sw := newRealSwitch(t, "hv1")
	st := openStore(t)
	put(t, st, append(basics(), append(vm("vm1", 1, "web"), vm("vm2", 2, "web")...)...)...)
	c, stop := start(t, Options{Store: st, Bridge: Bridge{DatapathType: "dummy"}})
	manager := "tcp:" + c.OVSDBAddr().String()
	sw.run("ovs-vsctl", "set-manager", manager)
	awaitState(t, c, "hv1", policy.HostReady)
	for _, vm := range []string{"vm1", "vm2"} {
		sw.run("ovs-vsctl", "add-port", "br-int", "tap-"+vm, "--", "set", "Interface", "tap-"+vm, "type=dummy", "external_ids:iface-id="+vm)
		awaitPort(t, c, policy.PortID(vm), policy.PortActive)
	}
	requireSame(t, c, sw)
	eventually(t, func() bool { return len(sw.installed("tap-vm1")) > 0 })

	// A controller that starts anew sends nothing.
	stop()
	registry := prometheus.NewRegistry()
	c, _ = start(t, Options{
		Store: st, Bridge: Bridge{DatapathType: "dummy"}, Registry: registry, DriftInterval: 100 * time.Millisecond,
		OVSDBListen: manager, OpenFlowListen: "tcp:" + c.OpenFlowAddr().String(),
	})
	awaitPort(t, c, "vm1", policy.PortActive)
	awaitPort(t, c, "vm2", policy.PortActive)
	requireSame(t, c, sw)
	time.Sleep(300 * time.Millisecond) // some comparisons
	is := gather(t, registry)
	require.Zero(t, is["conjunct_bundles_total"])
	h, _ := c.Host("hv1")
	require.Zero(t, h.Drift)

	// What somebody writes or deletes by hand is put right, but for tables that are not ours.
	sw.run("ovs-ofctl", "-O", "OpenFlow15", "add-flow", "br-int", "table=10,priority=9999,actions=drop")
	sw.run("ovs-ofctl", "-O", "OpenFlow15", "add-flow", "br-int", "table=70,priority=9999,actions=drop")
	sw.run("ovs-ofctl", "-O", "OpenFlow15", "del-flows", "br-int", "table=50")
	eventually(t, func() bool {
		flows := sw.flows("br-int")
		return !strings.Contains(flows, "table=10, priority=9999") && strings.Contains(flows, "actions=output:1")
	})
	require.Contains(t, sw.flows("br-int"), "table=70, priority=9999")
	sw.run("ovs-ofctl", "-O", "OpenFlow15", "del-flows", "br-int", "table=70")
	requireSame(t, c, sw)

	// Plugged in elsewhere.
	before := sw.installed("tap-vm1")
	sw.run("ovs-vsctl", "set", "Interface", "tap-vm1", "ofport_request=77")
	eventually(t, func() bool { return c.Port("vm1").OFPort == 77 && c.Port("vm1").State == policy.PortActive })
	eventually(t, func() bool { return strings.Contains(sw.installed("tap-vm1"), " 77 fa:16:3e:00:00:01") })
	require.NotEqual(t, before, sw.installed("tap-vm1"))
	requireSame(t, c, sw)

	// The switch starts again, with nothing.
	sw.restartVswitchd()
	eventually(t, func() bool { h, _ := c.Host("hv1"); return h.State != policy.HostReady })
	awaitState(t, c, "hv1", policy.HostReady)
	awaitPort(t, c, "vm1", policy.PortActive)
	awaitPort(t, c, "vm2", policy.PortActive)
	requireSame(t, c, sw)
	eventually(t, func() bool { return strings.Contains(sw.installed("tap-vm1"), "fa:16:3e:00:00:01") })
}

// installed is the mark of an interface, "" without one.
func (s *realSwitch) installed(iface string) string {
	out, err := s.try("ovs-vsctl", "--if-exists", "get", "Interface", iface, "external_ids:conjunct-installed")
	if err != nil {
		return ""
	}
	return out
}
