package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

// ofRoles are secrets of tokens of every role, users' of project prj.
func (w *world) ofRoles() map[policy.Role]string {
	out := map[policy.Role]string{policy.RoleAdmin: w.secret}
	for _, role := range []policy.Role{policy.RoleProvisioner, policy.RoleUser, policy.RoleViewer} {
		in := &api.Token{Name: "of-" + string(role), Role: role}
		if role == policy.RoleUser {
			in.ProjectID = "prj"
		}
		token, err := w.Tokens().Create(w.Context(), in)
		require.NoError(w, err)
		out[role] = token.Secret
	}
	return out
}

// Every route is heard or refused for every role as the tables of policy say. A route of a kind or a question that is in no table
// fails.
func TestEveryRouteForEveryRole(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/projects/prj", `{"name": "acme"}`)
	secrets := w.ofRoles()
	access := w.server.Access()
	for _, route := range w.server.Routes() {
		method, template, _ := strings.Cut(route, " ")
		path := strings.NewReplacer("{id}", "none", "{entry}", "none", "{attachment}", "none").Replace(template)
		if path == "/v1/watch" {
			path += "?since=x" // Answered before a stream begins.
		}
		body := ""
		if method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch {
			body = "[]" // Is refused by every route that reads it.
		}
		ask := func(secret string) answer { return w.do(method, path, body, "Authorization", bearer(secret)) }
		if access[route].IsPublic() {
			require.NotContains(t, []int{401, 403, 500}, ask("").status, route)
			continue
		}
		require.True(t, inTables(access[route]), "%s: no table of policy says who may", route)
		require.Equal(t, "unauthorized", ask("").problem(http.StatusUnauthorized).Code, route)
		require.Contains(t, ask("").header.Get("WWW-Authenticate"), "Bearer")
		for role, secret := range secrets {
			a := ask(secret)
			named := (method == http.MethodGet || method == http.MethodPatch || method == http.MethodDelete) && strings.Count(template, "{") == 1
			switch {
			case access[route].Allows(role):
				require.NotContains(t, []int{401, 403, 500}, a.status, "%s as %s: %s", route, role, a.body)
			case named:
				require.Equal(t, "not-found", a.problem(http.StatusNotFound).Code, "%s as %s", route, role)
			default:
				require.Equal(t, "role", a.problem(http.StatusForbidden).Code, "%s as %s", route, role)
			}
		}
	}
}

func inTables(a api.RouteAccess) bool {
	return slices.ContainsFunc(policy.AccessTable, func(r policy.AccessRow) bool { return r.Kind == a.Kind && a.Kind != "" }) ||
		slices.ContainsFunc(policy.QuestionTable, func(r policy.QuestionRow) bool { return r.Question == a.Question && a.Question != "" })
}

func bearer(secret string) string {
	if secret == "" {
		return ""
	}
	return "Bearer " + secret
}

func TestTokens(t *testing.T) {
	now := time.Now()
	w := newWorld(t, func(o *api.Options) { o.Clock = func() time.Time { return now } })
	end := now.Add(time.Hour)
	made, err := w.Tokens().Create(t.Context(), &api.Token{Name: "ci", Role: policy.RoleViewer, ExpiresAt: &end})
	require.NoError(t, err)
	require.NotEmpty(t, made.Secret)
	as := w.as(made.Secret)
	_, err = as.Projects().List(t.Context())
	require.NoError(t, err)

	t.Run("the secret is shown once, and stored nowhere", func(t *testing.T) {
		for _, path := range []string{"/v1/tokens", "/v1/tokens/" + made.ID} {
			body := w.do(http.MethodGet, path, "").body
			require.NotContains(t, body, "digest")
			require.NotContains(t, body, made.Secret[len(made.Secret)-20:])
		}
		require.NotContains(t, w.everything(), made.Secret[len(made.Secret)-20:])
	})
	t.Run("wrong ones", func(t *testing.T) {
		for _, header := range []string{"", "Bearer", "Bearer ", "Bearer x", "Basic " + made.Secret, "Bearer " + made.Secret + "x", "Bearer cjt_none_x", "Bearer cjt_" + made.ID + "_"} {
			w.do(http.MethodGet, "/v1/projects", "", "Authorization", header).problem(http.StatusUnauthorized)
		}
		a := w.do(http.MethodGet, "/v1/projects", "", "Authorization", "bearer "+made.Secret)
		require.Equal(t, http.StatusOK, a.status, "the scheme's case does not matter")
	})
	t.Run("refused", func(t *testing.T) {
		for body, want := range map[string]string{
			`{"name": "x", "role": "root"}`:                                             "/role value-invalid",
			`{"name": "x", "role": "user"}`:                                             "/project_id required",
			`{"name": "x", "role": "user", "project_id": "p"}`:                          "/project_id reference-missing",
			`{"name": "x", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}`:     "/expires_at expired",
			`{"role": "viewer"}`:                                                        "/name required",
			`{"name": "x", "role": "viewer", "project_id": "none", "expires_at": null}`: "/project_id reference-missing /project_id project-not-allowed",
			`{"name": "x", "role": "viewer", "digest": "AAAA"}`:                         "/digest unknown-field",
		} {
			p := w.do(http.MethodPost, "/v1/tokens", body).problem(http.StatusUnprocessableEntity)
			require.Equal(t, want, strings.Join(found(p), " "), body)
		}
		p := w.do(http.MethodPost, "/v1/tokens", `{"name": "ci", "role": "viewer"}`).problem(http.StatusConflict)
		require.Equal(t, "name-taken", p.Code)
	})
	t.Run("expired", func(t *testing.T) {
		now = end
		_, err = as.Projects().List(t.Context())
		var p *api.Problem
		require.ErrorAs(t, err, &p)
		require.Equal(t, "token-expired", p.Code)
		now = end.Add(-time.Second)
	})
	t.Run("deleted ends at once", func(t *testing.T) {
		require.NoError(t, w.Tokens().Delete(t.Context(), made.ID))
		_, err = as.Projects().List(t.Context())
		var p *api.Problem
		require.ErrorAs(t, err, &p)
		require.Equal(t, http.StatusUnauthorized, p.Status)
	})
}
