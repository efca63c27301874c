package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

func TestWatchYieldsEveryRevisionAfterTheOneItBeginsAt(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/projects/a", `{"name": "a"}`)
	since := w.store.Revision()
	w.put("/v1/projects/b", `{"name": "b"}`)
	w.put("/v1/vpcs/v", `{"name": "v", "project_id": "b"}`)
	require.NoError(t, w.VPCs().Delete(t.Context(), "v"))
	_, err := w.Tokens().Create(t.Context(), &api.Token{Name: "x", Role: policy.RoleViewer})
	require.NoError(t, err)
	w.put("/v1/hypervisors/h", `{"name": "h"}`)

	d, err := document()
	require.NoError(t, err)
	var events []api.Event
	for e, err := range w.Watch(t.Context(), since) {
		require.NoError(t, err)
		b, err := json.Marshal(e)
		require.NoError(t, err)
		var plain any
		require.NoError(t, json.Unmarshal(b, &plain))
		require.NoError(t, d.Components.Schemas["Event"].Value.VisitJSON(plain), "as the document says")
		events = append(events, e)
		if e.Changes[0].Kind == policy.KindHypervisor {
			break
		}
	}
	require.Len(t, events, 4, "a token is nobody's business")
	var kinds []policy.Kind
	for _, ch := range events[0].Changes {
		kinds = append(kinds, ch.Kind)
	}
	require.ElementsMatch(t, []policy.Kind{
		policy.KindProject, policy.KindGroup, policy.KindRule,
		policy.KindGroup, policy.KindRule, policy.KindRule, policy.KindGroup, policy.KindRule,
	}, kinds, "the project with its default group and its starter groups, in one event")
	require.JSONEq(t, "null", string(events[2].Changes[0].Object), "deleted")
	for i := 1; i < len(events); i++ {
		require.Greater(t, events[i].Revision, events[i-1].Revision)
	}

	t.Run("of some kinds", func(t *testing.T) {
		for e, err := range w.Watch(t.Context(), since, policy.KindHypervisor, policy.KindPort) {
			require.NoError(t, err)
			require.Equal(t, "h", e.Changes[0].ID)
			break
		}
	})
}

func TestWatchIsResumedByTheIDOfTheLastEvent(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/projects/a", `{"name": "a"}`)
	since := w.do(http.MethodGet, "/v1/projects", "").header.Get("Conjunct-Revision")
	w.put("/v1/projects/b", `{"name": "b"}`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.http.URL+"/v1/watch", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+w.secret)
	r.Header.Set("Last-Event-ID", since)
	got, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = got.Body.Close() }()
	require.Equal(t, "text/event-stream", got.Header.Get("Content-Type"))
	require.Equal(t, since, got.Header.Get("Conjunct-Revision"))
	lines := bufio.NewScanner(got.Body)
	var seen []string
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data:") {
		seen = append(seen, lines.Text())
	}
	require.Equal(t, ": watching since revision "+since, seen[0])
	require.Equal(t, "event: change", seen[len(seen)-1])
	require.Contains(t, lines.Text(), `"id":"b"`)
}

func TestWatchRefusesWhatItCannotFollow(t *testing.T) {
	w := newWorld(t)
	w.do(http.MethodGet, "/v1/watch?since=x", "").problem(http.StatusBadRequest)
	w.do(http.MethodGet, "/v1/watch?kinds=port,nonsense", "").problem(http.StatusBadRequest)
	w.do(http.MethodGet, "/v1/watch?kinds=token", "").problem(http.StatusBadRequest)
	require.Equal(t, "history-gone", w.do(http.MethodGet, "/v1/watch?since=0", "").problem(http.StatusGone).Code)
	require.Equal(t, "history-gone", w.do(http.MethodGet, "/v1/watch?since=999999999", "").problem(http.StatusGone).Code)
	for _, err := range w.Watch(t.Context(), 0) {
		var p *api.Problem
		require.ErrorAs(t, err, &p)
		require.Equal(t, http.StatusGone, p.Status)
	}
}
