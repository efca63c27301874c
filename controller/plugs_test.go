package controller

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/ovsdb/ovsdbtest"
	"conjunct/policy"
)

// A port that is plugged in again with another number: the mark goes first, then the zone, then the flows; the mark comes back last.
func TestPlugs_ReplugWithAnotherNumber(t *testing.T) {
	w := newSmall(t, Options{})
	eventually(t, func() bool { return w.hv.db.Installed("tap1") != "" })
	n := len(w.hv.since(0))
	marked := "?"
	w.hv.onMessage(openflow.TypeBundleAdd, 1, func() { marked = w.hv.db.Installed("tap1") })
	require.NoError(t, ovsdbtest.SetOFPort(context.Background(), w.hv.db, "tap1", 9))
	eventually(t, func() bool { return strings.Contains(w.hv.db.Installed("tap1"), " 9 fa:16:3e:00:00:01") })
	require.Empty(t, marked)
	require.Equal(t, "flush 9", w.hv.since(n)[0])
	w.hv.requireInSync(w.c)
	require.NotContains(t, w.hv.sw.Dump(), "in_port=1,")
	require.Contains(t, w.hv.sw.Dump(), "in_port=9,")
}

// A number that another port gets is flushed, before the flows and after them; the same port in the same place is not.
func TestPlugs_NumberIsUsedAgain(t *testing.T) {
	w := newSmall(t, Options{})
	put(t, w.Store, vm("vm3", 3, "web")...)
	n := len(w.hv.since(0))
	require.NoError(t, ovsdbtest.SetExternalID(context.Background(), w.hv.db, "Interface", "tap1", "iface-id", "vm3"))
	awaitPort(t, w.c, "vm3", policy.PortActive)
	order := w.hv.since(n)
	require.Equal(t, "flush 1", order[0])
	require.Equal(t, "flush 1", order[len(order)-1], "what the former port began meanwhile is not the new one's")
	w.hv.requireInSync(w.c)
	require.Equal(t, policy.PortUnbound, w.c.Port("vm1").State)
	eventually(t, func() bool { return strings.Contains(w.hv.db.Installed("tap1"), " 1 fa:16:3e:00:00:03") })

	n = len(w.hv.since(0))
	w.change(t, 1)
	for _, m := range w.hv.since(n) {
		require.NotContains(t, m, "flush")
	}
}

// A port whose MAC changes is unmarked before its flows change, and marked with the other MAC afterwards.
func TestPlugs_MACChanges(t *testing.T) {
	w := newSmall(t, Options{})
	eventually(t, func() bool { return w.hv.db.Installed("tap1") != "" })
	marked := "?"
	w.hv.onMessage(openflow.TypeBundleAdd, 1, func() { marked = w.hv.db.Installed("tap1") })
	p := vm("vm1", 1)[1].(*policy.Port)
	p.MAC[5] = 0x77
	awaitApplied(t, w.c, put(t, w.Store, p))
	require.Empty(t, marked)
	eventually(t, func() bool { return strings.Contains(w.hv.db.Installed("tap1"), " 1 fa:16:3e:00:00:77") })
	w.hv.requireInSync(w.c)
}

// A port that is deleted in the store loses its flows and its mark, although it is still plugged in.
func TestPlugs_DeletedPort(t *testing.T) {
	w := newSmall(t, Options{})
	eventually(t, func() bool { return w.hv.db.Installed("tap1") != "" })
	awaitApplied(t, w.c, erase(t, w.Store, policy.KindPort, "vm1"))
	require.NotContains(t, w.hv.sw.Dump(), "in_port=1,")
	eventually(t, func() bool { return w.hv.db.Installed("tap1") == "" })
	require.Equal(t, policy.PortUnbound, w.c.Port("vm1").State)
	awaitApplied(t, w.c, put(t, w.Store, vm("vm1", 1, "web")...))
	awaitPort(t, w.c, "vm1", policy.PortActive)
	w.hv.requireInSync(w.c)
}

