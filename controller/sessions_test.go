package controller

import (
	"context"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"conjunct/openflow/oftest"
	"conjunct/ovsdb"
	"conjunct/ovsdb/ovsdbtest"
	"conjunct/policy"
)

// A hypervisor that nobody wrote down appears by itself.
func TestSessions_UnknownHostIsWrittenDown(t *testing.T) {
	st := openStore(t)
	c, _ := start(t, Options{Store: st})
	require.Empty(t, c.Hosts())
	newHypervisor(t, "hv-new", c)
	awaitState(t, c, "hv-new", policy.HostReady)
	st.View(func(s *policy.Snapshot) {
		h, ok := policy.Find[*policy.Hypervisor](s, policy.HostID("hv-new"))
		require.True(t, ok)
		require.Equal(t, "hv-new", h.Name)
	})
	require.Len(t, c.Hosts(), 1)
}

// A switch whose datapath id no database has told gets nothing, and is let go.
func TestSessions_UnknownDatapathIsRefused(t *testing.T) {
	c, _ := start(t, Options{Store: openStore(t)}, func(l *limits) { l.bind = 50 * time.Millisecond })
	sw := oftest.NewSwitch(oftest.Config{DatapathID: 0x1234})
	defer sw.Close()
	nc, err := net.Dial("tcp", c.OpenFlowAddr().String())
	require.NoError(t, err)
	tap := &wiretap{Conn: nc, h: &hypervisor{counts: make(map[byte]int)}, closed: make(chan struct{})}
	sw.Attach(tap)
	select {
	case <-tap.closed:
	case <-time.After(patience):
		t.Fatal("still connected")
	}
	require.Empty(t, sw.Flows())
	require.Zero(t, tap.h.mods())
}

// A system-id that could not be an object's id is refused, and so is a host that is not the one that was dialled.
func TestSessions_WrongNames(t *testing.T) {
	st := openStore(t)
	c, _ := start(t, Options{Store: st})
	for _, id := range []string{"not a name", "../x"} {
		db := ovsdbtest.New(id)
		t.Cleanup(db.Close)
		nc, err := net.Dial("tcp", c.OVSDBAddr().String())
		require.NoError(t, err)
		db.ServeConn(nc) // returns when the controller hangs up
		require.Zero(t, db.Transactions())
	}
	require.Empty(t, c.Hosts())

	db := ovsdbtest.New("somebody-else")
	t.Cleanup(db.Close)
	path := filepath.Join(shortDir(t), "db.sock")
	_, err := db.Listen("unix", path, nil)
	require.NoError(t, err)
	put(t, st, &policy.Hypervisor{Meta: policy.Meta{ID: "hv1"}, Name: "hv1", Connect: policy.Endpoint("unix:" + path)})
	eventually(t, func() bool { h, ok := c.Host("hv1"); return ok && h.State == policy.HostUnknown })
	time.Sleep(100 * time.Millisecond)
	require.Zero(t, db.Transactions())
}

// A database may come before it has a name.
func TestSessions_NameComesLater(t *testing.T) {
	c, _ := start(t, Options{Store: openStore(t)})
	db := ovsdbtest.New("")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		db.DialOut(ctx, func(context.Context) (net.Conn, error) { return net.Dial("tcp", c.OVSDBAddr().String()) })
	}()
	t.Cleanup(func() { cancel(); db.Close(); <-done })
	eventually(t, func() bool { return db.Connections() == 1 })
	_, err := db.Transact(ctx, ovsdb.Update{Table: "Open_vSwitch", Row: ovsdb.Row{
		"external_ids": ovsdb.StringMap(map[string]string{"system-id": "late"}),
	}})
	require.NoError(t, err)
	eventually(t, func() bool { return db.DatapathID("br-int") == datapathText(DatapathID("late")) })
}

// The controller dials a hypervisor that says so, again and again, elsewhere when that changes, and no more when it is gone.
func TestSessions_Dialled(t *testing.T) {
	st := openStore(t)
	c, _ := start(t, Options{Store: st})
	listen := func() (*ovsdbtest.Server, policy.Endpoint) {
		db := ovsdbtest.New("hv1")
		t.Cleanup(db.Close)
		path := filepath.Join(shortDir(t), "db.sock")
		_, err := db.Listen("unix", path, nil)
		require.NoError(t, err)
		return db, policy.Endpoint("unix:" + path)
	}
	first, at := listen()
	put(t, st, &policy.Hypervisor{Meta: policy.Meta{ID: "hv1"}, Name: "hv1", Connect: at})
	eventually(t, func() bool { return len(first.Targets("br-int")) == 1 })
	first.Drop()
	eventually(t, func() bool { return first.Connections() == 1 })
	second, at := listen()
	put(t, st, &policy.Hypervisor{Meta: policy.Meta{ID: "hv1"}, Name: "hv1", Connect: at})
	eventually(t, func() bool { return len(second.Targets("br-int")) == 1 && first.Connections() == 0 })
	erase(t, st, policy.KindHypervisor, "hv1")
	eventually(t, func() bool { return second.Connections() == 0 })
	eventually(t, func() bool { _, ok := c.Host("hv1"); return !ok })
}

