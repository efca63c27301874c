package ofconn_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/openflow/ofconn"
	"conjunct/openflow/oftest/real"
)

// dialReal returns a connection to the bridge of a real Open vSwitch.
func dialReal(t testing.TB, o *real.OVS) *ofconn.Conn {
	t.Helper()
	nc, err := ofconn.Dial(ctx(t), o.Target(), nil)
	require.NoError(t, err)
	c, err := ofconn.New(ctx(t), nc, ofconn.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestReal_Session(t *testing.T) {
	o := real.Start(t)
	c := dialReal(t, o)
	require.EqualValues(t, 0xd1, c.DatapathID())
	require.NoError(t, c.SetAsync(ctx(t), ofconn.PortsAndRoles))
	require.NoError(t, c.SetConfig(ctx(t), openflow.SetConfig{Frags: openflow.FragNXMatch}))
	config, err := c.GetConfig(ctx(t))
	require.NoError(t, err)
	require.Equal(t, openflow.FragNXMatch, config.Frags)

	o.AddPorts(7)
	status := (<-c.Events()).(openflow.PortStatus)
	require.Equal(t, openflow.PortAdded, status.Reason)
	require.Equal(t, openflow.Port(7), status.Port.Port)
	require.Equal(t, "p7", status.Port.Name)
	ports, err := c.PortDescs(ctx(t))
	require.NoError(t, err)
	require.Len(t, ports, 2, "p7 and the bridge's own")

	desc, err := c.Desc(ctx(t))
	require.NoError(t, err)
	require.Equal(t, "Open vSwitch", desc.Hardware)
	require.NoError(t, c.FlushZone(ctx(t), 7))

	role, err := c.SetRole(ctx(t), openflow.RoleMaster, 41)
	require.NoError(t, err)
	require.EqualValues(t, 41, role.GenerationID)
	young := dialReal(t, o)
	_, err = young.SetRole(ctx(t), openflow.RoleMaster, 42)
	require.NoError(t, err)
	lost := nextRole(t, c)
	require.Equal(t, openflow.RoleSlave, lost.Role)
	require.ErrorIs(t, c.Bundle(ctx(t), manyFlows(1)), openflow.ErrIsSlave)
	_, err = c.SetRole(ctx(t), openflow.RoleMaster, 41)
	require.ErrorIs(t, err, openflow.ErrRoleStale)
}

// nextRole returns the next role status; changes of ports may come in between.
func nextRole(t *testing.T, c *ofconn.Conn) openflow.RoleStatus {
	for {
		select {
		case m := <-c.Events():
			if s, ok := m.(openflow.RoleStatus); ok {
				return s
			}
		case <-ctx(t).Done():
			t.Fatal("no role status")
		}
	}
}

func TestReal_Bundle(t *testing.T) {
	o := real.Start(t)
	c := dialReal(t, o)
	mods := manyFlows(3000)
	require.NoError(t, c.Bundle(ctx(t), mods))
	require.Len(t, o.Dump(), 3000)
	require.Len(t, cookies(t, c, ofconn.FlowFilter{}), 3000)
	require.Len(t, cookies(t, c, ofconn.FlowFilter{Tables: ofconn.Tables(0, 63), Cookie: 0x10, CookieMask: 0xfff0}), 16)

	// Refused when it is added: an unknown table.
	bad := manyFlows(3000)
	for i := range bad {
		bad[i].Flow.Priority++
	}
	bad[1234].Flow.Table = 254
	refused(t, c.Bundle(ctx(t), bad), 1234, openflow.ErrPermission)
	require.Len(t, cookies(t, c, ofconn.FlowFilter{}), 3000)

	// Refused at the commit: an overlap shows only then.
	bad = append(manyFlows(2000), add(t, "table=22,priority=100,ip,reg0=7,nw_dst=1.2.3.4,check_overlap actions=drop"))
	e := refused(t, c.Bundle(ctx(t), bad), 2000, openflow.ErrOverlap)
	require.Contains(t, e.Mod.String(), "1.2.3.4")
	require.Len(t, cookies(t, c, ofconn.FlowFilter{}), 3000)

	require.NoError(t, c.Bundle(ctx(t), []openflow.FlowMod{{Command: openflow.FlowDelete, Flow: openflow.Flow{Table: openflow.AllTables}}}))
	require.Empty(t, o.Dump())
}

// The longest flow that goes into a bundle is the longest that fits a message, and the error for a longer one is ours.
func TestReal_LongestFlow(t *testing.T) {
	o := real.Start(t)
	c := dialReal(t, o)
	long := func(ids int) []openflow.FlowMod {
		m := add(t, "table=44,priority=100,ip,reg3=2 actions=drop")
		for id := range ids {
			m.Flow.Actions = append(m.Flow.Actions, openflow.Conjunction{ID: uint32(id + 1), Clause: 0, N: 2})
		}
		return []openflow.FlowMod{m}
	}
	require.NoError(t, c.Bundle(ctx(t), long(4080)))
	var e *ofconn.BundleError
	require.ErrorAs(t, c.Bundle(ctx(t), long(4100)), &e)
	require.Equal(t, 0, e.Index)
	require.False(t, e.Unknown)
	n := 0
	for f, err := range c.DumpFlows(ctx(t), ofconn.FlowFilter{}) {
		require.NoError(t, err)
		n += len(f.Actions)
	}
	require.Equal(t, 4080, n)
}

// A bridge dials, over TCP, as it does after ovs-vsctl set-controller. It comes again when its connection is closed.
func TestReal_SwitchDials(t *testing.T) {
	o := real.Start(t)
	l, err := ofconn.Listen(ctx(t), "ptcp:0:127.0.0.1", nil)
	require.NoError(t, err)
	serving, stop := context.WithCancel(ctx(t))
	came := make(chan uint64)
	server := ofconn.Server{Handle: func(ctx context.Context, c *ofconn.Conn) {
		if c.Barrier(ctx) == nil {
			select {
			case came <- c.DatapathID():
			case <-ctx.Done():
			}
		}
	}}
	served := make(chan error)
	go func() { served <- server.Serve(serving, l) }()
	port := l.Addr().(*net.TCPAddr).Port
	o.Vsctl("set-controller", "br0", fmt.Sprintf("tcp:127.0.0.1:%d", port), "--", "set", "controller", "br0", "max_backoff=1000")
	for range 2 {
		require.EqualValues(t, 0xd1, <-came)
	}
	stop()
	require.NoError(t, <-served)
}

// We dial a bridge that listens on loopback.
func TestReal_WeDial(t *testing.T) {
	o := real.Start(t)
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := probe.Addr().(*net.TCPAddr).Port
	probe.Close()
	o.Vsctl("set-controller", "br0", fmt.Sprintf("ptcp:%d:127.0.0.1", port))
	var nc net.Conn
	require.Eventually(t, func() bool {
		nc, err = ofconn.Dial(ctx(t), fmt.Sprintf("tcp:127.0.0.1:%d", port), nil)
		return err == nil
	}, 20*time.Second, 10*time.Millisecond)
	c, err := ofconn.New(ctx(t), nc, ofconn.Options{})
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Barrier(ctx(t)))
}

// A bridge without OpenFlow 1.5 is told from one that is down.
func TestReal_Version(t *testing.T) {
	o := real.Start(t)
	o.Vsctl("set", "bridge", "br0", "protocols=OpenFlow13")
	var refusal *ofconn.VersionError
	require.Eventually(t, func() bool {
		nc, err := ofconn.Dial(ctx(t), o.Target(), nil)
		require.NoError(t, err)
		c, err := ofconn.New(ctx(t), nc, ofconn.Options{})
		if err == nil {
			c.Close()
			return false
		}
		require.ErrorAs(t, err, &refusal)
		return true
	}, 20*time.Second, 10*time.Millisecond)
	require.EqualValues(t, 1<<4, refusal.Versions)
}

// A dump needs room for a few parts of it, not for all flows.
func TestReal_DumpMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("100,000 flows")
	}
	o := real.Start(t)
	c := dialReal(t, o)
	const flows = 100_000
	require.NoError(t, c.Bundle(ctx(t), manyFlows(flows)))
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, uint64(0)
	n := 0
	for _, err := range c.DumpFlows(ctx(t), ofconn.FlowFilter{}) {
		require.NoError(t, err)
		if n++; n%20_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
	require.Equal(t, flows, n)
	require.Less(t, int64(most)-int64(before), int64(8<<20), "live heap while dumping")
}

