package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// However many change one object at once, none loses a race to another: each looks once before its turn and once when it has it.
func TestTurns_NobodyRunsAgainAndAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, c cluster) {
		s := c.open(t)
		_, err := s.Update(t.Context(), put(group("g")))
		require.NoError(t, err)
		const many = 60
		var runs atomic.Int64
		for _, err := range together(many, func(i int) error {
			_, err := s.Update(t.Context(), func(tx policy.Tx) error {
				runs.Add(1)
				g, _ := policy.Find[*policy.Group](tx.Snapshot(), policy.GroupID("g"))
				g = g.Clone().(*policy.Group)
				g.Description += fmt.Sprintf("%d ", i)
				return tx.Put(g)
			})
			return err
		}) {
			require.NoError(t, err)
		}
		require.LessOrEqual(t, runs.Load(), int64(2*many))
		s.View(func(v *policy.Snapshot) {
			g, _ := policy.Find[*policy.Group](v, policy.GroupID("g"))
			for i := range many {
				require.Contains(t, " "+g.Description, fmt.Sprintf(" %d ", i))
			}
		})
		require.Empty(t, s.turns.queue)
		consistent(t, s)
	})
}

// Who gives up waiting is forgotten, and who comes first is served first.
func TestTurns_InOrder(t *testing.T) {
	turns, k := newTurns(), key{policy.KindGroup, "g"}
	end, waited, err := turns.take(t.Context(), k)
	require.NoError(t, err)
	require.False(t, waited)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = turns.take(gone, k)
	require.ErrorIs(t, err, context.Canceled)
	other, waited, err := turns.take(t.Context(), key{policy.KindGroup, "h"})
	require.NoError(t, err)
	require.False(t, waited)
	other()

	next := make(chan bool)
	go func() {
		end, waited, err := turns.take(context.Background(), k)
		next <- waited && err == nil
		end()
		next <- true
	}()
	require.Eventually(t, func() bool {
		turns.mu.Lock()
		defer turns.mu.Unlock()
		return turns.queue[k].uses == 2
	}, 10*time.Second, time.Millisecond)
	end()
	require.True(t, <-next)
	<-next
	require.Empty(t, turns.queue)
}
