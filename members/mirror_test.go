package members

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// startMirror runs a mirror of the cloud until the test ends. Times that are not given are short.
func startMirror(t *testing.T, c *cloud, o Options) *Mirror {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	if o.Probe == 0 {
		o.Probe = 20 * time.Millisecond
	}
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	m, err := NewMirror(o)
	require.NoError(t, err)
	c.mu.Lock()
	c.mirror = m
	c.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx, c) }()
	t.Cleanup(func() {
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
	return m
}

func mini(t *testing.T) (*miniredis.Miniredis, *redis.Client) {
	t.Helper()
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { client.Close() })
	return server, client
}

// entry fields of the stream, oldest first, without epochs.
func changes(t *testing.T, c *redis.Client) (out []string) {
	t.Helper()
	entries, err := c.XRange(t.Context(), changesKey, "-", "+").Result()
	require.NoError(t, err)
	for _, e := range entries {
		s := e.Values["kind"].(string) + " " + e.Values["group"].(string) + "@" + e.Values["revision"].(string)
		if added, _ := e.Values["added"].(string); added != "" {
			s += " +" + added
		}
		if removed, _ := e.Values["removed"].(string); removed != "" {
			s += " -" + removed
		}
		out = append(out, s)
	}
	return out
}

func TestMirror_LayoutAndStream(t *testing.T) {
	server, client := mini(t)
	c := newCloud()
	c.change("sg-web", append(addrs(1, 1), prefix("2001:db8::1/128"), prefix("10.9.0.0/16")), nil) // revision 2
	m := startMirror(t, c, Options{URL: "redis://" + server.Addr(), Epoch: "e1"})
	requireMirrored(t, client, c, m)
	require.Eventually(t, func() bool { return m.Stats().Connected }, time.Minute, time.Millisecond)

	requireStep := func(step func()) {
		step()
		requireMirrored(t, client, c, m)
	}
	requireStep(func() { c.change("sg-web", addrs(2, 1), addrs(1, 1)) }) // 3
	requireStep(func() { c.change("sg-empty", nil, nil) })               // 4
	v4, err := server.Members("conjunct:{sg-web}:v4")
	require.NoError(t, err)
	require.Equal(t, []string{"10.0.0.2", "10.9.0.0/16"}, v4)
	v6, err := server.Members("conjunct:{sg-web}:v6")
	require.NoError(t, err)
	require.Equal(t, []string{"2001:db8::1"}, v6)
	epoch, err := server.Get("conjunct:epoch")
	require.NoError(t, err)
	require.Equal(t, "e1", epoch)
	require.Equal(t, map[string]string{"epoch": "e1", "revision": "3", "v4": "2", "v6": "1"},
		client.HGetAll(t.Context(), "conjunct:{sg-web}:state").Val())
	require.Equal(t, map[string]string{"epoch": "e1", "revision": "4", "v4": "0", "v6": "0"},
		client.HGetAll(t.Context(), "conjunct:{sg-empty}:state").Val())

	requireStep(func() { c.delete("sg-web") })                                        // 5
	requireStep(func() { c.change("sg-empty", addrs(1, listLimit+1), nil) })          // 6
	requireStep(func() { c.change("sg-empty", nil, addrs(1, listLimit+1)) })          // 7
	requireStep(func() { c.change("sg-empty", []netip.Prefix{prefix("::/1")}, nil) }) // 8
	require.Equal(t, []string{
		"reset sg-web@2",
		"change sg-web@3 +10.0.0.2 -10.0.0.1",
		"reset sg-empty@4",
		"remove sg-web@5",
		"reset sg-empty@6",
		"reset sg-empty@7",
		"change sg-empty@8 +::/1",
	}, changes(t, client))

	stats := m.Stats()
	require.Equal(t, Stats{Connected: true, Epoch: "e1", Offered: 8, Mirrored: stats.Mirrored, Lag: stats.Lag, Queue: stats.Queue, Groups: stats.Groups, Resyncs: 1}, stats)
	require.Eventually(t, func() bool {
		s := m.Stats()
		return s.Mirrored == 8 && s.Groups == 1 && s.Queue == 0 && s.Lag == 0
	}, time.Minute, time.Millisecond)
}

