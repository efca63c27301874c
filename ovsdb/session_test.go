package ovsdb_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/ovsdb"
	"conjunct/ovsdb/ovsdbtest"
)

// A session that is kept finds its way back to a server that was restarted, and finds
// there what was written before.
func TestSessionReconnects(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		clients := make(chan *ovsdb.Client)
		var reports []error
		session := ovsdb.Session{
			Address: w.tcp,
			Backoff: ovsdb.Backoff{Min: time.Millisecond, Max: 20 * time.Millisecond},
			Handle: func(ctx context.Context, c *ovsdb.Client) {
				select {
				case clients <- c:
				case <-ctx.Done():
				}
				<-c.Done()
			},
			Report: func(err error, _ time.Duration) { reports = append(reports, err) },
		}
		ctx, cancel := context.WithCancel(testContext(t))
		ended := make(chan error, 1)
		go func() { ended <- session.Run(ctx) }()

		c := <-clients
		change, err := c.EnsureBridge(ctx, bridgeSpec())
		require.NoError(t, err)
		require.True(t, change.Created)
		for range 3 {
			w.restart(t)
			<-c.Done()
			c = <-clients
			change, err = c.EnsureBridge(ctx, bridgeSpec())
			require.NoError(t, err)
			require.Zero(t, change)
		}
		cancel()
		require.NoError(t, c.Close())
		require.ErrorIs(t, <-ended, context.Canceled)
		require.GreaterOrEqual(t, len(reports), 3)
		for _, err := range reports {
			require.Error(t, err)
		}
	})
}

// Failures are spaced further and further; a connection that lasted starts anew.
func TestSessionBacksOff(t *testing.T) {
	var slept []time.Duration
	ctx, cancel := context.WithCancel(t.Context())
	session := ovsdb.Session{
		Address: freeTCP(t),
		Backoff: ovsdb.Backoff{
			Min: time.Second, Max: 4 * time.Second,
			Random: func() float64 { return 1 },
			Sleep: func(_ context.Context, d time.Duration) {
				if slept = append(slept, d); len(slept) == 4 {
					cancel()
				}
			},
		},
	}
	require.ErrorIs(t, session.Run(ctx), context.Canceled)
	require.Equal(t, []time.Duration{1e9, 2e9, 4e9, 4e9}, slept)
}

func TestSessionForgetsFailures(t *testing.T) {
	w := fakeWorld(t)
	var slept []time.Duration
	ctx, cancel := context.WithCancel(testContext(t))
	const long = 30 * time.Millisecond
	session := ovsdb.Session{
		Address: w.unix,
		Backoff: ovsdb.Backoff{
			Min: time.Millisecond, Max: long,
			Random: func() float64 { return 1 },
			Sleep:  func(_ context.Context, d time.Duration) { slept = append(slept, d) },
		},
		Handle: func(context.Context, *ovsdb.Client) {
			if len(slept) == 3 { // the fourth connection lasts, the others end at once
				time.Sleep(long)
			}
			if len(slept) == 5 {
				cancel()
			}
		},
	}
	require.ErrorIs(t, session.Run(ctx), context.Canceled)
	require.Equal(t, []time.Duration{1e6, 2e6, 4e6, 1e6, 2e6}, slept)
}

func TestSessionRefusesNonsense(t *testing.T) {
	require.ErrorContains(t, (&ovsdb.Session{Address: "hv1:6640"}).Run(t.Context()), "unknown scheme")
}

// The clock behind the default Sleep gives way to the context.
func TestSessionSleepEnds(t *testing.T) {
	address := freeTCP(t)
	cause := errors.New("enough")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		reported := make(chan time.Duration, 1)
		session := ovsdb.Session{
			Address: address,
			Backoff: ovsdb.Backoff{Min: time.Hour},
			Report:  func(_ error, retry time.Duration) { reported <- retry },
		}
		start := time.Now()
		ended := make(chan error, 1)
		go func() { ended <- session.Run(ctx) }()
		require.Greater(t, <-reported, 20*time.Minute)
		cancel(cause)
		require.ErrorIs(t, <-ended, cause)
		require.Less(t, time.Since(start), time.Minute)
	})
}

// A thousand hypervisors fit into one process, each with its bridge and ports.
func TestFleet(t *testing.T) {
	const hosts, ports = 1000, 2
	servers := make([]*ovsdbtest.Server, hosts)
	clients := make([]*ovsdb.Client, hosts)
	var all sync.WaitGroup
	for i := range hosts {
		servers[i] = ovsdbtest.New("hv1")
		all.Go(func() {
			c, err := ovsdb.NewClient(testContext(t), ovsdb.NewConn(servers[i].Pipe(), ovsdb.Options{Probe: time.Minute, Setup: time.Minute}))
			if err == nil {
				_, err = c.EnsureBridge(testContext(t), bridgeSpec())
			}
			if err != nil {
				t.Error(err)
			}
			clients[i] = c
			for p := range ports {
				if err := servers[i].AddInterface("br-int", "tap"+string(rune('a'+p)), "p", int64(p+1), ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for i := range hosts {
		s := until(t, clients[i], func(s *ovsdb.Snapshot) bool {
			list := s.Ports("br-int")
			return len(list) == ports+1 && list[ports].OFPort == ports
		})
		require.Equal(t, bridgeSpec().DatapathID, servers[i].DatapathID("br-int"))
		require.ElementsMatch(t, bridgeSpec().Targets, servers[i].Targets("br-int"))
		require.Equal(t, 1, servers[i].Connections())
		stale, err := clients[i].SetInstalled(testContext(t), mark(s.Ports("br-int")[1], 9))
		require.NoError(t, err)
		require.Empty(t, stale)
		require.Equal(t, "9 1 fa:16:3e:00:00:01", servers[i].Installed("tapa"))
	}
	for i := range hosts {
		require.NoError(t, clients[i].Close())
		servers[i].Close()
	}
}
