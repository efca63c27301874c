package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"

	"conjunct/api"
	"conjunct/policy"
	"conjunct/policy/policytest"
	"conjunct/store"
)

// etcd is one for the whole run; every world has a prefix of its own in it.
var (
	etcd   *clientv3.Client
	worlds atomic.Int64
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "conjunct-api-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	c := embed.NewConfig()
	c.Dir, c.LogLevel = dir, "panic"
	self := url.URL{Scheme: "http", Host: "127.0.0.1:1"} // Of the one member; nobody dials it.
	c.ListenClientUrls, c.ListenPeerUrls = nil, nil
	c.AdvertiseClientUrls, c.AdvertisePeerUrls = []url.URL{self}, []url.URL{self}
	c.InitialCluster = c.Name + "=" + self.String()
	c.MaxTxnOps, c.MaxRequestBytes = store.MaxOperations, store.MaxRequest
	server, err := embed.StartEtcd(c)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	<-server.Server.ReadyNotify()
	etcd = v3client.New(server.Server)
	defer func() { _ = etcd.Close() }()
	return m.Run()
}

// world is a server on a store of its own, and an admin's client. Every request of its clients and every answer is held
// against the document.
type world struct {
	*testing.T
	store  *store.Store
	prefix string // of the store's keys
	hosts  *policytest.Hosts
	server *api.Server
	http   *httptest.Server
	*api.Client
	secret string // of the admin
}

func newWorld(t *testing.T, edit ...func(*api.Options)) *world {
	t.Helper()
	prefix := fmt.Sprintf("/world/%d/", worlds.Add(1))
	s, err := store.New(t.Context(), etcd, store.Options{Prefix: prefix})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	w := &world{T: t, store: s, prefix: prefix, hosts: policytest.NewHosts()}
	o := api.Options{Objects: s, Inspector: w.hosts, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}
	for _, e := range edit {
		e(&o)
	}
	w.server, err = api.NewServer(o)
	require.NoError(t, err)
	w.http = httptest.NewServer(w.server)
	t.Cleanup(w.http.Close)
	path, err := api.EnsureAdminToken(t.Context(), s, t.TempDir())
	require.NoError(t, err)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	w.secret = strings.TrimSpace(string(b))
	w.Client = w.as(w.secret)
	return w
}

// as is a client with another token.
func (w *world) as(secret string) *api.Client {
	c, err := api.NewClient(w.http.URL, secret)
	require.NoError(w, err)
	c.HTTP = &http.Client{Transport: contract{w.T}}
	return c
}

// role is a client with a token of the role.
func (w *world) role(r policy.Role) *api.Client {
	token, err := w.Tokens().Create(w.Context(), &api.Token{Name: "of-" + string(r), Role: r})
	require.NoError(w, err)
	return w.as(token.Secret)
}

// cloud is a project with a VPC, a subnet and an instance with a port, all called by short ids.
func (w *world) cloud() {
	w.put("/v1/projects/prj", `{"name": "acme"}`)
	w.put("/v1/vpcs/vpc", `{"name": "main", "project_id": "prj"}`)
	w.put("/v1/subnets/sub", `{"name": "front", "vpc_id": "vpc", "cidrs": ["10.0.0.0/24", "2001:db8::/64"], "vlan": 10}`)
	w.put("/v1/instances/web", `{"name": "web", "project_id": "prj"}`)
	w.put("/v1/ports/web-0", `{"instance_id": "web", "subnet_id": "sub", "mac": "fa:16:3e:00:00:01", "addresses": ["10.0.0.10", "2001:db8::10"]}`)
}

// put writes an object that has to be taken.
func (w *world) put(path, body string) {
	w.Helper()
	a := w.do(http.MethodPut, path, body)
	require.Less(w, a.status, 300, "%s: %s", path, a.body)
}

// answer is what came back.
type answer struct {
	*testing.T
	status int
	header http.Header
	body   string
}

// do sends a body as it is, as JSON.
func (w *world) do(method, path, body string, headers ...string) answer {
	w.Helper()
	return w.request(w.Context(), method, path, body, headers...)
}

func (w *world) request(ctx context.Context, method, path, body string, headers ...string) answer {
	w.Helper()
	r, err := http.NewRequestWithContext(ctx, method, w.http.URL+path, strings.NewReader(body))
	require.NoError(w, err)
	r.Header.Set("Authorization", "Bearer "+w.secret)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return send(w.T, r)
}

// only is what is reported when a single rule has hits.
func only(number policy.Number, hits policy.Hits) func(policy.Number) policy.Hits {
	return func(n policy.Number) policy.Hits {
		if n == number {
			return hits
		}
		return policy.Hits{}
	}
}
