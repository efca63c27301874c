package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

func TestHealthAndReadiness(t *testing.T) {
	var redis, controller error
	w := newWorld(t, func(o *api.Options) {
		o.Checks = []api.Check{
			{Name: "redis", Run: func(context.Context) error { return redis }, Optional: true},
			{Name: "controller", Run: func(context.Context) error { return controller }},
		}
		o.Leader = func() string { return "ctl-1" }
	})
	get := func(path string) answer { return w.do(http.MethodGet, path, "", "Authorization", "") }
	require.Equal(t, "ok\n", get("/healthz").body)
	require.Equal(t, "ok\n", get("/readyz").body)
	require.Equal(t, "[+] store ok\n[+] redis ok\n[+] controller ok\nok\n", get("/readyz?verbose").body)

	redis = errors.New("connection refused")
	require.Equal(t, http.StatusOK, get("/readyz").status, "a cache may be away")
	st, err := w.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, "connection refused", st.Redis)
	require.Equal(t, "ok", st.Store)
	require.Equal(t, map[string]string{"controller": "ok"}, st.Checks)
	require.Equal(t, "ctl-1", st.Leader)

	controller = errors.New("loading")
	a := get("/readyz")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Equal(t, "[+] store ok\n[-] redis connection refused\n[-] controller loading\nnot ready\n", a.body)
	require.Equal(t, http.StatusOK, get("/healthz").status, "the process turns")
	_, err = w.Ready(t.Context())
	require.Error(t, err)
}

func TestStatusShowsTheHosts(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/hypervisors/hv1", `{"name": "rack-1"}`)
	st := policy.HostStatus{ID: "hv1", State: policy.HostReady, AppliedRevision: 5, DesiredRevision: 6, Flows: 42, Drift: policy.Drift{Repaired: 1}, Problems: []string{"p"}}
	w.hosts.Set(func(h *policytest.Reported) {
		h.Hosts["hv1"] = st
		h.Applied["hv1"] = 5
		h.Flows["hv1"] = []string{"# rule ssh", "table=0 priority=1 actions=drop"}
		h.Diffs["hv1"] = policy.FlowDiff{Missing: []string{"table=1 actions=drop"}}
	})
	got, err := w.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, []policy.HostStatus{st}, got.Hosts)
	require.Equal(t, []policy.HostID{"hv1"}, got.HostsBehind)
	require.Equal(t, w.store.Revision(), got.Revision)
	require.Equal(t, "off", got.Redis)

	h, err := w.Hypervisors().Get(t.Context(), "hv1")
	require.NoError(t, err)
	require.Equal(t, policy.HostReady, h.State)
	require.Equal(t, 42, h.Flows)

	flows, err := w.Flows(t.Context(), "hv1")
	require.NoError(t, err)
	require.Equal(t, "# rule ssh\ntable=0 priority=1 actions=drop\n", flows)
	diff, err := w.Diff(t.Context(), "hv1")
	require.NoError(t, err)
	require.Equal(t, &policy.FlowDiff{Missing: []string{"table=1 actions=drop"}, Extra: []string{}, Changed: []string{}}, diff)

	w.put("/v1/hypervisors/hv2", `{}`)
	w.do(http.MethodGet, "/v1/hypervisors/hv2/flows", "").problem(http.StatusServiceUnavailable)
	require.Equal(t, "host-unavailable", w.do(http.MethodGet, "/v1/hypervisors/hv2/diff", "").problem(http.StatusServiceUnavailable).Code)
	w.do(http.MethodGet, "/v1/hypervisors/hv3/flows", "").problem(http.StatusNotFound)
}

func TestWhatIsNotThere(t *testing.T) {
	w := newWorld(t)
	p := w.do(http.MethodGet, "/v1/firewalls?x=y", "").problem(http.StatusNotFound)
	require.Contains(t, p.Detail, "/openapi.yaml")
	a := w.do(http.MethodPost, "/v1/ports/x", "{}")
	a.problem(http.StatusMethodNotAllowed)
	require.Equal(t, "GET, PUT, PATCH, DELETE", a.header.Get("Allow"))
	require.Equal(t, "GET", w.do(http.MethodDelete, "/v1/status", "").header.Get("Allow"))
}

func TestRequestsHaveAnID(t *testing.T) {
	w := newWorld(t)
	require.Equal(t, "mine-7", w.do(http.MethodGet, "/healthz", "", "X-Request-Id", "mine-7").header.Get("X-Request-Id"))
	for _, bad := range []string{"", "with space", strings.Repeat("x", 200)} {
		got := w.do(http.MethodGet, "/healthz", "", "X-Request-Id", bad).header.Get("X-Request-Id")
		require.NotEqual(t, bad, got)
		require.Len(t, got, 16)
	}
	_, err := w.Projects().Get(t.Context(), "none", api.RequestID("from-client"))
	var p *api.Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, "from-client", p.RequestID)
}

