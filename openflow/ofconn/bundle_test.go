package ofconn_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/openflow/ofconn"
	"conjunct/openflow/oftest"
)

func TestBundle(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	require.NoError(t, c.Bundle(ctx(t), manyFlows(10_000)))
	require.Len(t, s.Flows(), 10_000)
	require.NoError(t, c.Bundle(ctx(t), nil))
	sum, err := c.Aggregate(ctx(t), openflow.AggregateRequest{Table: openflow.AllTables})
	require.NoError(t, err)
	require.EqualValues(t, 10_000, sum.Flows)
}

// refused is a bundle error that says that nothing was applied.
func refused(t *testing.T, err error, index int, cause error) *ofconn.BundleError {
	t.Helper()
	var e *ofconn.BundleError
	require.ErrorAs(t, err, &e)
	require.False(t, e.Unknown, err)
	require.Equal(t, index, e.Index, err)
	require.ErrorIs(t, err, cause)
	return e
}

func TestBundle_RefusedWhenAdded(t *testing.T) {
	for _, n := range []int{1, 2, 3000, 5000} {
		c, s := connect(t, oftest.Config{}, ofconn.Options{})
		s.SetFaults(oftest.Faults{RefuseMod: n})
		e := refused(t, c.Bundle(ctx(t), manyFlows(5000)), n-1, openflow.ErrTableFull)
		require.EqualValues(t, n-1, e.Mod.Flow.Cookie)
		require.Empty(t, s.Flows())
		s.SetFaults(oftest.Faults{})
		require.NoError(t, c.Bundle(ctx(t), manyFlows(5000)), "the connection lives on")
	}
}

func TestBundle_RefusedAtCommit(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	s.SetFaults(oftest.Faults{RefuseAtCommit: 7, RefuseWith: openflow.ErrOverlap})
	e := refused(t, c.Bundle(ctx(t), manyFlows(9)), 6, openflow.ErrOverlap)
	require.EqualValues(t, 6, e.Mod.Flow.Cookie)
	require.ErrorContains(t, e, "nothing applied")
	require.Empty(t, s.Flows())
}

func TestBundle_RefusedAltogether(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	s.SetFaults(oftest.Faults{RefuseBundles: true})
	refused(t, c.Bundle(ctx(t), manyFlows(9)), -1, openflow.ErrBadType)
}

// A flow mod that is too long for a message is named, before anything of the bundle can be applied.
func TestBundle_TooLong(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	mods := manyFlows(3)
	for id := range uint32(4200) {
		mods[1].Flow.Actions = append(mods[1].Flow.Actions, openflow.Conjunction{ID: id, Clause: 0, N: 2})
	}
	var e *ofconn.BundleError
	require.ErrorAs(t, c.Bundle(ctx(t), mods), &e)
	require.Equal(t, 1, e.Index)
	require.False(t, e.Unknown)
	require.ErrorContains(t, e, "65535")
	require.Empty(t, s.Flows())
	require.NoError(t, c.Barrier(ctx(t)))
}

// The barrier that tells that all flow mods were taken is not answered: nothing was committed.
func TestBundle_BarrierLost(t *testing.T) {
	conn, s := connect(t, oftest.Config{}, ofconn.Options{})
	s.SetFaults(oftest.Faults{LoseBarrier: 1})
	short, cancel := context.WithTimeout(ctx(t), 100*time.Millisecond)
	defer cancel()
	refused(t, conn.Bundle(short, manyFlows(3)), -1, context.DeadlineExceeded)
	require.NoError(t, conn.Barrier(ctx(t)))
	require.Empty(t, s.Flows())
}

// The commit was sent and not answered: nobody knows.
func TestBundle_Unknown(t *testing.T) {
	for name, c := range map[string]struct {
		faults  oftest.Faults
		applied int
		cause   error
	}{
		"applied, reply lost":                  {oftest.Faults{LoseCommit: true}, 3, context.DeadlineExceeded},
		"not applied, reply lost":              {oftest.Faults{LoseCommitUndone: true}, 0, context.DeadlineExceeded},
		"applied, connection lost":             {oftest.Faults{LoseCommit: true, Break: true}, 3, ofconn.ErrClosed},
		"applied, barrier after it lost":       {oftest.Faults{LoseBarrier: 2}, 3, context.DeadlineExceeded},
		"connection lost as commit is read":    {oftest.Faults{DropAt: 6}, 0, ofconn.ErrClosed},
		"connection lost as the barrier comes": {oftest.Faults{DropAt: 7}, 3, ofconn.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			conn, s := connect(t, oftest.Config{}, ofconn.Options{})
			s.SetFaults(c.faults)
			short, cancel := context.WithTimeout(ctx(t), 500*time.Millisecond)
			defer cancel()
			var e *ofconn.BundleError
			require.ErrorAs(t, conn.Bundle(short, manyFlows(3)), &e)
			require.ErrorIs(t, e, c.cause)
			require.True(t, e.Unknown)
			require.Equal(t, -1, e.Index)
			require.Len(t, s.Flows(), c.applied)
		})
	}
}

