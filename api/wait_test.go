package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

func TestAWaitThatRunsOutNamesTheHostsBehind(t *testing.T) {
	w := newWorld(t)
	w.hosts.Set(func(h *policytest.Reported) { h.Applied["hv1"], h.Applied["hv2"] = 0, 1<<40 })
	a := w.do(http.MethodPut, "/v1/projects/p?wait=applied&timeout=10ms", `{"name": "p"}`)
	require.Equal(t, http.StatusAccepted, a.status, a.body)
	var pending struct {
		Revision    int64
		HostsBehind []policy.HostID `json:"hosts_behind"`
		Result      api.Project
	}
	a.into(&pending)
	require.Equal(t, []policy.HostID{"hv1"}, pending.HostsBehind)
	require.Equal(t, "p", pending.Result.Name)
	require.Equal(t, w.store.Revision(), pending.Revision, "it is stored all the same")

	got, err := w.Projects().Put(t.Context(), "q", &api.Project{Name: "q"}, api.WaitApplied(time.Millisecond))
	var behind *api.Behind
	require.ErrorAs(t, err, &behind)
	require.Equal(t, []policy.HostID{"hv1"}, behind.Hosts)
	require.Equal(t, "q", got.Name)
	require.ErrorAs(t, w.Projects().Delete(t.Context(), "q", api.WaitApplied(0)), &behind)
}

// A hypervisor that is away for days holds up only what concerns it.
func TestAWaitIsForTheHostsThatTheChangeConcerns(t *testing.T) {
	w := newWorld(t)
	w.hosts.Set(func(h *policytest.Reported) { h.Applied["hv1"], h.Elsewhere["hv1"] = 0, true })
	a := w.do(http.MethodPut, "/v1/projects/p?wait=applied&timeout=10m", `{"name": "p"}`)
	require.Equal(t, http.StatusCreated, a.status, a.body)
	a = w.do(http.MethodPut, "/v1/projects/p?wait=applied&timeout=10ms", `{"name": "p"}`)
	require.Equal(t, http.StatusAccepted, a.status, "nothing is changed, but what was before may not be everywhere yet: %s", a.body)
}

func TestAWaitEndsWhenTheHostsHaveConfirmed(t *testing.T) {
	w := newWorld(t)
	w.hosts.Set(func(h *policytest.Reported) { h.Applied["hv1"] = 0 })
	done := make(chan error)
	go func() {
		_, err := w.Projects().Put(t.Context(), "p", &api.Project{Name: "p"}, api.WaitApplied(time.Minute))
		done <- err
	}()
	require.Eventually(t, func() bool {
		known := false
		w.store.View(func(s *policy.Snapshot) { _, known = policy.Find[*policy.Project](s, "p") })
		return known
	}, time.Minute, time.Millisecond)
	select {
	case err := <-done:
		require.Fail(t, "answered before the host confirmed", "%v", err)
	default:
	}
	w.hosts.Set(func(h *policytest.Reported) {}) // News of something else does not end it.
	w.hosts.Set(func(h *policytest.Reported) { h.Applied["hv1"] = w.store.Revision() })
	require.NoError(t, <-done)
}

func TestAPortIsWaitedForUntilItIsActive(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	a := w.do(http.MethodGet, "/v1/ports/web-0?wait=active&timeout=1ms", "")
	require.Equal(t, http.StatusAccepted, a.status)
	require.Contains(t, a.body, `"state":"unbound"`)

	done := make(chan *api.Port)
	go func() {
		p, err := w.Ports().Get(t.Context(), "web-0", api.WaitActive(time.Minute))
		require.NoError(t, err)
		done <- p
	}()
	w.hosts.Set(func(h *policytest.Reported) {
		h.Ports["web-0"] = policy.PortStatus{State: policy.PortPending, HostID: "hv1"}
	})
	w.hosts.Set(func(h *policytest.Reported) {
		h.Ports["web-0"] = policy.PortStatus{State: policy.PortActive, HostID: "hv1", OFPort: 7, AppliedRevision: 9}
	})
	p := <-done
	require.Equal(t, policy.PortActive, p.State)
	require.Equal(t, 7, p.OFPort)
	w.do(http.MethodGet, "/v1/ports/none?wait=active&timeout=1s", "").problem(http.StatusNotFound)
}

func TestWaitsHaveBoundsAndKinds(t *testing.T) {
	w := newWorld(t)
	for _, query := range []string{"wait=active", "wait=", "timeout=x", "timeout=11m", "timeout=-1s", "dry_run=maybe"} {
		w.do(http.MethodPut, "/v1/projects/p?"+query, `{"name": "p"}`).problem(http.StatusBadRequest)
	}
	w.do(http.MethodGet, "/v1/projects/p?wait=applied", "").problem(http.StatusBadRequest)
	a := w.do(http.MethodPut, "/v1/projects/p?wait=applied&timeout=5", `{"name": "p"}`)
	require.Equal(t, http.StatusCreated, a.status, "a number is seconds; nobody is behind")
}
