package members

import (
	"context"
	"log/slog"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"conjunct/policy"
)

// BenchmarkMirror_Stalled is a million changes while Redis takes nothing: how much the heap grows, and how long after Redis goes on
// all is written. It measures once, whatever b.N is: run it with -benchtime=1x.
func BenchmarkMirror_Stalled(b *testing.B) {
	s := startServer(b)
	c := newCloud()
	for i := range 1000 {
		c.change(policy.GroupID("sg-"+strconv.Itoa(i)), addrs(i*100, 100), nil)
	}
	m, err := NewMirror(Options{URL: s.url(), Log: slog.New(slog.DiscardHandler)})
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
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	s.signal(syscall.SIGSTOP)
	before, most, longest := heap(), 0, uint64(0)
	const changes, revision = 1_000_000, 1_000_000
	for i := range changes {
		m.Offer(Update{Revision: revision, Group: policy.GroupID("sg-" + strconv.Itoa(i%1000)), Adds: addrs(i, 1)})
		most = max(most, m.Stats().Queue)
		if i%100_000 == 0 {
			longest = max(longest, heap())
		}
	}
	longest = max(longest, heap())
	s.signal(syscall.SIGCONT)
	resumed := time.Now()
	for st := m.Stats(); !st.Connected || st.Mirrored < revision || st.Queue > 0; st = m.Stats() {
		if time.Since(resumed) > time.Minute {
			b.Fatalf("not caught up: %+v", st)
		}
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(float64(int64(longest-before))/(1<<20), "growth-MiB")
	b.ReportMetric(float64(most), "queued")
	b.ReportMetric(float64(time.Since(resumed).Microseconds())/1000, "caught-up-ms")
	b.ReportMetric(0, "ns/op")
}
