package controller

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/openflow/oftest"
	"conjunct/ovsdb"
	"conjunct/ovsdb/ovsdbtest"
	"conjunct/policy"
	"conjunct/store"
)

// small is a store with two VMs in the group web, a controller, and a host with both plugged in and in sync.
type small struct {
	*store.Store
	c    *Controller
	stop func()
	hv   *hypervisor
}

func newSmall(t *testing.T, o Options, tune ...func(*limits)) *small {
	w := &small{Store: openStore(t)}
	o.Store = w
	put(t, w.Store, append(basics(), append(vm("vm1", 1, "web"), vm("vm2", 2, "web")...)...)...)
	w.c, w.stop = start(t, o, tune...)
	w.hv = newHypervisor(t, "hv1", w.c)
	awaitState(t, w.c, "hv1", policy.HostReady)
	w.hv.plug("vm1", 1)
	w.hv.plug("vm2", 2)
	awaitPort(t, w.c, "vm1", policy.PortActive)
	awaitPort(t, w.c, "vm2", policy.PortActive)
	w.hv.requireInSync(w.c)
	return w
}

// change writes a rule and waits until it is applied.
func (w *small) change(t *testing.T, n int) {
	t.Helper()
	awaitApplied(t, w.c, put(t, w.Store, rule(fmt.Sprintf("r%d", n), "web", 1000+n, anywhere)))
}

func TestA052_PlugChangeRevertUnplug(t *testing.T) {
	w := newSmall(t, Options{})
	eventually(t, func() bool { return w.hv.db.Installed("tap1") != "" })
	require.Contains(t, w.hv.db.Installed("tap1"), " 1 fa:16:3e:00:00:01")
	empty := w.hv.sw.Dump()

	w.change(t, 1)
	require.Contains(t, w.hv.sw.Dump(), "ct_tp_dst=1001")
	w.hv.requireInSync(w.c)

	// Applied and reverted, the tables are the same.
	revision := erase(t, w.Store, policy.KindRule, "r1")
	awaitApplied(t, w.c, revision)
	require.Equal(t, empty, w.hv.sw.Dump())

	w.hv.unplug(2)
	awaitPort(t, w.c, "vm2", policy.PortUnbound)
	eventually(t, func() bool { return w.hv.sw.Dump() == desired(t, w.c, "hv1") })
	require.NotContains(t, w.hv.sw.Dump(), "in_port=2")
}

// A controller that starts anew, over the same store and switch, has nothing to say to the switch.
func TestSequence_RestartedControllerSendsNothing(t *testing.T) {
	w := newSmall(t, Options{})
	eventually(t, func() bool { return w.hv.db.Installed("tap1") != "" && w.hv.db.Installed("tap2") != "" })
	w.stop()
	before, transactions := w.hv.mods(), w.hv.db.Transactions()
	require.NotZero(t, before)
	marks := w.hv.db.Installed("tap1")

	c, _ := start(t, Options{
		Store: w.Store, OVSDBListen: "tcp:" + w.c.OVSDBAddr().String(), OpenFlowListen: "tcp:" + w.c.OpenFlowAddr().String(),
	})
	awaitPort(t, c, "vm1", policy.PortActive)
	awaitPort(t, c, "vm2", policy.PortActive)
	w.hv.requireInSync(c)
	require.Equal(t, before, w.hv.mods(), "flow mods: %v", w.hv.since(0))
	require.Equal(t, transactions, w.hv.db.Transactions())
	require.Equal(t, marks, w.hv.db.Installed("tap1"))
}

// The connection breaks at each message of a flush in turn.
func TestSequence_ConnectionBreaksInMidBundle(t *testing.T) {
	w := newSmall(t, Options{})
	for n := 1; n <= 7; n++ {
		w.hv.sw.SetFaults(oftest.Faults{DropAt: n})
		w.change(t, n)
		w.hv.sw.SetFaults(oftest.Faults{})
		w.hv.requireInSync(w.c)
	}
}