// Two interfaces that claim to be one port: neither passes anything, and both are told of.
func TestPlugs_SameIfaceTwice(t *testing.T) {
	w := newSmall(t, Options{})
	p := vm("vm1", 1)[1].(*policy.Port)
	p.HypervisorID = "hv1"
	put(t, w.Store, p)
	w.hv.plug("vm1", 5)
	awaitPort(t, w.c, "vm1", policy.PortFailed)
	require.Contains(t, w.c.Port("vm1").Problem, "tap1 and tap5")
	eventually(t, func() bool { return w.hv.sw.Dump() == desired(t, w.c, "hv1") })
	require.NotContains(t, w.hv.sw.Dump(), "in_port=1,")
	require.NotContains(t, w.hv.sw.Dump(), "in_port=5,")
	h, _ := w.c.Host("hv1")
	require.Equal(t, []string{`iface-id "vm1" is on interfaces tap1 and tap5: none of them passes anything`}, h.Problems)
	eventually(t, func() bool { return w.hv.db.Installed("tap1") == "" })
	w.hv.unplug(5)
	awaitPort(t, w.c, "vm1", policy.PortActive)
	w.hv.requireInSync(w.c)
}

// Uplinks are told by their role; an interface that is nothing passes nothing.
func TestPlugs_UplinksAndStrangers(t *testing.T) {
	w := newSmall(t, Options{})
	require.NoError(t, w.hv.db.AddUplink("br-int", "eth1", 40))
	eventually(t, func() bool { return strings.Contains(w.hv.sw.Dump(), "in_port=40,dl_vlan=7") })
	w.hv.requireInSync(w.c)
	require.NoError(t, w.hv.db.AddInterface("br-int", "stray", "", 41, ""))
	eventually(t, func() bool { h, _ := w.c.Host("hv1"); return len(h.Problems) == 1 })
	h, _ := w.c.Host("hv1")
	require.Contains(t, h.Problems[0], "stray has no iface-id")
	require.NotContains(t, w.hv.sw.Dump(), "in_port=41")
	require.NoError(t, w.hv.db.AddInterface("br-int", "unknown", "nobody", 42, ""))
	require.NoError(t, w.hv.db.RemoveInterface("br-int", "eth1"))
	eventually(t, func() bool { return !strings.Contains(w.hv.sw.Dump(), "in_port=40") })
	require.NotContains(t, w.hv.sw.Dump(), "in_port=42")
}

// The switch says that a port is gone before the database does: its flows go at once. When it comes back as it was, they do too.
func TestPlugs_SwitchTellsFirst(t *testing.T) {
	w := newSmall(t, Options{})
	w.hv.sw.RemovePort(1)
	eventually(t, func() bool { return !strings.Contains(w.hv.sw.Dump(), "in_port=1,") })
	require.Equal(t, policy.PortUnbound, w.c.Port("vm1").State)
	w.hv.sw.AddPorts(1)
	awaitPort(t, w.c, "vm1", policy.PortActive)
	w.hv.requireInSync(w.c)
}

// Changed is closed when, and only when, the port's state changes.
func TestPorts_Changed(t *testing.T) {
	w := newSmall(t, Options{})
	put(t, w.Store, vm("vm3", 3, "web")...)
	unseen, active := w.c.Changed("vm3"), w.c.Changed("vm1")
	w.hv.plug("vm3", 3)
	for w.c.Port("vm3").State != policy.PortActive {
		select {
		case <-unseen:
			unseen = w.c.Changed("vm3")
		case <-time.After(patience):
			t.Fatal("nobody told")
		}
	}
	w.change(t, 1)
	select {
	case <-active:
		t.Fatal("vm1 has not changed")
	case <-time.After(50 * time.Millisecond):
	}
	w.hv.cutOff(true)
	<-active
	require.Equal(t, policy.PortDegraded, w.c.Port("vm1").State)
}
