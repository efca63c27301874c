package api_test

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/store"
)

// etcd is one embedded etcd for the whole run; every test has its own prefix in it.
var etcd struct {
	sync.Mutex
	dir  string
	next int
}

func TestMain(m *testing.M) {
	code := m.Run()
	if etcd.dir != "" {
		_ = os.RemoveAll(etcd.dir)
	}
	os.Exit(code)
}

// world is a server on a store of its own, and an admin's client of it whose every request is checked against the document.
type world struct {
	*testing.T
	store  *store.Store
	hosts  *hosts
	server *api.Server
	http   *httptest.Server
	client *api.Client
	secret string
}

func newWorld(t *testing.T, edit ...func(*api.Options)) *world {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	w := &world{T: t, store: s, hosts: newHosts()}
	o := api.Options{Objects: s, Inspector: w.hosts, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, e := range edit {
		e(&o)
	}
	w.server, err = api.NewServer(o)
	require.NoError(t, err)
	w.http = httptest.NewServer(w.server)
	t.Cleanup(w.http.Close)
	dir := t.TempDir()
	path, err := api.EnsureAdminToken(t.Context(), s, dir)
	require.NoError(t, err)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	w.secret = strings.TrimSpace(string(b))
	w.client = w.as(w.secret)
	return w
}

// as is a client with another token.
func (w *world) as(secret string) *api.Client {
	c, err := api.NewClient(w.http.URL, secret)
	require.NoError(w, err)
	return c
}