func TestSequence_AnswersAreLost(t *testing.T) {
	for name, f := range map[string]oftest.Faults{
		"barrier before the commit":       {LoseBarrier: 1},
		"barrier after the commit":        {LoseBarrier: 2},
		"commit, done":                    {LoseCommit: true},
		"commit, not done":                {LoseCommitUndone: true},
		"commit, done, connection breaks": {LoseCommit: true, Break: true},
		"commit, not done, and it breaks": {LoseCommitUndone: true, Break: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newSmall(t, Options{}, func(l *limits) { l.bundle = 200 * time.Millisecond })
			w.hv.sw.SetFaults(f)
			revision := put(t, w.Store, rule("r1", "web", 1001, anywhere))
			time.Sleep(100 * time.Millisecond) // the fault has had its chance
			w.hv.sw.SetFaults(oftest.Faults{})
			awaitApplied(t, w.c, revision)
			require.Contains(t, w.hv.sw.Dump(), "ct_tp_dst=1001")
			w.hv.requireInSync(w.c)
		})
	}
}

// A flow that the switch refuses is named; everything else is on the bridge, and the next comparison tries it again.
func TestSequence_RefusedFlow(t *testing.T) {
	for name, f := range map[string]oftest.Faults{
		"when it comes": {RefuseMod: 2, RefuseWith: openflow.ErrTableFull},
		"at the commit": {RefuseAtCommit: 2, RefuseWith: openflow.ErrTableFull},
	} {
		t.Run(name, func(t *testing.T) {
			w := newSmall(t, Options{DriftInterval: time.Hour})
			w.hv.sw.SetFaults(f)
			w.hv.onMessage(openflow.TypeBundleControl, 3, func() { w.hv.sw.SetFaults(oftest.Faults{}) }) // the next bundle
			revision := put(t, w.Store, rule("r1", "web", 1001, anywhere), rule("r2", "web", 1002, anywhere))
			awaitApplied(t, w.c, revision)
			awaitState(t, w.c, "hv1", policy.HostDegraded)
			h, _ := w.c.Host("hv1")
			require.Len(t, h.Problems, 1)
			require.Contains(t, h.Problems[0], "of group web")
			require.Contains(t, h.Problems[0], "OFPFMFC_TABLE_FULL")
			diff, err := w.c.DiffFlows("hv1")
			require.NoError(t, err)
			require.Len(t, diff.Missing, 1)
			require.Empty(t, diff.Extra)
			require.Contains(t, h.Problems[0], diff.Missing[0])

			w.hv.sw.SetFaults(oftest.Faults{})
			w.compareNow(t)
			w.hv.requireInSync(w.c)
			h, _ = w.c.Host("hv1")
			require.Zero(t, h.Drift, "a refusal is no drift")
		})
	}
}

// compareNow does what the timer does.
func (w *small) compareNow(t *testing.T) {
	t.Helper()
	w.c.model.mu.RLock()
	defer w.c.model.mu.RUnlock()
	poke(w.c.model.hosts["hv1"].audit)
}

// A switch that has lost everything gets everything again, and says so by its marks.
func TestSequence_SwitchRestarts(t *testing.T) {
	w := newSmall(t, Options{})
	w.change(t, 1)
	eventually(t, func() bool { return w.hv.db.Installed("tap1") != "" })
	before := w.hv.sw.Dump()
	cleared := false
	w.hv.onMessage(openflow.TypeBundleAdd, 1, func() { cleared = w.hv.db.Installed("tap1") == "" })
	w.hv.sw.Restart()
	require.Empty(t, w.hv.sw.Dump())
	eventually(t, func() bool { return w.hv.sw.Dump() == before })
	w.hv.requireInSync(w.c)
	eventually(t, func() bool { return w.hv.db.Installed("tap1") != "" })
	require.True(t, cleared, "the mark is gone before the flows come")
	awaitPort(t, w.c, "vm1", policy.PortActive)
}

