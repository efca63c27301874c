package ovsdb_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/ovsdb"
	"conjunct/ovsdb/ovsdbtest"
)

// tables counts the rows of a change by table.
func tables(c ovsdb.Change) map[string]int {
	n := map[string]int{}
	for _, ref := range c.Rows {
		n[ref.Table]++
	}
	return n
}

func TestNext(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := testContext(t)
		require.NoError(t, ovsdbtest.AddBridge(ctx, w.admin, "br-int"))
		c := w.dial(t)

		first, err := c.Next(ctx)
		require.NoError(t, err)
		require.Equal(t, map[string]int{"Open_vSwitch": 1, "Bridge": 1, "Port": 1, "Interface": 1}, tables(first))
		require.NotNil(t, first.Snapshot.Bridge("br-int"))
		require.Equal(t, "3.1.0", first.Snapshot.Root().OVSVersion)
		require.Equal(t, []string{"netdev", "system"}, first.Snapshot.Root().DatapathTypes)

		require.NoError(t, ovsdbtest.Plug(ctx, w.admin, "br-int", ovsdbtest.NIC{Name: "tap1"}))
		second, err := c.Next(ctx)
		require.NoError(t, err)
		require.Equal(t, map[string]int{"Bridge": 1, "Port": 1, "Interface": 1}, tables(second))
		require.NotNil(t, second.Snapshot.Interface("tap1"))
		require.Nil(t, first.Snapshot.Interface("tap1"))
		require.Greater(t, second.Snapshot.Generation, first.Snapshot.Generation)

		require.NoError(t, ovsdbtest.Unplug(ctx, w.admin, "br-int", "tap1"))
		third, err := c.Next(ctx)
		require.NoError(t, err)
		require.Equal(t, map[string]int{"Bridge": 1, "Port": 1, "Interface": 1}, tables(third), "rows that are gone are named")
		require.Nil(t, third.Snapshot.Interface("tap1"))

		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		_, err = c.Next(short)
		require.ErrorIs(t, err, context.DeadlineExceeded, "nothing has changed")
	})
}

// Columns that we don't use don't wake us.
func TestNextIsDeafToOtherColumns(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := testContext(t)
		c := w.dial(t)
		before := c.Snapshot()
		_, err := w.admin.Transact(ctx, ovsdb.Update{Table: "Open_vSwitch", Row: ovsdb.Row{"next_cfg": ovsdb.Integer(7)}})
		require.NoError(t, err)
		require.NoError(t, c.Echo(ctx))
		require.Same(t, before, c.Snapshot())
	})
}

// Who doesn't ask for long gets one change with all of it, and holds up nobody.
func TestNextMerges(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := testContext(t)
		require.NoError(t, ovsdbtest.AddBridge(ctx, w.admin, "br-int"))
		c := w.dial(t)
		_, err := c.Next(ctx)
		require.NoError(t, err)
		const plugs = 30
		for i := range plugs {
			name := fmt.Sprintf("tap%d", i)
			require.NoError(t, ovsdbtest.Plug(ctx, w.admin, "br-int", ovsdbtest.NIC{Name: name}))
			require.NoError(t, ovsdbtest.SetOFPort(ctx, w.admin, name, int64(i+1)))
		}
		require.Eventually(t, func() bool {
			last := c.Snapshot().Interface("tap29")
			return last != nil && last.OFPort == plugs
		}, time.Minute, time.Millisecond)
		change, err := c.Next(ctx)
		require.NoError(t, err)
		require.Equal(t, map[string]int{"Bridge": 1, "Port": plugs, "Interface": plugs}, tables(change))
		require.Same(t, c.Snapshot(), change.Snapshot)
	})
}

// Each step that Next shows is a state between two transactions, in order.
func TestNextStepsAreConsistent(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := testContext(t)
		require.NoError(t, ovsdbtest.AddBridge(ctx, w.admin, "br-int"))
		c := w.dial(t)
		const rounds = 40
		var writer sync.WaitGroup
		defer writer.Wait()
		writer.Go(func() {
			for i := range rounds {
				_, err := w.admin.Transact(ctx,
					ovsdb.Update{Table: "Bridge", Row: ovsdb.Row{"external_ids": ovsdb.StringMap(map[string]string{"n": fmt.Sprint(i)})}},
					ovsdb.Update{Table: "Port", Row: ovsdb.Row{"external_ids": ovsdb.StringMap(map[string]string{"n": fmt.Sprint(i)})}})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
		last := -1
		for last < rounds-1 {
			change, err := c.Next(ctx)
			require.NoError(t, err)
			br := change.Snapshot.Bridge("br-int")
			n := br.ExternalIDs["n"]
			require.Equal(t, n, change.Snapshot.PortRows[br.Ports[0]].ExternalIDs["n"])
			if n == "" {
				continue
			}
			var seen int
			_, err = fmt.Sscan(n, &seen)
			require.NoError(t, err)
			require.Greater(t, seen, last)
			last = seen
		}
	})
}

// The end of the connection ends Next; the last state remains readable.
func TestNextEndsWithTheConnection(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := w.dial(t)
		_, err := c.Next(testContext(t))
		require.NoError(t, err)
		w.restart(t)
		_, err = c.Next(testContext(t))
		require.ErrorIs(t, err, ovsdb.ErrClosed)
		require.Equal(t, "hv1", c.SystemID())
		_, err = c.EnsureBridge(testContext(t), bridgeSpec())
		require.ErrorIs(t, err, ovsdb.ErrClosed)
	})
}

// Older servers lack the better ways to monitor.
func TestOlderServers(t *testing.T) {
	for _, hidden := range [][]string{
		{"monitor_cond_since"},
		{"monitor_cond_since", "monitor_cond"},
	} {
		t.Run(fmt.Sprint(hidden), func(t *testing.T) {
			w := fakeWorld(t)
			w.fake.Hide(hidden...)
			c := plugged(t, w)
			_, err := c.EnsureBridge(testContext(t), bridgeSpec())
			require.NoError(t, err)
			require.NoError(t, ovsdbtest.Unplug(testContext(t), w.admin, "br-int", "tap1"))
			s := until(t, c, func(s *ovsdb.Snapshot) bool { return s.Interface("tap1") == nil })
			require.Equal(t, "secure", s.Bridge("br-int").FailMode)
			require.Len(t, s.Controllers, 2)
		})
	}
	w := fakeWorld(t)
	w.fake.Hide("monitor_cond_since", "monitor_cond", "monitor")
	_, err := ovsdb.Dial(testContext(t), w.unix, ovsdb.Options{})
	require.ErrorContains(t, err, "no way to monitor")
}

// A refusal of the whole call is told as it is.
func TestRefusedTransaction(t *testing.T) {
	w := fakeWorld(t)
	c := w.dial(t)
	w.fake.FailNext(ovsdb.KindNotSupported)
	_, err := c.EnsureBridge(testContext(t), bridgeSpec())
	var refusal *ovsdb.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, &ovsdb.Error{Op: "transact", Index: -1, Kind: ovsdb.KindNotSupported, Details: "injected"}, refusal)
	require.ErrorContains(t, err, "bridge br-int")
}

// A server without the database says so.
func TestDialSetupFails(t *testing.T) {
	w := fakeWorld(t)
	w.fake.Refuse(true)
	_, err := ovsdb.Dial(testContext(t), w.unix, ovsdb.Options{})
	require.ErrorIs(t, err, ovsdb.ErrClosed)
	w.fake.Refuse(false)
	w.fake.Mute(true)
	_, err = ovsdb.Dial(testContext(t), w.unix, ovsdb.Options{Setup: 50 * time.Millisecond})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
