package controller

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Who waits for a revision is woken by it, or by a later one, and by no earlier one.
func TestReached_WakesByTheRevisionAlone(t *testing.T) {
	r := reached{waiting: make(map[int64]chan struct{})}
	r.advance(5)
	require.Nil(t, r.await(5))
	require.Nil(t, r.await(4))
	seven, nine := r.await(7), r.await(9)
	require.Equal(t, seven, r.await(7), "one channel for all")
	r.advance(6)
	requireOpen(t, seven)
	r.advance(8) // 7 came with it
	<-seven
	requireOpen(t, nine)
	r.advance(9)
	<-nine
	require.Empty(t, r.waiting)
}

func requireOpen(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
		require.Fail(t, "closed")
	default:
	}
}
