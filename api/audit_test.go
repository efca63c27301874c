package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

func TestAuditSaysWhoChangedWhat(t *testing.T) {
	u := newTenant(t)
	a := u.do(http.MethodPut, "/v1/security-groups/o-sg", `{"name": "o-sg", "project_id": "prj", "description": "as wanted"}`, "X-Request-Id", "ticket-7")
	require.Equal(t, http.StatusOK, a.status)
	records, err := u.Audit(t.Context(), 1)
	require.NoError(t, err)
	r := records[0]
	require.Equal(t, a.header.Get("Conjunct-Revision"), fmt.Sprint(r.Revision))
	require.Equal(t, policy.RoleAdmin, r.Actor.Role)
	require.Equal(t, []string{"ticket-7", http.MethodPut, "/v1/security-groups/o-sg", idOfSecret(u.secretOfAdmin())}, []string{r.Actor.RequestID, r.Actor.Method, r.Actor.Path, r.Actor.TokenID})
	require.NotEmpty(t, r.Actor.Remote)
	require.Len(t, r.Changes, 1)
	require.NotContains(t, string(r.Changes[0].Before), "as wanted")
	require.Contains(t, string(r.Changes[0].After), "as wanted")

	u.put("/v1/projects/third", `{"name": "third"}`)
	records, err = u.Audit(t.Context(), 1)
	require.NoError(t, err)
	require.Contains(t, []policy.Kind{records[0].Changes[0].Kind, records[0].Changes[1].Kind}, policy.KindGroup, "the default group is in the record of the project")

	before, err := u.Audit(t.Context(), 0)
	require.NoError(t, err)
	u.do(http.MethodPut, "/v1/projects/dry?dry_run=true", `{"name": "dry"}`)
	u.ask(http.MethodDelete, "/v1/security-groups/g-sg", "").problem(http.StatusForbidden)
	after, err := u.Audit(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, before, after, "what changes nothing is not in it")
	first := after[len(after)-1]
	require.Equal(t, policy.ActorController, first.Actor.Name, "the first token is the controller's")
	require.NotContains(t, string(first.Changes[0].After), "digest")

	for query, want := range map[string]int{
		"kind=security-group&id=o-sg": 2, "id=t-sg": 1, "actor=conjunctd": 1, "actor=nobody": 0, "project_id=rival&kind=instance": 2,
		"revision=" + fmt.Sprint(r.Revision): 1, "since=2999-01-01T00:00:00Z": 0, "until=1999-01-01T00:00:00Z": 0,
	} {
		var page api.Page[policy.AuditRecord]
		u.do(http.MethodGet, "/v1/audit?"+query, "").into(&page)
		require.Len(t, page.Items, want, query)
	}
	for _, query := range []string{"since=yesterday", "revision=x", "page_size=0", "page_token=!"} {
		u.do(http.MethodGet, "/v1/audit?"+query, "").problem(http.StatusBadRequest)
	}
}

// secretOfAdmin is that of the world, which a tenant's own hides.
func (u *tenant) secretOfAdmin() string { return u.world.secret }

func TestAuditShowsATenantTheOwnProjectAlone(t *testing.T) {
	u := newTenant(t)
	_, err := u.Apply(t.Context(), u.manifest(`{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: both, id: o-both, project: acme}}
---
{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: both, id: t-both, project: rival}}`, ""))
	require.NoError(t, err)
	u.ask(http.MethodPatch, "/v1/security-groups/o-both", `{"description": "mine"}`)
	records, err := u.as(u.secret).Audit(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, "of-user", records[0].Actor.Name)
	require.NotEmpty(t, records[0].Actor.RequestID)
	require.Equal(t, policy.Actor{Name: records[1].Actor.Name, Role: policy.RoleAdmin}, records[1].Actor, "who, and no more than that")
	for _, r := range records {
		for _, c := range r.Changes {
			require.Equal(t, policy.ProjectID("prj"), c.ProjectID)
			require.NotEqual(t, policy.KindToken, c.Kind)
		}
	}
	for _, query := range []string{"", "?id=t-both", "?project_id=rival", "?kind=token", "?project_id=", "?kind=hypervisor"} {
		body := u.ask(http.MethodGet, "/v1/audit"+query, "").body
		require.NotContains(t, body, "rival", query)
		require.NotContains(t, body, `"t-`, query)
		if query != "" {
			require.Contains(t, body, `"items":[]`, query)
		}
	}
	viewer, err := u.Tokens().Create(t.Context(), &api.Token{Name: "eyes", Role: policy.RoleViewer})
	require.NoError(t, err)
	records, err = u.as(viewer.Secret).Audit(t.Context(), 0)
	require.NoError(t, err)
	require.Greater(t, len(records), 20)
	for _, r := range records {
		require.False(t, strings.Contains(fmt.Sprint(r.Changes), string(policy.KindToken)+" tok-"))
	}
}