// Without the database, policy goes on; what is plugged meanwhile is seen when it is back.
func TestSequence_DatabaseReconnects(t *testing.T) {
	w := newSmall(t, Options{})
	put(t, w.Store, vm("vm3", 3, "web")...)
	w.hv.db.Refuse(true)
	w.hv.db.Drop()
	awaitState(t, w.c, "hv1", policy.HostDegraded)
	w.change(t, 1)
	w.hv.plug("vm3", 3)
	require.Equal(t, policy.PortUnbound, w.c.Port("vm3").State)
	w.hv.db.Refuse(false)
	awaitPort(t, w.c, "vm3", policy.PortActive)
	w.hv.requireInSync(w.c)
}

// A host that is away keeps its flows and is behind what concerns it, and nothing else.
func TestSequence_HostGoneAndBack(t *testing.T) {
	w := newSmall(t, Options{})
	w.hv.cutOff(true)
	awaitState(t, w.c, "hv1", policy.HostDisconnected)
	require.Equal(t, policy.PortDegraded, w.c.Port("vm1").State)
	held := w.hv.sw.Dump()

	elsewhere := put(t, w.Store, &policy.Group{Meta: policy.Meta{ID: "other"}, Name: "other", ProjectID: "p"}, rule("o1", "other", 22, anywhere))
	awaitApplied(t, w.c, elsewhere)
	concerns := put(t, w.Store, rule("r1", "web", 1001, anywhere))
	eventually(t, func() bool { behind, _ := w.c.Behind(concerns); return len(behind) == 1 })
	behind, changed := w.c.Behind(concerns)
	require.Equal(t, []policy.HostID{"hv1"}, behind)
	h, _ := w.c.Host("hv1")
	require.Equal(t, elsewhere, h.AppliedRevision)
	require.Equal(t, concerns, h.DesiredRevision)
	require.Equal(t, held, w.hv.sw.Dump())

	later := put(t, w.Store, rule("o2", "other", 80, anywhere))
	eventually(t, func() bool { behind, _ := w.c.Behind(later); return len(behind) == 0 }, "who waits for it does not wait for the host")
	late, _ := w.c.Late(later)
	require.Equal(t, []policy.HostID{"hv1"}, late)

	w.hv.cutOff(false)
	<-changed
	awaitApplied(t, w.c, later)
	require.Contains(t, w.hv.sw.Dump(), "ct_tp_dst=1001")
	w.hv.requireInSync(w.c)
	awaitPort(t, w.c, "vm1", policy.PortActive)
}

// Two hosts: a group of one is the remote of the other's, and what concerns one does not reach the other.
func TestSequence_TwoHosts(t *testing.T) {
	w := newSmall(t, Options{})
	put(t, w.Store, &policy.Group{Meta: policy.Meta{ID: "db"}, Name: "db", ProjectID: "p"},
		rule("db-web", "db", 3306, policy.Remote{GroupID: "web"}))
	put(t, w.Store, vm("db1", 100, "db")...)
	other := newHypervisor(t, "hv2", w.c)
	awaitState(t, w.c, "hv2", policy.HostReady)
	other.plug("db1", 1)
	awaitPort(t, w.c, "db1", policy.PortActive)
	require.Contains(t, other.sw.Dump(), "ct_nw_src=10.0.0.2")

	first, second := w.hv.mods(), other.mods()
	w.change(t, 1) // a rule of web is hv1's business
	require.Equal(t, second, other.mods())
	require.Greater(t, w.hv.mods(), first)
	first = w.hv.mods()
	awaitApplied(t, w.c, put(t, w.Store, vm("vm9", 9, "web")...)) // a member of web is hv2's: one flow
	require.Equal(t, first, w.hv.mods())
	require.Equal(t, second+1, other.mods())
	w.hv.requireInSync(w.c)
	other.requireInSync(w.c)
}

