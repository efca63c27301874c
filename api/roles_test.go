package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

// may says who gets through to each route: A admin, P provisioner, V viewer, - nobody needs a token. A route that is not
// here fails the test.
var may = map[string]string{
	"GET /healthz": "-", "GET /readyz": "-", "GET /metrics": "-", "GET /openapi.yaml": "-",
	"GET /v1/status": "APV", "GET /v1/watch": "APV", "POST /v1/explain": "APV", "GET /v1/limits": "APV",
	"POST /v1/apply": "A", "POST /v1/delete": "A",

	"GET /v1/projects": "APV", "POST /v1/projects": "A", "GET /v1/projects/{id}": "APV", "PUT /v1/projects/{id}": "A", "PATCH /v1/projects/{id}": "A", "DELETE /v1/projects/{id}": "A",
	"GET /v1/vpcs": "APV", "POST /v1/vpcs": "AP", "GET /v1/vpcs/{id}": "APV", "PUT /v1/vpcs/{id}": "AP", "PATCH /v1/vpcs/{id}": "AP", "DELETE /v1/vpcs/{id}": "AP",
	"GET /v1/subnets": "APV", "POST /v1/subnets": "AP", "GET /v1/subnets/{id}": "APV", "PUT /v1/subnets/{id}": "AP", "PATCH /v1/subnets/{id}": "AP", "DELETE /v1/subnets/{id}": "AP",
	"GET /v1/hypervisors": "APV", "POST /v1/hypervisors": "A", "GET /v1/hypervisors/{id}": "APV", "PUT /v1/hypervisors/{id}": "A", "PATCH /v1/hypervisors/{id}": "A", "DELETE /v1/hypervisors/{id}": "A",
	"GET /v1/hypervisors/{id}/flows": "APV", "GET /v1/hypervisors/{id}/diff": "APV",
	"GET /v1/instances": "APV", "POST /v1/instances": "AP", "GET /v1/instances/{id}": "APV", "PUT /v1/instances/{id}": "AP", "PATCH /v1/instances/{id}": "AP", "DELETE /v1/instances/{id}": "AP",
	"GET /v1/ports": "APV", "POST /v1/ports": "AP", "GET /v1/ports/{id}": "APV", "PUT /v1/ports/{id}": "AP", "PATCH /v1/ports/{id}": "AP", "DELETE /v1/ports/{id}": "AP",
	"GET /v1/ports/{id}/effective-rules": "APV",
	"GET /v1/security-groups":            "APV", "POST /v1/security-groups": "A", "GET /v1/security-groups/{id}": "APV", "PUT /v1/security-groups/{id}": "A", "PATCH /v1/security-groups/{id}": "A", "DELETE /v1/security-groups/{id}": "A",
	"GET /v1/security-groups/{id}/rules": "APV", "POST /v1/security-groups/{id}/rules": "A", "PUT /v1/security-groups/{id}/rules": "A", "GET /v1/security-groups/{id}/members": "APV",
	"GET /v1/security-groups/{id}/attachments": "APV", "POST /v1/security-groups/{id}/attachments": "A",
	"GET /v1/security-groups/{id}/attachments/{attachment}": "APV", "DELETE /v1/security-groups/{id}/attachments/{attachment}": "A",
	"GET /v1/rules": "APV", "GET /v1/rules/{id}": "APV", "PUT /v1/rules/{id}": "A", "PATCH /v1/rules/{id}": "A", "DELETE /v1/rules/{id}": "A",
	"GET /v1/ip-sets": "APV", "POST /v1/ip-sets": "A", "GET /v1/ip-sets/{id}": "APV", "PUT /v1/ip-sets/{id}": "A", "PATCH /v1/ip-sets/{id}": "A", "DELETE /v1/ip-sets/{id}": "A",
	"GET /v1/ip-sets/{id}/entries": "APV", "POST /v1/ip-sets/{id}/entries": "A", "POST /v1/ip-sets/{id}/entries:bulk": "A", "GET /v1/ip-sets/{id}/entries/{entry}": "APV", "DELETE /v1/ip-sets/{id}/entries/{entry}": "A",
	"GET /v1/profiles": "APV", "GET /v1/profiles/{id}": "APV",
	"GET /v1/tokens": "A", "POST /v1/tokens": "A", "GET /v1/tokens/{id}": "A", "DELETE /v1/tokens/{id}": "A",
}

func TestEveryRouteForEveryRole(t *testing.T) {
	w := newWorld(t)
	secrets := map[string]string{"A": w.secret}
	for letter, role := range map[string]policy.Role{"P": policy.RoleProvisioner, "V": policy.RoleViewer} {
		token, err := w.Tokens().Create(t.Context(), &api.Token{Name: "of-" + string(role), Role: role})
		require.NoError(t, err)
		secrets[letter] = token.Secret
	}
	secrets["-"] = ""
	for _, route := range w.server.Routes() {
		who, ok := may[route]
		require.True(t, ok, "%s: the test does not say who may", route)
		method, template, _ := strings.Cut(route, " ")
		path := strings.NewReplacer("{id}", "none", "{entry}", "none", "{attachment}", "none").Replace(template)
		if path == "/v1/watch" {
			path += "?since=x" // Answered before a stream begins.
		}
		for letter, secret := range secrets {
			body := ""
			if method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch {
				body = "[]" // Is refused by every route that reads it.
			}
			a := w.do(method, path, body, "Authorization", bearer(secret))
			switch {
			case who == "-" || strings.Contains(who, letter):
				require.NotContains(t, []int{401, 403}, a.status, "%s as %s: %s", route, letter, a.body)
				require.NotEqual(t, 500, a.status, "%s as %s: %s", route, letter, a.body)
			case letter == "-":
				require.Equal(t, "unauthorized", a.problem(http.StatusUnauthorized).Code, route)
				require.Contains(t, a.header.Get("WWW-Authenticate"), "Bearer")
			default:
				require.Equal(t, "role", a.problem(http.StatusForbidden).Code, "%s as %s", route, letter)
			}
		}
	}
	require.Len(t, may, len(w.server.Routes()), "the test knows routes that are not served")
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
			`{"name": "x", "role": "user", "project_id": "p"}`:                          "/role role-not-available",
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
