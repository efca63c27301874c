package store

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"conjunct/policy"
)

func TestRestartWithTheSameDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	s, err := Open(t.Context(), Options{Dir: dir})
	require.NoError(t, err)
	populate(t, s)
	mustUpdate(t, s, put(port("p1", "i", 1), port("p2", "i", 2)))
	mustUpdate(t, s, remove(policy.KindPort, "p2"))
	before, _, err := s.SnapshotAndWatch(t.Context())
	require.NoError(t, err)
	generation, err := s.GenerationID(t.Context())
	require.NoError(t, err)
	s.Close()

	s, err = Open(t.Context(), Options{Dir: dir})
	require.NoError(t, err)
	defer s.Close()
	after, _, err := s.SnapshotAndWatch(t.Context())
	require.NoError(t, err)
	require.GreaterOrEqual(t, after.Revision, before.Revision)
	after.Revision = before.Revision
	require.Equal(t, before, after)
	consistent(t, s)

	// Numbers go on behind those that were ever given, the deleted port's too.
	gone := policy.Number(2)
	mustUpdate(t, s, put(port("p3", "i", 3)))
	require.Greater(t, get[*policy.Port](t, s, "p3").Number, gone)
	later, err := s.GenerationID(t.Context())
	require.NoError(t, err)
	require.Greater(t, later, generation)
	consistent(t, s)
}

func TestDirectoryOfAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir})
	require.NoError(t, err)
	_, err = Open(t.Context(), Options{Dir: dir})
	require.ErrorContains(t, err, "in use by another process")
	s.Close()
	s, err = Open(t.Context(), Options{Dir: dir})
	require.NoError(t, err)
	s.Close()

	_, err = Open(t.Context(), Options{})
	require.ErrorContains(t, err, "neither a directory nor etcd endpoints")
}

func TestEmbeddedListensNowhere(t *testing.T) {
	before := sockets(t)
	s, err := Open(t.Context(), Options{Dir: t.TempDir()})
	require.NoError(t, err)
	defer s.Close()
	populate(t, s)
	require.Equal(t, before, sockets(t))
}

// sockets counts this process's file descriptors that are sockets.
func sockets(t *testing.T) (n int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && len(to) > 6 && to[:6] == "socket" {
			n++
		}
	}
	return n
}

func TestHealthy(t *testing.T) {
	now := time.Unix(0, 0)
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), Clock: func() time.Time { return now }})
	require.NoError(t, err)
	require.NoError(t, s.Healthy(t.Context()))
	writes := func() int64 {
		r, err := s.client.Get(t.Context(), s.layout.health())
		require.NoError(t, err)
		return r.Kvs[0].Version
	}
	require.EqualValues(t, 1, writes())
	require.NoError(t, s.Healthy(t.Context()))
	require.EqualValues(t, 1, writes(), "one write vouches for a while")
	now = now.Add(healthAge)
	require.NoError(t, s.Healthy(t.Context()))
	require.EqualValues(t, 2, writes())

	now = now.Add(healthAge)
	s.Close()
	require.ErrorIs(t, s.Healthy(t.Context()), policy.ErrUnavailable)
	_, err = s.Update(t.Context(), put(group("g")))
	require.ErrorIs(t, err, policy.ErrUnavailable)
}

func TestEtcdLogsToOurs(t *testing.T) {
	var out bytes.Buffer
	log := zapLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})))
	log.Info("routine")
	require.Empty(t, out.String())
	log.With(zap.String("member", "conjunct")).Warn("slow", zap.Int("n", 3), zap.String("request", string(bytes.Repeat([]byte("x"), 5000))))
	require.Contains(t, out.String(), "level=WARN msg=slow member=conjunct n=3 request=xxx")
	require.Less(t, out.Len(), 2000)
}
