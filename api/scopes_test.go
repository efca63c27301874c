package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

func TestRequirementsOfScopes(t *testing.T) {
	u := newTenant(t)
	code := func(status int, method, path, body string) string {
		t.Helper()
		return u.ask(method, path, body).problem(status).Code
	}
	done := func(method, path, body string) answer {
		t.Helper()
		a := u.ask(method, path, body)
		require.Less(t, a.status, 300, "%s %s: %s", method, path, a.body)
		return a
	}
	t.Run("A-084 global groups are administrators' and everybody's to attach", func(t *testing.T) {
		for method, path := range map[string]string{
			http.MethodDelete: "/v1/security-groups/g-sg", http.MethodPatch: "/v1/security-groups/g-sg", http.MethodPut: "/v1/security-groups/g-sg/rules",
			http.MethodPost: "/v1/security-groups/g-sg/rules",
		} {
			body := map[string]string{
				http.MethodPatch: `{"description": "mine"}`, http.MethodPut: `{"items": []}`, http.MethodPost: `{"direction": "in", "protocol": "tcp"}`,
			}[method]
			p := u.ask(method, path, body).problem(http.StatusForbidden)
			require.Equal(t, "global-read-only", p.Code)
			require.Equal(t, "only administrators change global groups; you can attach or detach it", p.Detail)
		}
		require.Equal(t, "global-read-only", code(http.StatusForbidden, http.MethodPost, "/v1/security-groups/g-sg/attachments", `{"target": {"tag": {"a": "b"}}}`))
		require.Equal(t, "global-read-only", code(http.StatusForbidden, http.MethodPost, "/v1/security-groups/g-sg/attachments", `{"target": {"subnet_id": "g-sub"}}`))
	})
	t.Run("A-086 users attach and detach global groups, from either side", func(t *testing.T) {
		done(http.MethodPost, "/v1/security-groups/g-sg/attachments", `{"target": {"instance_id": "o-vm"}}`)
		done(http.MethodDelete, "/v1/security-groups/g-sg/attachments/att-ins-o-vm", "")
		done(http.MethodPost, "/v1/security-groups/g-sg/attachments", `{"target": {"port_id": "o-port"}}`)
		done(http.MethodPatch, "/v1/ports/o-port", `{"security_group_ids": []}`)
		done(http.MethodPatch, "/v1/instances/o-vm", `{"security_group_ids": ["g-sg", "o-sg"]}`)
		require.Equal(t, "attach-only", code(http.StatusForbidden, http.MethodPatch, "/v1/instances/o-vm", `{"security_group_ids": [], "tags": {"a": "b"}}`))
		require.Equal(t, "attach-only", code(http.StatusForbidden, http.MethodPatch, "/v1/ports/o-port", `{"hypervisor_id": null, "mac": "fa:16:3e:00:00:99"}`))
		require.Equal(t, "role", code(http.StatusForbidden, http.MethodPut, "/v1/instances/o-vm", `{"name": "o-vm", "project_id": "prj"}`))
		require.Equal(t, "role", code(http.StatusForbidden, http.MethodDelete, "/v1/instances/o-vm", ""))
		done(http.MethodPatch, "/v1/instances/o-vm", `{"security_group_ids": []}`)
	})
	t.Run("A-085 A-087 what a user makes is the user's project's", func(t *testing.T) {
		var g api.Group
		done(http.MethodPost, "/v1/security-groups", `{"name": "mine", "rules": [{"direction": "in", "protocol": "tcp", "remote": {"security_group_id": "g-sg"}}]}`).into(&g)
		require.Equal(t, policy.ProjectID("prj"), g.ProjectID)
		done(http.MethodPut, "/v1/security-groups/mine-too", `{"name": "mine-too", "project_id": "prj"}`).into(&g)
		require.Equal(t, policy.ProjectID("prj"), g.ProjectID)
		done(http.MethodPut, "/v1/security-groups/mine-too", `{"name": "mine-too", "description": "again"}`)
		for _, other := range []string{"rival", "nowhere"} {
			require.Equal(t, "project-not-yours", code(http.StatusForbidden, http.MethodPost, "/v1/security-groups", `{"name": "x", "project_id": "`+other+`"}`))
			require.Equal(t, "project-not-yours", code(http.StatusForbidden, http.MethodPatch, "/v1/security-groups/mine-too", `{"project_id": "`+other+`"}`))
		}
		u.ask(http.MethodPut, "/v1/security-groups/t-sg", `{"name": "taken"}`).problem(http.StatusNotFound)
		u.ask(http.MethodPut, "/v1/rules/t-rule", `{"security_group_id": "o-sg", "direction": "in", "protocol": "tcp"}`).problem(http.StatusNotFound)
	})
	t.Run("A-085 an administrator edits what is a user's", func(t *testing.T) {
		a := u.do(http.MethodPost, "/v1/security-groups", `{"name": "for-them", "project_id": "prj"}`)
		require.Equal(t, http.StatusCreated, a.status)
		var g api.Group
		a.into(&g)
		done(http.MethodPatch, "/v1/security-groups/"+g.ID, `{"description": "now ours"}`)
		require.Equal(t, http.StatusOK, u.do(http.MethodPatch, "/v1/security-groups/"+g.ID, `{"description": "still"}`).status)
	})
	t.Run("A-088 without a project, an administrator's group is global", func(t *testing.T) {
		var g api.Group
		u.do(http.MethodPost, "/v1/security-groups", `{"name": "house-rules"}`).into(&g)
		require.Empty(t, g.ProjectID)
		done(http.MethodGet, "/v1/security-groups/"+g.ID, "")
	})
	t.Run("A-089 the owner deletes the group", func(t *testing.T) {
		done(http.MethodDelete, "/v1/security-groups/mine-too", "")
		done(http.MethodPost, "/v1/security-groups/o-sg/attachments", `{"target": {"instance_id": "o-vm"}}`)
		p := u.ask(http.MethodDelete, "/v1/security-groups/o-sg", "").problem(http.StatusConflict)
		require.Equal(t, "o-vm", p.Conflicts[0].ID)
		done(http.MethodDelete, "/v1/security-groups/o-sg?detach=true", "")
	})
	t.Run("A-090 the containers: project, VPC", func(t *testing.T) {
		projects, err := u.as(u.secret).Projects().List(t.Context())
		require.NoError(t, err)
		require.Len(t, projects, 1)
		vpcs, err := u.as(u.secret).VPCs().List(t.Context())
		require.NoError(t, err)
		require.Len(t, vpcs, 2, "the own one and the shared one")
	})
	t.Run("A-093 IP sets have the same scopes", func(t *testing.T) {
		require.Equal(t, "global-read-only", code(http.StatusForbidden, http.MethodPost, "/v1/ip-sets/g-set/entries", `{"cidr": "192.0.2.1"}`))
		require.Equal(t, "global-read-only", code(http.StatusForbidden, http.MethodPost, "/v1/ip-sets/g-set/entries:bulk", `{"entries": [{"cidr": "192.0.2.1"}]}`))
		require.Equal(t, "global-read-only", code(http.StatusForbidden, http.MethodDelete, "/v1/ip-sets/g-set", ""))
		var set api.IPSet
		done(http.MethodPost, "/v1/ip-sets", `{"name": "mine", "ip_version": 4, "entries": [{"cidr": "192.0.2.0/24"}]}`).into(&set)
		require.Equal(t, policy.ProjectID("prj"), set.ProjectID)
		done(http.MethodPost, "/v1/security-groups", `{"name": "uses-both", "rules": [
			{"direction": "in", "protocol": "tcp", "remote": {"ip_set_id": "g-set"}}, {"direction": "in", "protocol": "udp", "remote": {"ip_set_id": "`+set.ID+`"}}]}`)
	})
}