// A newer connection of a host replaces the older one, for the database and for the switch.
func TestSessions_NewerConnectionReplaces(t *testing.T) {
	w := newSmall(t, Options{})
	nc, err := net.Dial("tcp", w.c.OpenFlowAddr().String())
	require.NoError(t, err)
	tap := &wiretap{Conn: nc, h: w.hv, closed: make(chan struct{})}
	w.hv.sw.Attach(tap)
	require.Eventually(t, func() bool { w.change(t, int(time.Now().UnixNano()%30000)); return true }, patience, time.Millisecond)
	w.hv.requireInSync(w.c)

	done := make(chan struct{})
	nc, err = net.Dial("tcp", w.c.OVSDBAddr().String())
	require.NoError(t, err)
	go func() { defer close(done); w.hv.db.ServeConn(nc) }()
	eventually(t, func() bool { return w.hv.db.Connections() >= 1 })
	put(t, w.Store, vm("vm3", 3, "web")...)
	w.hv.plug("vm3", 3)
	awaitPort(t, w.c, "vm3", policy.PortActive)
	w.stop()
	<-done
}

// Two controllers over one store: the later one is master, the earlier stands by and does not quarrel; when the later one has gone, and
// the switch comes back, the earlier one is master again.
func TestSessions_SecondControllerTakesOver(t *testing.T) {
	w := newSmall(t, Options{})
	second, stop := start(t, Options{Store: w.Store})
	db, err := net.Dial("tcp", second.OVSDBAddr().String())
	require.NoError(t, err)
	done := make(chan struct{})
	go func() { defer close(done); w.hv.db.ServeConn(db) }()
	t.Cleanup(func() { db.Close(); <-done })
	nc, err := net.Dial("tcp", second.OpenFlowAddr().String())
	require.NoError(t, err)
	w.hv.sw.Attach(nc)
	awaitState(t, second, "hv1", policy.HostReady)
	awaitState(t, w.c, "hv1", policy.HostDisconnected)
	revision := put(t, w.Store, rule("r1", "web", 1001, anywhere))
	awaitApplied(t, second, revision)
	require.Contains(t, w.hv.sw.Dump(), "ct_tp_dst=1001")
	behind, _ := w.c.Late(revision)
	require.Equal(t, []policy.HostID{"hv1"}, behind, "what the other controller did is not known here")

	stop()
	w.hv.cutOff(true)
	w.hv.cutOff(false)
	awaitState(t, w.c, "hv1", policy.HostReady)
	w.change(t, 2)
	require.Contains(t, w.hv.sw.Dump(), "ct_tp_dst=1002")
}

// counting is a store that counts the generation ids that are taken.
type counting struct {
	Store
	taken atomic.Int64
}

func (s *counting) GenerationID(ctx context.Context) (uint64, error) {
	s.taken.Add(1)
	return s.Store.GenerationID(ctx)
}

// However many switches connect, the process takes one generation id, and another when a switch knows a greater one.
func TestMastership_OneIsEnough(t *testing.T) {
	st := &counting{Store: openStore(t)}
	m := newMastership(st)
	ids := make(chan uint64)
	for range 20 {
		go func() {
			id, err := m.after(t.Context(), 0)
			assert.NoError(t, err)
			ids <- id
		}()
	}
	first := <-ids
	for range 19 {
		require.Equal(t, first, <-ids)
	}
	require.EqualValues(t, 1, st.taken.Load())
	for range 2 {
		id, err := m.after(t.Context(), first)
		require.NoError(t, err)
		require.Greater(t, id, first)
		require.EqualValues(t, 2, st.taken.Load())
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	<-m.turn
	_, err := m.after(gone, 0)
	require.ErrorIs(t, err, context.Canceled)
}

// Nothing runs any more when Run has returned, whatever came and went.
func TestSessions_NothingLeaks(t *testing.T) {
	st := openStore(t)
	put(t, st, append(basics(), vm("vm1", 1, "web")...)...)
	t.Run("a busy life", func(t *testing.T) {
		c, stop := start(t, Options{Store: st, HitsInterval: time.Millisecond, DriftInterval: time.Millisecond})
		for range 3 {
			hv := newHypervisor(t, "hv1", c)
			awaitState(t, c, "hv1", policy.HostReady)
			hv.plug("vm1", 1)
			awaitPort(t, c, "vm1", policy.PortActive)
			hv.sw.SetFaults(oftest.Faults{DropAt: 5})
			awaitState(t, c, "hv1", policy.HostReady)
			hv.cutOff(true)
			awaitState(t, c, "hv1", policy.HostDisconnected)
		}
		stop()
	})
	leaked := func() string {
		stacks := make([]byte, 1<<20)
		return string(stacks[:runtime.Stack(stacks, true)])
	}
	ours := []string{"conjunct/controller.", "conjunct/ovsdb.", "conjunct/openflow/ofconn."}
	eventually(t, func() bool {
		for _, g := range strings.Split(leaked(), "\n\n") {
			if !strings.Contains(g, "TestSessions_NothingLeaks") && slices.ContainsFunc(ours, func(s string) bool { return strings.Contains(g, s) }) {
				return false
			}
		}
		return true
	}, "goroutines: %s", leaked())
}

// Two machines with one system-id: the second is refused while the first is there, and welcome when it is gone.
func TestSessions_Twins(t *testing.T) {
	w := newSmall(t, Options{})
	twin := ovsdbtest.New("hv1")
	t.Cleanup(twin.Close)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		twin.DialOut(ctx, func(context.Context) (net.Conn, error) { return net.Dial("tcp", w.c.OVSDBAddr().String()) })
	}()
	t.Cleanup(func() { cancel(); <-done })
	time.Sleep(200 * time.Millisecond) // several attempts
	require.Zero(t, twin.Transactions())
	w.change(t, 1)
	require.Equal(t, policy.PortActive, w.c.Port("vm1").State)
	w.hv.cutOff(true)
	eventually(t, func() bool { return twin.DatapathID("br-int") != "" })
	eventually(t, func() bool { return w.c.Port("vm1").State == policy.PortUnbound })
}
