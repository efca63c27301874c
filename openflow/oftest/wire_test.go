package oftest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/openflow/ofconn"
	. "conjunct/openflow/oftest"
)

// ofctl runs ovs-ofctl against a switch that listens on a socket of the test's own.
func ofctl(t *testing.T, s *Switch) func(args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("ovs-ofctl"); err != nil {
		t.Skipf("Open vSwitch is not installed: %v", err)
	}
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	go s.Serve(l)
	t.Cleanup(func() { l.Close(); s.Close() })
	return func(args ...string) string {
		t.Helper()
		at := slices.Index(args, "SWITCH")
		args = append(append(append([]string{"-O", "OpenFlow15", "--no-names", "--timeout=20"}, args[:at]...), "unix:"+socket), args[at+1:]...)
		out, err := exec.Command("ovs-ofctl", args...).CombinedOutput()
		require.NoError(t, err, "%v: %s", args, out)
		return string(out)
	}
}

func trimmed(text string) string {
	var lines []string
	for _, l := range strings.Split(text, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// The official tool cannot tell the switch from a real one.
func TestOfctl(t *testing.T) {
	flows := len(prototype(t).Flows())
	s := NewSwitch(Config{DatapathID: 0x42, PartSize: 200})
	s.AddPorts(1, 2)
	run := ofctl(t, s)
	require.Contains(t, run("show", "SWITCH"), "dpid:0000000000000042")
	require.Contains(t, run("dump-ports-desc", "SWITCH"), "2(p2)")
	run("--bundle", "add-flows", "SWITCH", "testdata/prototype.flows")
	require.Len(t, s.Flows(), flows)
	require.Equal(t, s.Dump(), trimmed(run("--no-stats", "dump-flows", "SWITCH")))
	require.Contains(t, run("dump-aggregate", "SWITCH"), fmt.Sprintf("flow_count=%d", flows))
	run("mod-flows", "SWITCH", "table=50 actions=drop")
	run("--strict", "del-flows", "SWITCH", "table=44,priority=100,conj_id=1001,ip")
	require.Len(t, s.Flows(), flows-1)
	run("set-frags", "SWITCH", "nx-match")
	require.Contains(t, run("get-frags", "SWITCH"), "nx-match")
	run("ct-flush-zone", "SWITCH", "7")
	run("--bundle", "replace-flows", "SWITCH", "testdata/prototype.flows")
	require.Len(t, s.Flows(), flows)
	run("del-flows", "SWITCH")
	require.Empty(t, s.Flows())
}

// randomMod is any flow mod on a few flows.
func randomMod(g generator) (openflow.FlowMod, error) {
	f, err := openflow.ParseFlow(fmt.Sprintf("cookie=%d,table=%d,priority=%d,%s actions=%s", g.IntN(8), g.IntN(2), 10*(1+g.IntN(2)),
		pick(g, "ip", "ip,nw_src=10.0.0.1", "ip,nw_src=10.0.0.0/24", "tcp,tp_dst=80", "tcp,nw_src=10.0.0.1,tp_dst=80", "ipv6", "in_port=1", "reg1=1,reg2=2", "reg1=1"),
		pick(g, "drop", "output:1", "output:2", "output:1,output:2", "resubmit(,5)")))
	m := openflow.FlowMod{Flow: f, Command: pick(g, openflow.FlowAdd, openflow.FlowAdd, openflow.FlowAdd, openflow.FlowModify, openflow.FlowModifyStrict,
		openflow.FlowDelete, openflow.FlowDeleteStrict)}
	if m.Command == openflow.FlowAdd {
		m.Flow.IdleTimeout = uint16(g.IntN(2) * 1000)
		m.Flow.Importance = uint16(g.IntN(3))
		if g.IntN(4) == 0 {
			m.Flow.Flags |= openflow.FlowCheckOverlap
		}
	} else {
		m.CookieMask = pick(g, 0, uint64(1), 3, ^uint64(0))
	}
	if m.Command == openflow.FlowDelete || m.Command == openflow.FlowDeleteStrict {
		m.OutPort = pick(g, openflow.Port(0), 0, 1)
		if g.IntN(3) == 0 {
			m.Flow.Table = openflow.AllTables
		}
	}
	if g.IntN(30) == 0 {
		m.Flow.Table = 254
	}
	return m, err
}

// bundled keeps a bundle free of what Open vSwitch gets wrong there: a search, for a loose change or an overlap, may miss
// what the same bundle has added before, for it goes through the subtables that were published (cls_cursor_start in
// lib/classifier.c).
func bundled(all []openflow.FlowMod) []openflow.FlowMod {
	added := false
	for i := range all {
		m := &all[i]
		switch {
		case added && m.Command == openflow.FlowDelete:
			m.Command = openflow.FlowDeleteStrict
		case added && m.Command == openflow.FlowModify:
			m.Command = openflow.FlowModifyStrict
		case m.Command == openflow.FlowAdd:
			if added {
				m.Flow.Flags &^= openflow.FlowCheckOverlap
			}
			added = true
		}
	}
	return all
}

// code is the error code of a refusal, 0 for none.
func code(err error) openflow.ErrorCode {
	var c openflow.ErrorCode
	errors.As(err, &c)
	return c
}

func dumped(ctx context.Context, t *testing.T, c *ofconn.Conn) []string {
	var lines []string
	for f, err := range c.DumpFlows(ctx, ofconn.FlowFilter{}) {
		require.NoError(t, err)
		lines = append(lines, f.Flow.String())
	}
	slices.Sort(lines)
	return lines
}

// Random flow mods, alone and in bundles, are taken and refused as by a real switch, and leave the same flows behind.
func TestSameFlowMods_Real(t *testing.T) {
	_, theirs, ctx := bridge(t)
	s := NewSwitch(Config{})
	t.Cleanup(s.Close)
	ours, err := ofconn.New(ctx, s.Dial(), ofconn.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { ours.Close() })
	rounds := 1000
	if testing.Short() {
		rounds = 40
	}
	refused := 0
	for round := range rounds {
		g := newGenerator(uint64(5000 + round))
		var all []openflow.FlowMod
		for range 1 + g.IntN(6) {
			m, err := randomMod(g)
			require.NoError(t, err)
			all = append(all, m)
		}
		if round%2 == 0 {
			all = bundled(all)
			want, got := code(theirs.Bundle(ctx, all)), code(ours.Bundle(ctx, all))
			require.Equal(t, want, got, "round %d: %v", round, all)
			if got != 0 {
				refused++
			}
		} else {
			for _, m := range all {
				require.Equal(t, code(theirs.Send(ctx, m)), code(ours.Send(ctx, m)), "round %d: %v", round, m)
			}
		}
		require.Equal(t, dumped(ctx, t, theirs), dumped(ctx, t, ours), "round %d: %v", round, all)
	}
	require.NotZero(t, refused)
}

// Many switches in one process, each with a connection.
func TestFleet(t *testing.T) {
	const switches = 100
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var all []openflow.FlowMod
	for i := range 200 {
		all = append(all, openflow.FlowMod{Flow: openflow.Flow{Table: 22, Priority: 100,
			Match: openflow.NewMatch(openflow.Exact(openflow.EthType, openflow.EtherTypeIPv4), openflow.Exact(openflow.IPv4Src, uint64(i)))}})
	}
	errs := make(chan error, switches)
	for i := range switches {
		s := NewSwitch(Config{DatapathID: uint64(i)})
		t.Cleanup(s.Close)
		go func() {
			c, err := ofconn.New(ctx, s.Dial(), ofconn.Options{})
			if err == nil {
				err = c.Bundle(ctx, all)
				c.Close()
			}
			if n := len(s.Flows()); err == nil && n != len(all) {
				err = fmt.Errorf("switch %d has %d flows", i, n)
			}
			errs <- err
		}()
	}
	for range switches {
		require.NoError(t, <-errs)
	}
}
