package api_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

func TestAClientNeedsAURL(t *testing.T) {
	for _, bad := range []string{"", "127.0.0.1:8440", "ftp://x", "http://", "http://a b"} {
		_, err := api.NewClient(bad, "")
		require.Error(t, err, bad)
	}
	_, err := api.NewClient("https://conjunct.example:8440/", "x")
	require.NoError(t, err)
}

func TestErrorsAreTheSameOnBothSides(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/projects/p", `{"name": "p"}`)
	_, missing := w.Projects().Get(t.Context(), "none")
	_, bad := w.Projects().Create(t.Context(), &api.Project{Name: "no spaces"})
	_, taken := w.Projects().Create(t.Context(), &api.Project{Name: "p"})
	_, stale := w.Projects().Patch(t.Context(), "p", map[string]any{"smtp_allowed": true}, api.IfMatch(1))
	forbidden := w.role(policy.RoleViewer).Projects().Delete(t.Context(), "p")
	kinds := []error{&policy.NotFound{}, &policy.Invalid{}, &policy.Conflict{}, policy.ErrStale, &policy.Forbidden{}, policy.ErrUnavailable}
	for i, err := range []error{missing, bad, taken, stale, forbidden} {
		for j, kind := range kinds {
			require.Equal(t, i == j, errors.Is(err, kind), "%v against %T", err, kind)
		}
		var p *api.Problem
		require.ErrorAs(t, err, &p)
		require.NotEmpty(t, p.RequestID)
	}
	require.ErrorContains(t, bad, "/name: ")
}

// What answers may be no Conjunct at all.
func TestAnswersOfOthersAreProblemsToo(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/status" {
			_, _ = w.Write([]byte("<html>"))
			return
		}
		http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway)
	}))
	defer other.Close()
	c, err := api.NewClient(other.URL, "")
	require.NoError(t, err)
	_, err = c.Projects().List(t.Context())
	var p *api.Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, http.StatusBadGateway, p.Status)
	require.Contains(t, p.Detail, "502 Bad Gateway")
	_, err = c.Status(t.Context())
	require.ErrorContains(t, err, "read the answer")
}