func TestMetricsCountByRouteMethodAndStatus(t *testing.T) {
	w := newWorld(t)
	w.do(http.MethodGet, "/v1/projects/none", "")
	w.do(http.MethodGet, "/v1/projects/other", "")
	w.do(http.MethodGet, "/nowhere", "")
	text := w.do(http.MethodGet, "/metrics", "", "Authorization", "").body
	require.Contains(t, text, `conjunct_http_requests_total{code="404",method="GET",route="/v1/projects/{id}"} 2`)
	require.Contains(t, text, `conjunct_http_requests_total{code="404",method="GET",route="none"} 1`)
	require.Contains(t, text, `conjunct_http_request_duration_seconds_count{method="GET",route="/v1/projects/{id}"} 2`)
}

// broken is a controller that panics.
type broken struct{ policy.Inspector }

func (broken) Hosts() []policy.HostStatus                                    { panic("out of order") }
func (broken) Behind(int64) (hosts []policy.HostID, changed <-chan struct{}) { return nil, nil }
func (broken) Late(int64) (hosts []policy.HostID, changed <-chan struct{})   { return nil, nil }

func TestAPanicIsOneAnswerAndOneLine(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	w := newWorld(t, func(o *api.Options) {
		o.Inspector = broken{}
		o.Log = slog.New(slog.NewTextHandler(locked{&mu, &log}, nil))
	})
	a := w.do(http.MethodGet, "/v1/status", "", "X-Request-Id", "unlucky")
	p := a.problem(http.StatusInternalServerError)
	require.NotContains(t, a.body, "out of order", "the inside stays inside")
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, 1, strings.Count(log.String(), "level=ERROR"))
	require.Contains(t, log.String(), "out of order")
	require.Contains(t, log.String(), "request_id="+p.RequestID)
}

type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// away is a store that can't be written.
type away struct{ api.Objects }

func (away) Update(context.Context, func(policy.Tx) error) (int64, error) {
	return 0, policy.ErrUnavailable
}
func (away) Healthy(context.Context) error { return policy.ErrUnavailable }

func TestAStoreThatIsAwayIsUnavailable(t *testing.T) {
	w := newWorld(t)
	o := api.Options{Objects: away{w.store}, Inspector: w.hosts, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}
	s, err := api.NewServer(o)
	require.NoError(t, err)
	w.http.Config.Handler = s
	require.Equal(t, "unavailable", w.do(http.MethodPut, "/v1/projects/p", `{"name": "p"}`).problem(http.StatusServiceUnavailable).Code)
	require.Equal(t, http.StatusServiceUnavailable, w.do(http.MethodGet, "/readyz", "").status)
	_, err = w.Projects().Put(t.Context(), "p", &api.Project{Name: "p"})
	require.ErrorIs(t, err, policy.ErrUnavailable, "on the client as on the server")
}

func TestServeEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/hypervisors/hv1", `{}`)
	w.hosts.Set(func(h *policytest.Reported) { h.Applied["hv1"] = 0 })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.server.Serve(ctx, l, time.Minute) }()
	c, err := api.NewClient("http://"+l.Addr().String(), w.secret)
	require.NoError(t, err)
	c.HTTP = &http.Client{Transport: &http.Transport{}}

	waiting := make(chan error)
	go func() {
		_, err := c.Projects().Put(t.Context(), "p", &api.Project{Name: "p"}, api.WaitApplied(time.Minute))
		waiting <- err
	}()
	watching := make(chan struct{})
	go func() {
		for range c.Watch(t.Context(), w.store.Revision()) { // What comes does not matter; that it ends does.
		}
		close(watching)
	}()
	require.Eventually(t, func() bool {
		text := w.do(http.MethodGet, "/metrics", "").body
		_, err := c.Projects().Get(t.Context(), "p")
		return err == nil && strings.Contains(text, "conjunct_http_watchers 1")
	}, time.Minute, time.Millisecond)
	stop()
	require.NoError(t, <-ended)
	var behind *api.Behind
	require.ErrorAs(t, <-waiting, &behind, "the wait is answered: the change is stored")
	<-watching
	_, err = c.Status(t.Context())
	require.Error(t, err)
}

func TestAServerNeedsItsParts(t *testing.T) {
	_, err := api.NewServer(api.Options{})
	require.Error(t, err)
	w := newWorld(t)
	o := w.server.Options
	_, err = api.NewServer(o)
	require.Error(t, err, "the metrics are registered already")
}

// slow is a store that answers only when the caller has gone.
type slow struct {
	api.Objects
	asked chan struct{}
}

func (s slow) Update(ctx context.Context, _ func(policy.Tx) error) (int64, error) {
	close(s.asked)
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestACallerThatHungUpIsNoFailure(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	var mu sync.Mutex
	objects := slow{w.store, make(chan struct{})}
	s, err := api.NewServer(api.Options{Objects: objects, Inspector: w.hosts, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(locked{&mu, &log}, nil))})
	require.NoError(t, err)
	w.http.Config.Handler = s
	ctx, hangUp := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := w.Projects().Put(ctx, "p", &api.Project{Name: "p"})
		gone <- err
	}()
	<-objects.asked
	hangUp()
	require.ErrorIs(t, <-gone, context.Canceled)
	require.Eventually(t, func() bool {
		return strings.Contains(w.do(http.MethodGet, "/metrics", "").body, `conjunct_http_requests_total{code="499",method="PUT",route="/v1/projects/{id}"} 1`)
	}, time.Minute, time.Millisecond)
	mu.Lock()
	defer mu.Unlock()
	require.Empty(t, log.String())
}