func TestMirror_RemovesWhatIsOfEarlierEpochsOrGone(t *testing.T) {
	server, client := mini(t)
	ctx := t.Context()
	client.SAdd(ctx, "conjunct:{sg-gone}:v4", "10.0.0.66")
	client.HSet(ctx, "conjunct:{sg-gone}:state", "epoch", "e0", "revision", 900)
	client.SAdd(ctx, "conjunct:{sg-orphan}:v6", "2001:db8::66")
	client.SAdd(ctx, "conjunct:{sg-web}:v4", "10.0.0.66")
	client.HSet(ctx, "conjunct:{sg-web}:state", "epoch", "e0", "revision", 900, "v4", 1, "v6", 0)
	client.Set(ctx, "conjunct:{sg-wrong}:v4", "no set at all", 0)
	client.Set(ctx, "conjunct:{sg-wrong}:state", "no hash at all", 0)
	client.Set(ctx, "somebody:{else}:v4", "is left alone", 0)

	c := newCloud()
	c.change("sg-web", addrs(1, 2), nil)
	c.change("sg-wrong", addrs(3, 1), nil)
	m := startMirror(t, c, Options{URL: "redis://" + server.Addr()})
	requireMirrored(t, client, c, m)
	require.Equal(t, "is left alone", client.Get(ctx, "somebody:{else}:v4").Val())
	require.NotContains(t, m.Stats().Epoch, "e0")
}

func TestMirror_PutsRightWhatWasChangedByHand(t *testing.T) {
	for name, tamper := range map[string]func(*redis.Client, context.Context){
		"a member too few":  func(r *redis.Client, ctx context.Context) { r.SRem(ctx, "conjunct:{sg}:v4", "10.0.0.1") },
		"a member too many": func(r *redis.Client, ctx context.Context) { r.SAdd(ctx, "conjunct:{sg}:v6", "2001:db8::bad") },
		"a member exchanged": func(r *redis.Client, ctx context.Context) {
			r.SRem(ctx, "conjunct:{sg}:v4", "10.0.0.1")
			r.SAdd(ctx, "conjunct:{sg}:v4", "10.6.6.6")
		},
		"a set lost":       func(r *redis.Client, ctx context.Context) { r.Del(ctx, "conjunct:{sg}:v4") },
		"the state lost":   func(r *redis.Client, ctx context.Context) { r.Del(ctx, "conjunct:{sg}:state") },
		"a group invented": func(r *redis.Client, ctx context.Context) { r.SAdd(ctx, "conjunct:{sg-bad}:v4", "10.6.6.6") },
		"everything lost":  func(r *redis.Client, ctx context.Context) { r.FlushAll(ctx) },
		"another writer":   func(r *redis.Client, ctx context.Context) { r.Set(ctx, "conjunct:epoch", "other", 0) },
	} {
		t.Run(name, func(t *testing.T) {
			server, client := mini(t)
			c := newCloud()
			c.change("sg", addrs(1, 10), nil)
			m := startMirror(t, c, Options{URL: "redis://" + server.Addr(), Epoch: "e1", Audit: 100 * time.Millisecond})
			requireMirrored(t, client, c, m)
			require.Eventually(t, func() bool { return m.Stats().Connected }, time.Minute, time.Millisecond)
			tamper(client, t.Context())
			require.Eventually(t, func() bool {
				got, err := mirrored(client)
				return err == nil && slices.Equal(got["sg"], c.all()["sg"]) && len(got) == 1 &&
					client.Get(t.Context(), epochKey).Val() == "e1" &&
					client.HGet(t.Context(), stateKey("sg"), "v4").Val() == "10"
			}, time.Minute, 5*time.Millisecond)
		})
	}
}