// During a migration both hosts have the port; it is active throughout, and marked on the target when its flows are there.
func TestA067_Migration(t *testing.T) {
	w := newSmall(t, Options{})
	target := newHypervisor(t, "hv2", w.c)
	awaitState(t, w.c, "hv2", policy.HostReady)
	target.plug("vm1", 7)
	eventually(t, func() bool { return target.db.Installed("tap7") != "" })
	require.Contains(t, target.db.Installed("tap7"), " 7 fa:16:3e:00:00:01")
	require.Contains(t, w.hv.sw.Dump(), "in_port=1,")
	require.Contains(t, target.sw.Dump(), "in_port=7,")
	require.Equal(t, policy.PortActive, w.c.Port("vm1").State)
	w.hv.unplug(1)
	eventually(t, func() bool {
		p := w.c.Port("vm1")
		return p.State == policy.PortActive && p.HostID == "hv2" && p.OFPort == 7
	})
	eventually(t, func() bool { return w.hv.sw.Dump() == desired(t, w.c, "hv1") })
	require.NotContains(t, w.hv.sw.Dump(), "in_port=1,")
}

// When class numbers move, only a comparison with the whole bridge will do; it finds nothing amiss here.
func TestSequence_ClassesAreRenumbered(t *testing.T) {
	w := newSmall(t, Options{DriftInterval: time.Hour})
	before := w.hv.mods()
	m := w.c.model
	m.mu.Lock()
	h := m.hosts["hv1"]
	again := flows.NewHost(m.source) // wants a comparison, as after a renumbering
	again.SetUplinks(h.seating.uplinks)
	for n := range h.plugs {
		again.SetPort(h.flows.Port(n))
	}
	h.flows = again
	m.mu.Unlock()
	w.change(t, 1)
	require.Contains(t, w.hv.sw.Dump(), "ct_tp_dst=1001")
	w.hv.requireInSync(w.c)
	require.LessOrEqual(t, w.hv.mods()-before, 6, "the rule's flows, and nothing else")
}

// A switch that is there before the database has told who sits where is left as it is until then.
func TestSequence_SwitchComesBeforeTheSeating(t *testing.T) {
	w := newSmall(t, Options{})
	w.stop()
	held, before := w.hv.sw.Dump(), w.hv.mods()
	ctx := context.Background()
	require.NoError(t, ovsdbtest.Update(ctx, w.hv.db, "Bridge", "br-int", ovsdb.Row{"fail_mode": ovsdb.String("standalone")}))
	w.hv.db.Delay(300 * time.Millisecond) // which is put right first, and takes so long
	c, _ := start(t, Options{
		Store: w.Store, OVSDBListen: "tcp:" + w.c.OVSDBAddr().String(), OpenFlowListen: "tcp:" + w.c.OpenFlowAddr().String(),
	})
	awaitPort(t, c, "vm1", policy.PortActive)
	require.Equal(t, held, w.hv.sw.Dump())
	require.Equal(t, before, w.hv.mods())
}

// After a start, a host that was known before counts as behind until it is back, or has had the time; one that is written
// down meanwhile does not.
func TestSequence_GraceAfterAStart(t *testing.T) {
	st := openStore(t)
	put(t, st, append(basics(), &policy.Hypervisor{Meta: policy.Meta{ID: "hv1"}, Name: "hv1"})...)
	c, _ := start(t, Options{Store: st})
	revision := put(t, st, append(vm("vm1", 1, "web"), &policy.Hypervisor{Meta: policy.Meta{ID: "hv2"}, Name: "hv2"})...)
	behind, changed := c.Behind(revision)
	require.Equal(t, []policy.HostID{"hv1"}, behind)
	newHypervisor(t, "hv1", c)
	<-changed
	awaitApplied(t, c, revision)
	require.Equal(t, policy.HostUnknown, c.Hosts()[1].State)
}
