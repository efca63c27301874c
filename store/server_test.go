package store

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
)

// cluster is an etcd that tests share; every store that it opens has a prefix of its own unless told.
type cluster struct {
	name   string
	client *clientv3.Client
}

// inside runs in this process without a listener, as by default; outside is reached through gRPC.
var inside, outside cluster

var tenants atomic.Int64

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "conjunct-store-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	server, err := startEmbedded(context.Background(), filepath.Join(dir, "inside"), slog.New(slog.DiscardHandler))
	if err != nil {
		panic(err)
	}
	defer server.close()
	inside = cluster{"inside", server.client()}
	defer func() { _ = inside.client.Close() }()

	external, endpoint := startExternal(filepath.Join(dir, "outside"), MaxOperations, MaxRequest)
	defer external.Close()
	client, err := dialExternal(context.Background(), Options{Endpoints: []string{endpoint}}.withDefaults())
	if err != nil {
		panic(err)
	}
	outside = cluster{"outside", client}
	defer func() { _ = client.Close() }()
	return m.Run()
}

// startExternal runs an etcd as an operator would, with a listener, and returns where it listens.
func startExternal(dir string, operations, request uint) (*embed.Etcd, string) {
	c := embeddedConfig(dir, slog.New(slog.DiscardHandler))
	c.MaxTxnOps, c.MaxRequestBytes = operations, request
	c.ListenClientUrls = []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	e, err := embed.StartEtcd(c)
	if err != nil {
		panic(err)
	}
	<-e.Server.ReadyNotify()
	return e, "http://" + e.Clients[0].Addr().String()
}

func freshPrefix() string { return fmt.Sprintf("/test/%d/", tenants.Add(1)) }

func (c cluster) open(t testing.TB) *Store { return c.openAt(t, freshPrefix()) }

func (c cluster) openAt(t testing.TB, prefix string) *Store {
	s, err := New(t.Context(), c.client, Options{Prefix: prefix})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// onBoth runs a test on either cluster.
func onBoth(t *testing.T, test func(t *testing.T, c cluster)) {
	for _, c := range []cluster{inside, outside} {
		t.Run(c.name, func(t *testing.T) { test(t, c) })
	}
}

// consistent fails the test when Fsck finds anything.
func consistent(t testing.TB, s *Store) {
	t.Helper()
	found, err := s.Fsck(context.Background())
	require.NoError(t, err)
	require.Empty(t, found)
}

// keys lists all keys of etcd below the store's prefix but the fences, which a busy machine may raise.
func keys(t testing.TB, s *Store) (out []string) {
	t.Helper()
	_, err := s.scan(t.Context(), string(s.layout), 0, func(name string, _ []byte, _ int64) error {
		if name = name[len(s.layout):]; !strings.HasPrefix(name, classFence) {
			out = append(out, name)
		}
		return nil
	})
	require.NoError(t, err)
	return out
}
