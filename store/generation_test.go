package store

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestGenerationID_GrowsAcrossStores begins a store anew, as after a lost disk: its numbers are greater than the lost one's, which
// switches remember.
func TestGenerationID_GrowsAcrossStores(t *testing.T) {
	last := uint64(0)
	for _, name := range []string{"first", "second"} {
		s, err := Open(t.Context(), Options{Dir: filepath.Join(t.TempDir(), name)})
		require.NoError(t, err)
		for range 3 {
			id, err := s.GenerationID(t.Context())
			require.NoError(t, err)
			require.Greater(t, id, last, name)
			last = id
		}
		s.Close()
	}
}

// TestGenerationID_GrowsWhateverTheClock sets the clock back, and asks from several sides at once: no number comes twice.
func TestGenerationID_GrowsWhateverTheClock(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	s, err := Open(t.Context(), Options{Dir: filepath.Join(t.TempDir(), "etcd"), Clock: clock})
	require.NoError(t, err)
	defer s.Close()
	first, err := s.GenerationID(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1_000_000, first)
	mu.Lock()
	now = time.UnixMilli(5)
	mu.Unlock()
	ids := make(chan uint64, 8)
	var work sync.WaitGroup
	for range cap(ids) {
		work.Go(func() {
			id, err := s.GenerationID(t.Context())
			if err == nil {
				ids <- id
			}
		})
	}
	work.Wait()
	close(ids)
	seen := map[uint64]bool{first: true}
	for id := range ids {
		require.Greater(t, id, first)
		require.False(t, seen[id], "%d came twice", id)
		seen[id] = true
	}
	require.Len(t, seen, 1+cap(ids))
}
