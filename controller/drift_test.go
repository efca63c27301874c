package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/policy"
)

// tamper changes the tables by hand: a flow of somebody's, one of ours with other actions, one of ours gone, and one beyond our
// tables.
func (w *small) tamper(t *testing.T) {
	t.Helper()
	require.NoError(t, w.hv.sw.Load(`
		table=10, priority=5000 actions=drop
		cookie=0x7, table=80, priority=5 actions=drop`))
	for _, f := range w.hv.sw.Flows() {
		switch {
		case f.Table == 0 && strings.Contains(f.Match.String(), "in_port=1"):
			f.Actions = []openflow.Action{openflow.Output{Port: 2}}
			f.Goto = 0
			require.NoError(t, w.hv.sw.Apply(openflow.FlowMod{Command: openflow.FlowAdd, Flow: f.Flow}))
		case f.Table == 50 && strings.Contains(f.Match.String(), "reg2=0x2"):
			require.NoError(t, w.hv.sw.Apply(removal(f.Flow)))
		}
	}
}

const beyond = "cookie=0x7, table=80, priority=5 actions=drop"

func TestDrift_Repaired(t *testing.T) {
	w := newSmall(t, Options{DriftInterval: 50 * time.Millisecond})
	w.tamper(t)
	eventually(t, func() bool { h, _ := w.c.Host("hv1"); return h.Drift.Repaired == 3 })
	h, _ := w.c.Host("hv1")
	require.Equal(t, policy.Drift{Missing: 1, Foreign: 1, Changed: 1, Repaired: 3}, h.Drift)
	eventually(t, func() bool { return strings.ReplaceAll(w.hv.sw.Dump(), beyond, "") != w.hv.sw.Dump() })
	require.Equal(t, desired(t, w.c, "hv1"), withoutLine(w.hv.sw.Dump(), beyond))
	require.Equal(t, policy.PortActive, w.c.Port("vm1").State)
}

func TestDrift_Reported(t *testing.T) {
	w := newSmall(t, Options{DriftInterval: 50 * time.Millisecond, Bridge: Bridge{Foreign: ForeignReport}})
	w.tamper(t)
	eventually(t, func() bool {
		h, _ := w.c.Host("hv1")
		return h.Drift.Missing == 1 && h.Drift.Foreign == 1 && h.Drift.Changed == 1
	})
	time.Sleep(200 * time.Millisecond) // several comparisons
	h, _ := w.c.Host("hv1")
	require.Equal(t, policy.Drift{Missing: 1, Foreign: 1, Changed: 1, Repaired: 1}, h.Drift, "each is counted once; what is missing is put back")
	require.Contains(t, w.hv.sw.Dump(), "table=10, priority=5000 actions=drop")
	require.Contains(t, w.hv.sw.Dump(), "in_port=1,vlan_tci=0x0000/0x1fff actions=output:2")
	diff, err := w.c.DiffFlows("hv1")
	require.NoError(t, err)
	require.Equal(t, []string{"table=10, priority=5000 actions=drop"}, diff.Extra)
	require.Len(t, diff.Changed, 1)
	require.Empty(t, diff.Missing)
	h, _ = w.c.Host("hv1")
	require.Equal(t, []string{"2 flows in tables 0 to 63 were written by somebody else and are left alone"}, h.Problems)
}

// Foreign flows that were there before the controller are drift too, and the rest of the bridge is not wiped.
func TestDrift_AtAdoption(t *testing.T) {
	w := newSmall(t, Options{DriftInterval: time.Hour})
	w.hv.cutOff(true)
	awaitState(t, w.c, "hv1", policy.HostDisconnected)
	require.NoError(t, w.hv.sw.Load("table=10, priority=5000 actions=drop\n"+beyond))
	before := w.hv.mods()
	w.hv.cutOff(false)
	awaitState(t, w.c, "hv1", policy.HostReady)
	require.Equal(t, desired(t, w.c, "hv1"), withoutLine(w.hv.sw.Dump(), beyond))
	require.Equal(t, before+1, w.hv.mods())
	h, _ := w.c.Host("hv1")
	require.Equal(t, policy.Drift{Foreign: 1, Repaired: 1}, h.Drift)
}

// withoutLine is a text without one of its lines.
func withoutLine(text, line string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(without(lines, []string{line}), "\n")
}
