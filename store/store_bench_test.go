package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// bench opens a store on a directory of its own: disk writes are part of what is measured.
func bench(b *testing.B) *Store {
	b.Helper()
	s, err := Open(context.Background(), Options{Dir: b.TempDir()})
	require.NoError(b, err)
	b.Cleanup(s.Close)
	populate(b, s)
	return s
}

func BenchmarkCreatePort(b *testing.B) {
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := bench(b)
			var n atomic.Int64
			b.SetParallelism(max(1, writers/2)) // Per processor.
			if writers == 1 {
				for b.Loop() {
					i := int(n.Add(1))
					_, err := s.Update(context.Background(), put(port(fmt.Sprintf("p%d", i), "i", i)))
					require.NoError(b, err)
				}
				b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "ports/s")
				return
			}
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := int(n.Add(1))
					if _, err := s.Update(context.Background(), put(port(fmt.Sprintf("p%d", i), "i", i))); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "ports/s")
		})
	}
}

func BenchmarkPutEntriesInBulk(b *testing.B) {
	s := bench(b)
	const bulk = 10_000
	n := 0
	for b.Loop() {
		set := fmt.Sprintf("set%d", n)
		n++
		objects := []policy.Object{ipset(set)}
		for i := range bulk {
			objects = append(objects, entry(fmt.Sprintf("%s-%d", set, i), set, fmt.Sprintf("10.%d.%d.0/24", i/256, i%256)))
		}
		_, err := s.Update(context.Background(), put(objects...))
		require.NoError(b, err)
	}
}

// BenchmarkOpen opens a directory with 100,000 ports.
func BenchmarkOpen(b *testing.B) {
	const ports, bulk = 100_000, 5000
	dir := b.TempDir()
	s, err := Open(context.Background(), Options{Dir: dir})
	require.NoError(b, err)
	populate(b, s)
	for n := 0; n < ports; n += bulk {
		var objects []policy.Object
		for i := n; i < n+bulk; i++ {
			objects = append(objects, port(fmt.Sprintf("p%d", i), "i", i+1))
		}
		_, err := s.Update(context.Background(), put(objects...))
		require.NoError(b, err)
	}
	b.Run("100000 ports", func(b *testing.B) {
		for b.Loop() {
			s.Close()
			s, err = Open(context.Background(), Options{Dir: dir})
			require.NoError(b, err)
		}
		require.Equal(b, ports, count(s, policy.KindPort))
	})
	b.Run("snapshot", func(b *testing.B) {
		for b.Loop() {
			ctx, cancel := context.WithCancel(context.Background())
			_, _, err := s.SnapshotAndWatch(ctx)
			cancel()
			require.NoError(b, err)
		}
	})
	b.Run("write among them", func(b *testing.B) {
		n := ports
		for b.Loop() {
			n++
			_, err := s.Update(context.Background(), put(port(fmt.Sprintf("p%d", n), "i", n)))
			require.NoError(b, err)
		}
	})
	b.Run("write an instance among them", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			_, err := s.Update(context.Background(), put(instance(fmt.Sprintf("i%d", n), "web")))
			require.NoError(b, err)
		}
	})
	b.Run("fsck", func(b *testing.B) {
		for b.Loop() {
			found, err := s.Fsck(context.Background())
			require.NoError(b, err)
			require.Empty(b, found)
		}
	})
	s.Close()
}
