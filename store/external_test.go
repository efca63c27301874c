package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/embed"

	"conjunct/policy"
)

// line is a TCP connection to etcd that can be cut and mended.
type line struct {
	net.Listener
	to  string
	mu  sync.Mutex
	cut bool
	all map[net.Conn]struct{}
}

func newLine(t *testing.T, endpoint string) *line {
	t.Helper()
	u, err := url.Parse(endpoint)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &line{Listener: listener, to: u.Host, all: make(map[net.Conn]struct{})}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { l.relay(from) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		l.set(true)
		running.Wait()
	})
	return l
}

func (l *line) relay(from net.Conn) {
	to, err := net.Dial("tcp", l.to)
	if err != nil || !l.carry(from, to) {
		_ = from.Close()
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_ = way[0].Close()
			_ = way[1].Close()
		})
	}
	both.Wait()
}

func (l *line) carry(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		if l.cut {
			_ = c.Close()
		}
		l.all[c] = struct{}{}
	}
	return !l.cut
}

func (l *line) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	for c := range l.all {
		_ = c.Close()
		delete(l.all, c)
	}
}

// A line to etcd that is cut: reads go on, writes say so; mended, everything goes on where it was.
func TestExternalEtcd(t *testing.T) {
	l := newLine(t, outside.client.Endpoints()[0])
	prefix := freshPrefix()
	s, err := Open(t.Context(), Options{Endpoints: []string{"http://" + l.Addr().String()}, Prefix: prefix})
	require.NoError(t, err)
	defer s.Close()
	other := outside.openAt(t, prefix)
	populate(t, s)
	require.NoError(t, other.mirror.wait(t.Context(), s.Revision()))
	require.NoError(t, s.mirror.wait(t.Context(), mustUpdate(t, other, put(port("p1", "i", 1)))))
	consistent(t, s)
	before, batches, err := s.SnapshotAndWatch(t.Context())
	require.NoError(t, err)

	l.set(true)
	require.True(t, exists(s, policy.KindGroup, "web"))
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Healthy(short), policy.ErrUnavailable)
	churn(t, [2]*Store{other, other}, 2, 8)
	newest := mustUpdate(t, other, remove(policy.KindPort, "p1"))

	l.set(false)
	equal(t, other, replay(t, before, batches, newest))
	mustUpdate(t, s, put(group("again")))
	require.NoError(t, s.Healthy(t.Context()))
	consistent(t, s)
}

// Writers go on while the line breaks again and again: each of their changes is made once, or reported as not made.
func TestWritingOverABreakingLine(t *testing.T) {
	l := newLine(t, outside.client.Endpoints()[0])
	prefix := freshPrefix()
	s, err := Open(t.Context(), Options{Endpoints: []string{"http://" + l.Addr().String()}, Prefix: prefix})
	require.NoError(t, err)
	defer s.Close()
	other := outside.openAt(t, prefix)
	populate(t, s)
	done := make(chan struct{})
	var breaking sync.WaitGroup
	breaking.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(30 * time.Millisecond):
				l.set(true)
				l.set(false)
			}
		}
	})
	const writers, each = 4, 10
	made := make([]int, writers)
	for _, err := range together(writers, func(i int) error {
		for range each {
			_, err := s.Update(t.Context(), func(tx policy.Tx) error {
				id := fmt.Sprintf("w%d", i)
				g := group(id)
				if was, ok := policy.Find[*policy.Group](tx.Snapshot(), id); ok {
					g.Description = was.Description + "x"
				} else {
					g.Description = "x"
				}
				return tx.Put(g)
			})
			switch {
			case err == nil:
				made[i]++
			case !errors.Is(err, policy.ErrUnavailable) || strings.Contains(err.Error(), "not known"):
				return err
			}
		}
		return nil
	}) {
		require.NoError(t, err)
	}
	close(done)
	breaking.Wait()
	mustUpdate(t, s, put(group("last")))
	for i, n := range made {
		require.Len(t, get[*policy.Group](t, s, fmt.Sprintf("w%d", i)).Description, n)
	}
	t.Logf("made %v of %d each, fence at %d", made, each, s.fence.revision.Load())
	require.NoError(t, other.mirror.wait(t.Context(), s.Revision()))
	consistent(t, other)
}

func TestExternalEtcdThatTakesTooLittle(t *testing.T) {
	e, endpoint := startExternal(t.TempDir(), embed.DefaultMaxTxnOps, embed.DefaultMaxRequestBytes)
	defer e.Close()
	_, err := Open(t.Context(), Options{Endpoints: []string{endpoint}})
	require.ErrorContains(t, err, "--max-txn-ops=131072")
	require.ErrorContains(t, err, "--max-request-bytes=67108864")
}

func TestNoEtcdThere(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := Open(ctx, Options{Endpoints: []string{"http://127.0.0.1:1"}})
	require.ErrorIs(t, err, policy.ErrUnavailable)
	require.ErrorContains(t, err, "127.0.0.1:1")
}

func TestEtcdWithoutSpace(t *testing.T) {
	server, err := startEmbedded(t.Context(), t.TempDir(), Options{}.withDefaults().Log)
	require.NoError(t, err)
	defer server.close()
	s := cluster{"full", server.client()}.open(t)
	populate(t, s)
	before := keys(t, s)
	alarm(t, server, pb.AlarmRequest_ACTIVATE)
	_, err = s.Update(t.Context(), put(group("g")))
	require.ErrorIs(t, err, policy.ErrUnavailable)
	require.ErrorContains(t, err, "space")
	require.ErrorIs(t, s.Healthy(t.Context()), policy.ErrUnavailable)
	require.Equal(t, before, keys(t, s))

	alarm(t, server, pb.AlarmRequest_DEACTIVATE)
	mustUpdate(t, s, put(group("g")))
	require.NoError(t, s.Healthy(t.Context()))
}

// alarm raises or clears etcd's alarm about a full quota.
func alarm(t *testing.T, server *embedded, action pb.AlarmRequest_AlarmAction) {
	t.Helper()
	_, err := server.etcd.Server.Alarm(t.Context(), &pb.AlarmRequest{
		MemberID: uint64(server.etcd.Server.MemberID()), Action: action, Alarm: pb.AlarmType_NOSPACE,
	})
	require.NoError(t, err)
}