// A change is never made to sets that it was not computed for, not even until the next audit.
func TestMirror_ChangeOfADamagedGroupReplacesIt(t *testing.T) {
	server, client := mini(t)
	c := newCloud()
	c.change("sg", addrs(1, 10), nil)
	m := startMirror(t, c, Options{URL: "redis://" + server.Addr(), Probe: time.Hour})
	requireMirrored(t, client, c, m)
	for i, damage := range []func(){
		func() { client.FlushAll(t.Context()) },
		func() { client.SRem(t.Context(), MemberKey("sg", 4), "10.0.0.1") },
		func() { client.HSet(t.Context(), stateKey("sg"), "epoch", "other") },
		func() { client.HSet(t.Context(), stateKey("sg"), "revision", 0) },
	} {
		damage()
		c.change("sg", addrs(100+i, 1), nil)
		requireMirrored(t, client, c, m)
		require.Eventually(t, func() bool { return m.Stats().Repairs == uint64(i+1) }, time.Minute, time.Millisecond)
	}
}

// Two mirrors of one epoch, one of which runs ahead, do not undo each other's work.
func TestMirror_WhoeverIsAheadPrevails(t *testing.T) {
	server, client := mini(t)
	behind, ahead := newCloud(), newCloud()
	for _, c := range []*cloud{behind, ahead} {
		c.change("sg", addrs(1, 3), nil)
		c.change("sg-other", addrs(1, 3), nil)
	}
	m1 := startMirror(t, behind, Options{URL: "redis://" + server.Addr(), Epoch: "e1", Audit: 50 * time.Millisecond})
	requireMirrored(t, client, behind, m1)
	ahead.change("sg", addrs(10, 3), addrs(1, 1))
	ahead.change("sg", addrs(20, 1), nil)
	m2 := startMirror(t, ahead, Options{URL: "redis://" + server.Addr(), Epoch: "e1", Audit: 50 * time.Millisecond})
	requireMirrored(t, client, ahead, m2)

	// The other catches up step by step; at every step Redis has what the one ahead wrote.
	before := len(changes(t, client))
	behind.change("sg", addrs(10, 3), addrs(1, 1))
	require.Eventually(t, func() bool { return m1.Stats().Mirrored == 4 }, time.Minute, time.Millisecond)
	got, err := mirrored(client)
	require.NoError(t, err)
	require.Equal(t, ahead.all(), got)
	require.Len(t, changes(t, client), before, "what was there already is not told again")
	behind.change("sg", addrs(20, 1), nil)
	requireMirrored(t, client, behind, m1)
	require.Zero(t, m1.Stats().Repairs+m2.Stats().Repairs)
	require.EqualValues(t, 1, m1.Stats().Resyncs)
}

func TestMirror_URL(t *testing.T) {
	_, err := NewMirror(Options{URL: "redis://user:secret@ho st/"})
	require.ErrorContains(t, err, "Redis URL")
	require.NotContains(t, err.Error(), "secret")
	_, err = NewMirror(Options{URL: "http://host"})
	require.ErrorContains(t, err, "Redis URL")
}

func TestMirror_WithoutRedis(t *testing.T) {
	c := newCloud()
	m := startMirror(t, c, Options{URL: "redis://127.0.0.1:1", Queue: 10})
	require.Eventually(t, func() bool { return m.Stats().Errors > 0 }, time.Minute, time.Millisecond)
	for i := range 1000 {
		c.change(policy.GroupID("sg-"+strings.Repeat("x", i%20)), addrs(i, 1), nil)
	}
	s := m.Stats()
	require.False(t, s.Connected)
	require.NotEmpty(t, s.LastError)
	require.LessOrEqual(t, s.Queue, 10)
	require.EqualValues(t, 1001, s.Offered)
	require.Zero(t, s.Mirrored)
	require.Positive(t, s.Lag)
}
