package members

import (
	"context"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"conjunct/policy"
)

// benchmarkMirror runs a mirror of n groups with each so many members into a real Redis, everything written.
func benchmarkMirror(b *testing.B, groups, each int) (*cloud, *Mirror) {
	b.Helper()
	s := startServer(b)
	c := newCloud()
	for i := range groups {
		c.change(policy.GroupID("sg-"+strconv.Itoa(i)), addrs(i*each, each), nil)
	}
	m, err := NewMirror(Options{URL: s.url(), Stream: 1 << 30, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx, c) }()
	b.Cleanup(func() {
		cancel()
		<-ended
	})
	waitMirrored(b, m, 0)
	return c, m
}

func waitMirrored(b *testing.B, m *Mirror, revision int64) {
	for {
		s := m.Stats()
		if s.Connected && s.Mirrored >= revision {
			return
		}
		if s.Errors > 0 {
			b.Fatal(s.LastError)
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// BenchmarkMirror_Changes is single changes as they come, each with a revision and an address of its own, to 1,000 groups in
// turn, until the last is in Redis. calls/s are the scripts that Redis ran for them, lag-ms what the last one took.
func BenchmarkMirror_Changes(b *testing.B) {
	_, m := benchmarkMirror(b, 1000, 100)
	client := redis.NewClient(m.redis)
	b.Cleanup(func() { client.Close() })
	told := client.XLen(b.Context(), changesKey).Val()
	first, n := int64(1_000_000), 0
	start := time.Now()
	for b.Loop() {
		m.Offer(Update{Revision: first + int64(n), Group: policy.GroupID("sg-" + strconv.Itoa(n%1000)), Adds: addrs(1_000_000+n, 1)})
		// Half of what the queue holds may wait, so that it is changes that are written and not groups as a whole.
		for n++; n%100 == 0 && m.Stats().Queue > 50_000; {
			time.Sleep(100 * time.Microsecond)
		}
	}
	last := time.Now()
	waitMirrored(b, m, first+int64(n-1))
	b.ReportMetric(float64(time.Since(last).Microseconds())/1000, "lag-ms")
	took := time.Since(start).Seconds()
	b.ReportMetric(float64(n)/took, "changes/s")
	b.ReportMetric(float64(client.XLen(b.Context(), changesKey).Val()-told)/took, "calls/s")
	if s := m.Stats(); s.Overflows+s.Repairs > 0 || s.Resyncs > 1 {
		b.Fatalf("%+v", s)
	}
}

// BenchmarkMirror_OneChange is one change, from Offer until it is in Redis.
func BenchmarkMirror_OneChange(b *testing.B) {
	_, m := benchmarkMirror(b, 1000, 100)
	revision := int64(1_000_000)
	for b.Loop() {
		revision++
		m.Offer(Update{Revision: revision, Group: "sg-7", Adds: addrs(int(revision)%5000, 1)})
		waitMirrored(b, m, revision)
	}
}

// BenchmarkMirror_Resync is 1,000 groups of 100 compared with what is in Redis, all of it there already.
func BenchmarkMirror_Resync(b *testing.B) {
	_, m := benchmarkMirror(b, 1000, 100)
	for b.Loop() {
		before := m.Stats().Resyncs
		m.doubt()
		for m.Stats().Resyncs == before {
			time.Sleep(50 * time.Microsecond)
		}
	}
}

// BenchmarkMirror_Offer is what the path to the switch pays.
func BenchmarkMirror_Offer(b *testing.B) {
	m, err := NewMirror(Options{URL: "redis://127.0.0.1:1"})
	if err != nil {
		b.Fatal(err)
	}
	m.queue.takeAll()
	u := Update{Revision: 1, Group: "sg-7", Adds: addrs(1, 1)}
	b.ReportAllocs()
	for b.Loop() {
		m.Offer(u)
	}
}
