package controller

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// What waits is applied in one go, in its order, none lost and never more than so many at a time.
func TestGathered_InOrder(t *testing.T) {
	const many = 5*gatheredAtMost + 3
	batches := make(chan policy.Batch)
	var work sync.WaitGroup
	work.Go(func() {
		defer close(batches)
		for n := range many {
			batches <- policy.Batch{Revision: int64(n + 1)}
		}
	})
	next, turns := int64(1), 0
	for list := range gathered(batches, &work) {
		require.NotEmpty(t, list)
		require.LessOrEqual(t, len(list), gatheredAtMost)
		for _, b := range list {
			require.Equal(t, next, b.Revision)
			next++
		}
		turns++
	}
	require.EqualValues(t, many+1, next)
	require.LessOrEqual(t, turns, many)
	work.Wait()
}