func TestHitsOfGlobalRulesAreNotToldToTenants(t *testing.T) {
	u := newTenant(t)
	r, err := u.Rules().Get(t.Context(), "g-rule")
	require.NoError(t, err)
	u.hosts.Set(func(h *policytest.Reported) { h.Hits = only(r.Number, policy.Hits{Packets: 7}) })
	r, err = u.Rules().Get(t.Context(), "g-rule")
	require.NoError(t, err)
	require.EqualValues(t, 7, r.Hits.Packets)
	r, err = u.as(u.secret).Rules().Get(t.Context(), "g-rule")
	require.NoError(t, err)
	require.Zero(t, r.Hits.Packets)
}

func TestManifestsOfTenantsAndProvisioners(t *testing.T) {
	u := newTenant(t)
	tenant := u.as(u.secret)
	group := `{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: web}, spec: {rules: [{direction: in, protocol: tcp, remote: {security_group_id: g-sg}}]}}`
	r, err := tenant.Apply(t.Context(), u.manifest(group, ""))
	require.NoError(t, err)
	g, err := tenant.Groups().Get(t.Context(), r.Documents[0].ID)
	require.NoError(t, err)
	require.Equal(t, policy.ProjectID("prj"), g.ProjectID, "there is one project to be seen")

	r, err = tenant.Apply(t.Context(), u.manifest(group+"\n---\n{apiVersion: compute.evroclabs.net/v1alpha1, kind: VirtualMachine, metadata: {name: o-vm}, spec: {networking: {securityGroups: {securityGroupMemberships: [{name: web}, {name: g-sg}]}}}}", ""))
	require.NoError(t, err)
	require.Equal(t, []api.Outcome{api.Unchanged, api.Changed}, results(r))

	for doc, want := range map[string]string{
		`{apiVersion: conjunct/v1, kind: VPC, metadata: {name: fresh}}`:                                                          "role",
		`{apiVersion: conjunct/v1, kind: Instance, metadata: {name: fresh}}`:                                                     "role",
		`{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: x}, spec: {project_id: null}}`:                          "project-not-yours",
		`{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: g-sg, id: g-sg}, spec: {description: mine, rules: []}}`: "global-read-only",
	} {
		_, err = tenant.Apply(t.Context(), u.manifest(group+"\n---\n"+doc, ""))
		var p *api.Problem
		require.ErrorAs(t, err, &p, doc)
		require.Equal(t, want, p.Code, doc)
	}
	_, err = tenant.DeleteManifest(t.Context(), u.manifest(`{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: web}}`, ""), api.Detach())
	require.NoError(t, err)

	token, err := u.Tokens().Create(t.Context(), &api.Token{Name: "platform", Role: policy.RoleProvisioner})
	require.NoError(t, err)
	platform := u.as(token.Secret)
	_, err = platform.Apply(t.Context(), u.manifest(`{apiVersion: conjunct/v1, kind: VPC, metadata: {name: fresh}}
---
{apiVersion: conjunct/v1, kind: Instance, metadata: {name: fresh}, spec: {security_group_ids: [g-sg]}}`, "acme"))
	require.NoError(t, err)
	_, err = platform.Apply(t.Context(), u.manifest(group, "acme"))
	var p *api.Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, http.StatusForbidden, p.Status)
	require.Equal(t, "role", p.Code)
}

func TestTokensOfAProjectGoWithIt(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/projects/brief", `{"name": "brief"}`)
	token, err := w.Tokens().Create(t.Context(), &api.Token{Name: "brief", Role: policy.RoleUser, ProjectID: "brief"})
	require.NoError(t, err)
	require.NoError(t, w.Projects().Delete(t.Context(), "brief"))
	_, err = w.as(token.Secret).Groups().List(t.Context())
	var p *api.Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, http.StatusUnauthorized, p.Status)
}
