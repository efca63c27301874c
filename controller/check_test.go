package controller

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/policy"
)

// fill takes all tokens of a pool for as long as the test runs.
func fill(pool chan struct{}) {
	for range cap(pool) {
		pool <- struct{}{}
	}
}

// A change does not wait for a bridge that is to be checked, nor for other bridges that are compared.
func TestCheck_ChangesDoNotWait(t *testing.T) {
	w := newSmall(t, Options{DriftInterval: time.Hour})
	fill(w.c.checks)
	fill(w.c.dumps)
	w.compareNow(t)
	eventually(t, func() bool { return len(w.c.model.hosts["hv1"].audit) == 0 }, "the loop has begun a check")
	revision := put(t, w.Store, vm("vm1", 1)...)
	eventually(t, func() bool { behind, _ := w.c.Late(revision); return len(behind) == 0 })
	w.hv.requireInSync(w.c)
}

// What is changed by hand is found although changes are sent all the time.
func TestCheck_FindsDriftBesideChanges(t *testing.T) {
	w := newSmall(t, Options{DriftInterval: 20 * time.Millisecond})
	w.tamper(t)
	turn := 0
	eventually(t, func() bool {
		turn++
		put(t, w.Store, vm("vm2", 2, []policy.GroupID{"web"}[:turn%2]...)...)
		h, _ := w.c.Host("hv1")
		return h.Drift.Repaired == 3
	})
	h, _ := w.c.Host("hv1")
	require.Equal(t, policy.Drift{Missing: 1, Foreign: 1, Changed: 1, Repaired: 3}, h.Drift)
}

// A controller that starts takes a bridge over that is as it should be by its sum, without a dump and without a flow mod, and
// knows afterwards whose zones are whose.
func TestCheck_AdoptionOfAnEqualBridge(t *testing.T) {
	w := newSmall(t, Options{DriftInterval: time.Hour, HitsInterval: time.Hour})
	var again atomic.Bool
	before := w.hv.mods()
	w.hv.cutOff(true)
	awaitState(t, w.c, "hv1", policy.HostDisconnected)
	w.hv.onMessage(openflow.TypeMultipartRequest, len(ourTables.Tables)+1, func() { again.Store(true) })
	w.hv.cutOff(false)
	awaitState(t, w.c, "hv1", policy.HostReady)
	require.Equal(t, before, w.hv.mods())
	require.False(t, again.Load(), "each table is asked for once")
	var is occupants
	h := w.c.model.hosts["hv1"]
	h.look(func() { is = h.session.occupants })
	require.Len(t, is, 2)
}