// A single flow mod needs no bundle, and fails in the same ways.
func TestBundle_OfOne(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	s.SetFaults(oftest.Faults{RefuseBundles: true})
	require.NoError(t, c.Bundle(ctx(t), manyFlows(1)))
	require.Len(t, s.Flows(), 1)

	s.SetFaults(oftest.Faults{RefuseMod: 1})
	e := refused(t, c.Bundle(ctx(t), manyFlows(2)[1:]), 0, openflow.ErrTableFull)
	require.EqualValues(t, 1, e.Mod.Flow.Cookie)
	require.Len(t, s.Flows(), 1)

	long := add(t, "table=44,priority=100,ip actions=drop")
	for id := range uint32(4200) {
		long.Flow.Actions = append(long.Flow.Actions, openflow.Conjunction{ID: id, Clause: 0, N: 2})
	}
	require.ErrorAs(t, c.Bundle(ctx(t), []openflow.FlowMod{long}), &e)
	require.Equal(t, 0, e.Index)
	require.False(t, e.Unknown)

	s.SetFaults(oftest.Faults{LoseBarrier: 1})
	short, cancel := context.WithTimeout(ctx(t), 300*time.Millisecond)
	defer cancel()
	require.ErrorAs(t, c.Bundle(short, manyFlows(2)[1:]), &e)
	require.True(t, e.Unknown)
	require.Len(t, s.Flows(), 2)

	s.SetFaults(oftest.Faults{DropAt: 1})
	require.ErrorAs(t, c.Bundle(ctx(t), manyFlows(1)), &e)
	require.True(t, e.Unknown)
	require.ErrorAs(t, c.Bundle(ctx(t), manyFlows(1)), &e)
	require.False(t, e.Unknown, "it was not sent at all")
}

// A connection that breaks before the commit leaves nothing behind.
func TestBundle_Dropped(t *testing.T) {
	for n := 1; n <= 5; n++ { // open, three flow mods, barrier
		c, s := connect(t, oftest.Config{}, ofconn.Options{})
		s.SetFaults(oftest.Faults{DropAt: n})
		refused(t, c.Bundle(ctx(t), manyFlows(3)), -1, ofconn.ErrClosed)
		require.Empty(t, s.Flows())
	}
}

// A switch forgets an idle bundle, and would take the rest as a new one: the half of a change must never be committed.
func TestBundle_Idle(t *testing.T) {
	c, s := connect(t, oftest.Config{BundleIdle: 20 * time.Millisecond}, ofconn.Options{})
	mods := manyFlows(3000)
	slow := iter.Seq[openflow.FlowMod](func(yield func(openflow.FlowMod) bool) {
		for i, m := range mods {
			if i == 2000 {
				time.Sleep(time.Second)
			}
			if !yield(m) {
				return
			}
		}
	})
	refused(t, c.BundleSeq(ctx(t), slow), -1, openflow.ErrBundleTimeout)
	require.Empty(t, s.Flows())
}

// A switch that does not read cannot hold a caller for longer than its context.
func TestBundle_SwitchDeaf(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	s.SetFaults(oftest.Faults{Deaf: true})
	short, cancel := context.WithTimeout(ctx(t), 300*time.Millisecond)
	defer cancel()
	refused(t, c.Bundle(short, manyFlows(50_000)), -1, context.DeadlineExceeded)
	require.Empty(t, s.Flows())
}

// ... nor the connection for longer than its time-out of a write.
func TestWriteTimeout(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{WriteTimeout: 50 * time.Millisecond})
	s.SetFaults(oftest.Faults{Deaf: true})
	refused(t, c.Bundle(ctx(t), manyFlows(50_000)), -1, ofconn.ErrClosed)
	require.Error(t, c.Err())
}

func TestBundle_SlowSwitch(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	s.SetFaults(oftest.Faults{Delay: time.Millisecond})
	require.NoError(t, c.Bundle(ctx(t), manyFlows(50)))
	require.Len(t, s.Flows(), 50)
}

// Bundles of one connection take turns.
func TestBundle_Concurrent(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	all := manyFlows(400)
	errs := make(chan error)
	for i := range 4 {
		go func() { errs <- c.Bundle(ctx(t), all[100*i:100*(i+1)]) }()
	}
	var err error
	for range 4 {
		err = errors.Join(err, <-errs)
	}
	require.NoError(t, err)
	require.Len(t, s.Flows(), 400)
}

func TestRestart(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	require.NoError(t, c.Bundle(ctx(t), manyFlows(3)))
	s.Restart()
	<-c.Done()
	require.Error(t, c.Err())
	require.Empty(t, s.Flows())
	require.NoError(t, again(t, s).Bundle(ctx(t), manyFlows(3)))
}

// Flow mods that need not be one step go in one turn. The error of one says which, and that the others may have been carried out.
func TestApart(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	s.SetFaults(oftest.Faults{RefuseBundles: true})
	require.NoError(t, c.Apart(ctx(t), manyFlows(3)))
	require.Len(t, s.Flows(), 3)
	require.NoError(t, c.Apart(ctx(t), nil))

	s.SetFaults(oftest.Faults{RefuseMod: 2})
	var e *ofconn.BundleError
	require.ErrorAs(t, c.Apart(ctx(t), manyFlows(6)[3:]), &e)
	require.Equal(t, 1, e.Index)
	require.EqualValues(t, 4, e.Mod.Flow.Cookie)
	require.True(t, e.Unknown)
	require.ErrorIs(t, e, openflow.ErrTableFull)
	require.NoError(t, c.Barrier(ctx(t)))
	require.Len(t, s.Flows(), 5)

	s.SetFaults(oftest.Faults{LoseBarrier: 1})
	short, cancel := context.WithTimeout(ctx(t), 300*time.Millisecond)
	defer cancel()
	require.ErrorAs(t, c.Apart(short, manyFlows(3)), &e)
	require.True(t, e.Unknown)
	require.Equal(t, -1, e.Index)
}
