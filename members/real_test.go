package members

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

func waitConnected(t *testing.T, m *Mirror, want bool) {
	t.Helper()
	require.Eventually(t, func() bool { return m.Stats().Connected == want }, time.Minute, time.Millisecond, "%+v", m.Stats())
}

func TestRedis_KilledAndRestartedEmpty(t *testing.T) {
	s := startServer(t)
	c := newCloud()
	for i := range 20 {
		c.change(policy.GroupID(fmt.Sprintf("sg-%d", i)), addrs(i*100, 50), nil)
	}
	m := startMirror(t, c, Options{URL: s.url()})
	requireMirrored(t, s.client(), c, m)
	s.kill()
	waitConnected(t, m, false)
	c.change("sg-1", addrs(7000, 10), addrs(100, 5))
	c.delete("sg-2")
	s.start()
	c.change("sg-3", addrs(8000, 10), nil)
	requireMirrored(t, s.client(), c, m)
	require.NotEmpty(t, m.Stats().LastError)
	require.GreaterOrEqual(t, m.Stats().Resyncs, uint64(2))
}

func TestRedis_Flushed(t *testing.T) {
	s := startServer(t)
	c := newCloud()
	for i := range 20 {
		c.change(policy.GroupID(fmt.Sprintf("sg-%d", i)), addrs(i*100, 50), nil)
	}
	m := startMirror(t, c, Options{URL: s.url()})
	client := s.client()
	for range 3 {
		requireMirrored(t, client, c, m)
		waitConnected(t, m, true)
		require.NoError(t, client.FlushAll(t.Context()).Err())
	}
	requireMirrored(t, client, c, m)
	require.Zero(t, m.Stats().Errors)
}

func TestRedis_ConnectionsCut(t *testing.T) {
	s := startServer(t)
	c := newCloud()
	m := startMirror(t, c, Options{URL: s.url()})
	client := s.client()
	for i := range 5 {
		c.change("sg", addrs(i*10, 10), nil)
		requireMirrored(t, client, c, m)
		waitConnected(t, m, true)
		require.NoError(t, client.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err())
		require.Eventually(t, func() bool { return m.Stats().Errors == uint64(i+1) }, time.Minute, time.Millisecond)
	}
	requireMirrored(t, client, c, m)
}

// A server that takes connections and answers nothing holds up nobody, and costs no more memory the longer it lasts.
func TestRedis_Stalled(t *testing.T) {
	const limit = 2_000
	for name, timeout := range map[string]time.Duration{"noticed": 200 * time.Millisecond, "not noticed": time.Hour} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t)
			c := newCloud()
			for i := range 200 {
				c.change(policy.GroupID(fmt.Sprintf("sg-%d", i)), addrs(i*100, 20), nil)
			}
			m := startMirror(t, c, Options{URL: s.url(), Queue: limit, Timeout: timeout})
			requireMirrored(t, s.client(), c, m)
			waitConnected(t, m, true)

			s.signal(syscall.SIGSTOP)
			heap := func() uint64 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.HeapAlloc
			}
			before := heap()
			// The test itself would hang here if Offer waited for anything.
			for i := range 1_000_000 {
				a := addrs(i, 1)
				m.Offer(Update{Revision: 1_000_000, Group: policy.GroupID("sg-" + strconv.Itoa(i%5000)), Adds: a})
				if i%1000 == 0 {
					require.LessOrEqual(t, m.Stats().Queue, limit)
				}
			}
			require.Less(t, int64(heap())-int64(before), int64(8<<20), "bytes held for a million changes")
			require.Positive(t, m.Stats().Overflows)
			require.Positive(t, m.Stats().Lag)
			if name == "noticed" {
				waitConnected(t, m, false)
			}
			// Those changes are of no revision of the cloud's; what it says when it is asked is what counts.
			c.mu.Lock()
			c.revision = 1_000_001
			c.mu.Unlock()
			for i := range 200 {
				c.change(policy.GroupID(fmt.Sprintf("sg-%d", i)), addrs(500_000+i*100, 20), addrs(i*100, 10))
			}
			c.delete("sg-7")
			s.signal(syscall.SIGCONT)
			requireMirrored(t, s.client(), c, m)
			waitConnected(t, m, true)
			require.Eventually(t, func() bool { return m.Stats().Lag == 0 && m.Stats().Queue == 0 }, time.Minute, time.Millisecond)
		})
	}
}

