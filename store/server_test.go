package store

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// shared is the etcd of all tests that don't need one of their own; each test has its own prefix in it.
var shared struct {
	client  *clientv3.Client
	tenants atomic.Int64
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "conjunct-store-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	server, err := startEmbedded(context.Background(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		panic(err)
	}
	defer server.close()
	shared.client = server.client()
	defer func() { _ = shared.client.Close() }()
	return m.Run()
}

func freshPrefix() string { return fmt.Sprintf("/test/%d/", shared.tenants.Add(1)) }

// open1 opens a store of its own in the shared etcd.
func open1(t testing.TB) *Store { return openAt(t, freshPrefix()) }

func openAt(t testing.TB, prefix string) *Store {
	s, err := New(t.Context(), shared.client, Options{Prefix: prefix})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// consistent fails the test when Fsck finds anything.
func consistent(t testing.TB, s *Store) {
	t.Helper()
	found, err := s.Fsck(context.Background())
	require.NoError(t, err)
	require.Empty(t, found)
}
