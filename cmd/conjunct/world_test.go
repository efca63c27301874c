package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"

	"conjunct/api"
	"conjunct/policy"
	"conjunct/policy/policytest"
	"conjunct/store"
)

// world is a server on an etcd of its own, so that revisions are the same in every run.
type world struct {
	*testing.T
	hosts *policytest.Hosts
	store *store.Store
	env   map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldUnder(t, policy.ProfileIsolated)
}

// newWorldUnder has the profile as the installation's.
func newWorldUnder(t *testing.T, profile policy.ProfileName) *world {
	t.Helper()
	c := embed.NewConfig()
	c.Dir, c.LogLevel = t.TempDir(), "panic"
	self := url.URL{Scheme: "http", Host: "127.0.0.1:1"} // Of the one member; nobody dials it.
	c.ListenClientUrls, c.ListenPeerUrls = nil, nil
	c.AdvertiseClientUrls, c.AdvertisePeerUrls = []url.URL{self}, []url.URL{self}
	c.InitialCluster = c.Name + "=" + self.String()
	c.MaxTxnOps, c.MaxRequestBytes = store.MaxOperations, store.MaxRequest
	c.UnsafeNoFsync = true // Nothing of it outlives the test.
	etcd, err := embed.StartEtcd(c)
	require.NoError(t, err)
	t.Cleanup(etcd.Close)
	<-etcd.Server.ReadyNotify()
	client := v3client.New(etcd.Server)
	t.Cleanup(func() { _ = client.Close() })
	s, err := store.New(t.Context(), client, store.Options{DefaultProfile: profile})
	require.NoError(t, err)
	t.Cleanup(s.Close)

	w := &world{T: t, hosts: policytest.NewHosts(), store: s, env: make(map[string]string)}
	hits := func(n policy.Number) policy.Hits {
		at := time.Date(2026, 11, 21, 12, 0, int(n%60), 0, time.UTC)
		return policy.Hits{Packets: uint64(n), Bytes: 64 * uint64(n), LastHit: &at}
	}
	w.hosts.Set(func(h *policytest.Reported) {
		h.Hits, h.PlatformHits = hits, func(n policy.Number) policy.Hits {
			if n%2 == 0 {
				return policy.Hits{}
			}
			return hits(n)
		}
	})
	server, err := api.NewServer(api.Options{Objects: s, Inspector: w.hosts, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	path, err := api.EnsureAdminToken(t.Context(), s, t.TempDir())
	require.NoError(t, err)
	token, err := os.ReadFile(path)
	require.NoError(t, err)
	w.env["CONJUNCT_SERVER"], w.env["CONJUNCT_TOKEN"] = listener.URL, strings.TrimSpace(string(token))
	return w
}

// said is what a run of the program left.
type said struct {
	status      int
	out, errors string
}

// run runs the program as a shell would, in this process.
func (w *world) run(stdin string, args ...string) said {
	return w.runIn(w.Context(), stdin, args...)
}

func (w *world) runIn(ctx context.Context, stdin string, args ...string) said {
	var out, wrong bytes.Buffer
	s := &session{stdin: strings.NewReader(stdin), stdout: &out, stderr: &wrong, getenv: func(name string) string { return w.env[name] }}
	status := run(ctx, s, args)
	return said{status, out.String(), wrong.String()}
}

// must runs the program, which has to succeed, and returns its output. It may warn.
func (w *world) must(args ...string) string {
	w.Helper()
	r := w.run("", args...)
	require.Equal(w, exitOK, r.status, "conjunct %s: %s", strings.Join(args, " "), r.errors)
	for line := range strings.Lines(r.errors) {
		require.Regexp(w, "^Warning: ", line)
	}
	return r.out
}