func TestRedis_RunEndsWhileRedisIsStalled(t *testing.T) {
	s := startServer(t)
	c := newCloud()
	m, err := NewMirror(Options{URL: s.url(), Log: slog.New(slog.DiscardHandler), Timeout: time.Hour})
	require.NoError(t, err)
	c.mirror = m
	run := func(ctx context.Context) chan error {
		ended := make(chan error, 1)
		go func() { ended <- m.Run(ctx, c) }()
		waitConnected(t, m, true)
		return ended
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := run(ctx)
	s.signal(syscall.SIGSTOP)
	c.change("sg", addrs(1, 1), nil)
	require.Eventually(t, func() bool { return m.Stats().Queue == 0 }, time.Minute, time.Millisecond, "the change is on its way")
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.False(t, m.Stats().Connected)
	s.signal(syscall.SIGCONT)

	// The same mirror may run again, and has missed nothing meanwhile.
	c.change("sg", addrs(2, 1), nil)
	ctx, cancel = context.WithCancel(t.Context())
	ended = run(ctx)
	requireMirrored(t, s.client(), c, m)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

// Whoever reads a group in one transaction sees it as it was at the revision that it reads.
func TestRedis_ReadersSeeOneRevision(t *testing.T) {
	s := startServer(t)
	c := newCloud()
	c.history = map[policy.GroupID]map[int64][]string{}
	c.change("sg", addrs(0, 5), nil)
	m := startMirror(t, c, Options{URL: s.url(), Audit: 50 * time.Millisecond})
	client := s.client()
	requireMirrored(t, client, c, m)

	ctx, cancel := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		r := rand.New(rand.NewPCG(1, 2))
		for ctx.Err() == nil {
			c.change("sg", addrs(r.IntN(100), 1+r.IntN(3)), addrs(100+r.IntN(100), 1))
			c.change("sg", addrs(100+r.IntN(100), 1), addrs(r.IntN(100), 3))
			time.Sleep(100 * time.Microsecond)
		}
	})
	defer writer.Wait()
	defer cancel()
	revisions := map[int64]bool{}
	for len(revisions) < 300 {
		var state *redis.MapStringStringCmd
		var v4, v6 *redis.StringSliceCmd
		_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			state, v4, v6 = p.HGetAll(ctx, stateKey("sg")), p.SMembers(ctx, MemberKey("sg", 4)), p.SMembers(ctx, MemberKey("sg", 6))
			return nil
		})
		require.NoError(t, err)
		revision, err := strconv.ParseInt(state.Val()["revision"], 10, 64)
		require.NoError(t, err)
		revisions[revision] = true
		got := append(v4.Val(), v6.Val()...)
		slices.Sort(got)
		require.Equal(t, c.at("sg", revision), got, "at revision %d", revision)
	}
}

// Whoever read the sets once and follows the stream knows what the sets are.
func TestRedis_FollowersOfTheStreamKeepUp(t *testing.T) {
	s := startServer(t)
	c := newCloud()
	c.history = map[policy.GroupID]map[int64][]string{}
	c.change("sg", addrs(0, 5), nil)
	m := startMirror(t, c, Options{URL: s.url(), Audit: 50 * time.Millisecond})
	client := s.client()
	requireMirrored(t, client, c, m)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 500 {
		c.change("sg", addrs(r.IntN(300), 1+r.IntN(3)), addrs(300+r.IntN(300), 1))
		c.change("sg", addrs(300+r.IntN(300), 1), addrs(r.IntN(300), 3))
		if i%100 == 50 {
			client.SAdd(t.Context(), MemberKey("sg", 4), "10.66.66.66") // and what puts it right is told too
		}
	}
	requireMirrored(t, client, c, m)
	require.Eventually(t, func() bool { return m.Stats().Queue == 0 }, time.Minute, time.Millisecond)

	entries, err := client.XRange(t.Context(), changesKey, "-", "+").Result()
	require.NoError(t, err)
	require.Equal(t, "reset", entries[0].Values["kind"])
	known := map[string]bool{}
	for _, member := range c.at("sg", 2) {
		known[member] = true
	}
	for _, e := range entries[1:] {
		require.Equal(t, "change", e.Values["kind"])
		for _, member := range words(e.Values["added"]) {
			known[member] = true
		}
		for _, member := range words(e.Values["removed"]) {
			delete(known, member)
		}
	}
	delete(known, "10.66.66.66") // came by hand, which no stream tells; that it left may have been told or not
	got, err := mirrored(client)
	require.NoError(t, err)
	require.Len(t, known, len(got["sg"]))
	for _, member := range got["sg"] {
		require.True(t, known[member], member)
	}
}

// Everything at once, in any order: what the cloud has in the end is what Redis has.
func TestRedis_Chaos(t *testing.T) {
	s := startServer(t)
	c := newCloud()
	m := startMirror(t, c, Options{URL: s.url(), Queue: 200, Audit: 200 * time.Millisecond, Timeout: 200 * time.Millisecond})
	r := rand.New(rand.NewPCG(5, 6))
	group := func() policy.GroupID { return policy.GroupID("sg-" + strconv.Itoa(r.IntN(30))) }
	pick := func() (out []netip.Prefix) {
		if r.IntN(10) == 0 {
			return addrs(r.IntN(1000), r.IntN(3000))
		}
		return addrs(r.IntN(100), r.IntN(4))
	}
	client := s.client()
	for range 3000 {
		switch n := r.IntN(1000); {
		case n < 3:
			s.kill()
			s.start()
		case n < 8:
			client.FlushAll(t.Context())
		case n < 13:
			client.ClientKillByFilter(t.Context(), "TYPE", "normal")
		case n < 16:
			s.signal(syscall.SIGSTOP)
			time.Sleep(time.Duration(r.IntN(500)) * time.Millisecond)
			s.signal(syscall.SIGCONT)
		case n < 26:
			client.SAdd(t.Context(), MemberKey(group(), 4), "10.66.66.66")
		case n < 36:
			client.Del(t.Context(), MemberKey(group(), 4))
		case n < 80:
			c.delete(group())
		case n < 120:
			time.Sleep(time.Millisecond)
		default:
			c.change(group(), pick(), addrs(2000+r.IntN(1000), r.IntN(5)))
			c.change(group(), addrs(2000+r.IntN(1000), r.IntN(5)), pick())
		}
	}
	requireMirrored(t, client, c, m)
	require.Positive(t, m.Stats().Resyncs)
	require.Positive(t, m.Stats().Errors)
}

func words(v any) []string {
	s, _ := v.(string)
	return strings.Fields(s)
}