func BenchmarkReal_Barrier(b *testing.B) {
	c := dialReal(b, real.Start(b))
	for b.Loop() {
		require.NoError(b, c.Barrier(context.Background()))
	}
}

// Two flow mods, as for an address that rules of both directions refer to: in a bundle, and apart.
func BenchmarkReal_Two(b *testing.B) {
	c := dialReal(b, real.Start(b))
	mods := manyFlows(2)
	for name, carry := range map[string]func(context.Context, []openflow.FlowMod) error{"bundle": c.Bundle, "apart": c.Apart} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, carry(context.Background(), mods))
			}
		})
	}
}

const benchFlows = 20_000

// Bundles of many flows, to compare with BenchmarkReal_Ofctl.
func BenchmarkReal_Bundle(b *testing.B) {
	c := dialReal(b, real.Start(b))
	mods := manyFlows(benchFlows)
	for b.Loop() {
		b.StopTimer()
		require.NoError(b, c.Bundle(context.Background(), []openflow.FlowMod{{Command: openflow.FlowDelete, Flow: openflow.Flow{Table: openflow.AllTables}}}))
		b.StartTimer()
		require.NoError(b, c.Bundle(context.Background(), mods))
	}
	b.ReportMetric(float64(benchFlows)*float64(b.N)/b.Elapsed().Seconds(), "flows/s")
}

// The same flows with the official tool.
func BenchmarkReal_Ofctl(b *testing.B) {
	o := real.Start(b)
	var text strings.Builder
	for _, m := range manyFlows(benchFlows) {
		fmt.Fprintln(&text, m.Flow)
	}
	file := filepath.Join(o.Dir(), "bench.flows")
	require.NoError(b, os.WriteFile(file, []byte(text.String()), 0o600))
	for b.Loop() {
		b.StopTimer()
		o.Ofctl("del-flows", o.Target())
		b.StartTimer()
		o.Ofctl("--bundle", "add-flows", o.Target(), file)
	}
	b.ReportMetric(float64(benchFlows)*float64(b.N)/b.Elapsed().Seconds(), "flows/s")
}

func BenchmarkReal_Dump(b *testing.B) {
	c := dialReal(b, real.Start(b))
	require.NoError(b, c.Bundle(context.Background(), manyFlows(benchFlows)))
	for b.Loop() {
		n := 0
		for _, err := range c.DumpFlows(context.Background(), ofconn.FlowFilter{}) {
			require.NoError(b, err)
			n++
		}
		require.Equal(b, benchFlows, n)
	}
	b.ReportMetric(float64(benchFlows)*float64(b.N)/b.Elapsed().Seconds(), "flows/s")
}
