package lab_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
)

// A switch that is stopped, or crashes, forwards nothing and comes back with its database.
func TestSwitchStopsAndStarts(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	ping := lab.Ping(w.b.Addr4())
	require.Equal(t, lab.Open, w.a.Try(ping))
	for _, c := range []struct {
		name string
		down func()
	}{{"stop", w.hv1.StopOVS}, {"kill", w.hv1.KillVswitchd}} {
		t.Run(c.name, func(t *testing.T) {
			c.down()
			require.NotEqual(t, lab.Open, w.a.Try(ping.Within(200*time.Millisecond)))
			w.hv1.StartOVS()
			require.Equal(t, lab.Open, w.a.TryUntil(lab.Open, ping, patience))
		})
	}
	w.hv1.RestartOVS()
	require.Equal(t, lab.Open, w.a.TryUntil(lab.Open, ping, patience))
	require.Equal(t, `hv1`, strings.Trim(w.hv1.Vsctl("get", "Open_vSwitch", ".", "external_ids:system-id"), `"`))
}

// The tools answer for the lab's own switch.
func TestSwitchTools(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	w.hv1.AddFlows("table=7,priority=9,ip,actions=drop")
	require.Contains(t, w.hv1.DumpFlows("table=7"), "priority=9,ip actions=drop")
	require.NotContains(t, w.hv2.DumpFlows(), "table=7")
	out, err := w.hv1.Trace("in_port=a,icmp,nw_src=10.0.0.1,nw_dst=10.0.0.2")
	require.NoError(t, err)
	require.Contains(t, out, "Datapath actions")
	_, err = w.hv1.Ofctl("dump-flows", "br-none")
	require.ErrorContains(t, err, "br-none")
	_, err = w.hv1.Appctl("no/such-command")
	require.Error(t, err)
	require.Contains(t, w.hv1.Log(), "bridge br-int: added interface a")
	w.hv1.WaitBridge(time.Second)
	require.Equal(t, "uplink", w.hv1.Vsctl("get", "Port", "uplink", "external_ids:conjunct-role"))
}

// Hypervisors reach a controller on its node, and so does the test.
func TestNode(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	ctl, other := w.Node("ctl"), w.Node("ctl2")
	require.Equal(t, "10.255.0.1", ctl.Addr.String())

	ln, err := ctl.Listen(netip.AddrPortFrom(ctl.Addr, 8440))
	require.NoError(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { fmt.Fprint(rw, "hello ", r.RemoteAddr) })}
	done := make(chan struct{})
	go func() { defer close(done); server.Serve(ln) }()
	t.Cleanup(func() { server.Close(); <-done })
	resp, err := other.HTTPClient().Get("http://10.255.0.1:8440/")
	require.NoError(t, err)
	defer resp.Body.Close()
	var b [64]byte
	n, _ := resp.Body.Read(b[:])
	require.Contains(t, string(b[:n]), "hello "+other.Addr.String())

	manager, err := ctl.Listen(netip.AddrPortFrom(ctl.Addr, 6640))
	require.NoError(t, err)
	t.Cleanup(func() { manager.Close() })
	for _, hv := range []*lab.Hypervisor{w.hv1, w.hv2} {
		hv.SetManager("tcp:10.255.0.1:6640")
		require.NoError(t, manager.SetDeadline(time.Now().Add(patience)))
		for came := false; !came; { // The other one dials again, too.
			conn, err := manager.Accept()
			require.NoError(t, err)
			came = netip.MustParseAddrPort(conn.RemoteAddr().String()).Addr() == hv.Addr
			conn.Close()
		}
	}
}

// A command and a process run where they are told to.
func TestCommands(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Options{})
	ctl := l.Node("ctl")
	out, err := ctl.Command(context.Background(), "cat", "/proc/net/dev").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "mgmt0")
	require.NotContains(t, string(out), "fabric")

	log := filepath.Join(l.Dir(), "log")
	p, err := ctl.Start(exec.Command("sh", "-c", "echo begun; exec sleep 1000"), log)
	require.NoError(t, err)
	require.True(t, p.Running())
	require.Eventually(t, func() bool { b, _ := os.ReadFile(log); return string(b) == "begun\n" }, patience, time.Millisecond)
	p.Stop()
	require.False(t, p.Running())
	require.ErrorContains(t, p.Wait(), "terminated")
}
