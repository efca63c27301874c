package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
	"conjunct/store"
)

func TestPresetsAreReadOnly(t *testing.T) {
	w := newWorld(t)
	for _, p := range policy.Presets() {
		path := "/v1/profiles/" + p.ID
		read := w.do(http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, read.status)
		// Sent back as it is, it is unchanged; this is how a backup is restored.
		require.Equal(t, http.StatusOK, w.do(http.MethodPut, path, read.body).status)
		for _, refused := range []*api.Problem{
			w.do(http.MethodPatch, path, `{"max_groups_per_instance": 99}`).problem(http.StatusForbidden),
			w.do(http.MethodPut, path, `{"name": "mine"}`).problem(http.StatusForbidden),
			w.do(http.MethodDelete, path, "").problem(http.StatusForbidden),
		} {
			require.Equal(t, "preset-read-only", refused.Code)
			require.Contains(t, refused.Detail, "create a profile of your own with these switches")
		}
	}
	p := w.do(http.MethodPost, "/v1/profiles", `{"name": "isolated"}`).problem(http.StatusConflict)
	require.Equal(t, "name-taken", p.Code)
}

func TestAdminsAloneWriteProfiles(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/profiles/own", `{"name": "own"}`)
	for _, role := range []policy.Role{policy.RoleProvisioner, policy.RoleViewer} {
		c := w.role(role)
		_, err := c.Profiles().Get(t.Context(), "own")
		require.NoError(t, err)
		_, err = c.Profiles().Create(t.Context(), &api.Profile{Name: "other"})
		require.ErrorIs(t, err, &policy.Forbidden{})
		require.ErrorIs(t, c.Profiles().Delete(t.Context(), "own"), &policy.Forbidden{})
	}
}

func TestAProfileThatJudgesSomethingStays(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/profiles/own", `{"name": "mine"}`)
	w.put("/v1/projects/prj", `{"name": "acme", "profile": "own"}`)
	w.put("/v1/vpcs/vpc", `{"name": "main", "project_id": "prj", "profile": "own"}`)
	p := w.do(http.MethodDelete, "/v1/profiles/own", "").problem(http.StatusConflict)
	require.Equal(t, "profile-in-use", p.Code)
	require.Equal(t, []string{"project acme", "vpc main"}, names(p.Conflicts))
	w.do(http.MethodPatch, "/v1/projects/prj", `{"profile": null}`)
	w.do(http.MethodPatch, "/v1/vpcs/vpc", `{"profile": null}`)
	require.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, "/v1/profiles/own", "").status)

	t.Run("a reference is the id", func(t *testing.T) {
		made, err := w.Profiles().Create(t.Context(), &api.Profile{Name: "generated"})
		require.NoError(t, err)
		p := w.do(http.MethodPatch, "/v1/vpcs/vpc", `{"profile": "generated"}`).problem(http.StatusUnprocessableEntity)
		require.Equal(t, []string{"/profile reference-missing"}, found(p))
		_, err = w.VPCs().Patch(t.Context(), "vpc", map[string]any{"profile": made.ID})
		require.NoError(t, err)
	})
}

// The installation's profile is named in the configuration; it may be an admin's own.
func TestTheInstallationsProfileStays(t *testing.T) {
	w := newWorld(t)
	made, err := w.Profiles().Create(t.Context(), &api.Profile{Name: "house"})
	require.NoError(t, err)
	_, err = store.New(t.Context(), etcd, store.Options{Prefix: w.prefix, DefaultProfile: "none"})
	require.ErrorContains(t, err, `"none" is not a profile; there are `)
	again, err := store.New(t.Context(), etcd, store.Options{Prefix: w.prefix, DefaultProfile: "house"})
	require.NoError(t, err)
	defer again.Close()
	again.View(func(s *policy.Snapshot) {
		require.Equal(t, policy.ProfileName(made.ID), s.DefaultProfile)
		require.Equal(t, "house", s.ProfileOfProject("").Name)
	})
	other := newWorld(t, func(o *api.Options) { o.Objects = again })
	p := other.do(http.MethodDelete, "/v1/profiles/"+made.ID, "", "Authorization", "Bearer "+w.secret).problem(http.StatusConflict)
	require.Equal(t, "profile-in-use", p.Code)
	require.Contains(t, p.Detail, "installation")
}

// A switch that is changed holds at once for all VPCs that the profile judges.
func TestChangingAProfileTakesEffectAtOnce(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/profiles/own", `{"name": "own", "when_no_groups": "deny"}`)
	w.cloud()
	w.do(http.MethodPatch, "/v1/vpcs/vpc", `{"profile": "own"}`)
	ask := func() bool {
		var a api.Answer
		w.do(http.MethodPost, "/v1/explain", `{"from": {"address": "10.0.0.99"}, "to": {"port_id": "web-0"}, "protocol": "tcp", "port": 80}`).into(&a)
		return a.Allowed
	}
	require.False(t, ask())
	var p policy.Preview
	changed, err := w.Profiles().Patch(t.Context(), "own", map[string]any{"when_no_groups": "allow"}, api.Previewed(&p))
	require.NoError(t, err)
	require.Equal(t, policy.NoGroupsAllow, changed.WhenNoGroups)
	require.Equal(t, 1, p.Ingress.Opened)
	require.Equal(t, []policy.Cause{policy.CauseProfile}, flips(&p)["web-0 ingress"].Causes)
	require.False(t, ask(), "a dry run changes nothing")
	_, err = w.Profiles().Patch(t.Context(), "own", map[string]any{"when_no_groups": "allow"}, api.IfMatch(changed.Revision))
	require.NoError(t, err)
	require.True(t, ask())
}

// A090: manifests say profiles by name, also one that they make.
func TestA090_ManifestsNameProfiles(t *testing.T) {
	w := newWorld(t)
	var m api.Manifest
	for _, d := range []string{
		`{"apiVersion": "conjunct/v1", "kind": "VPC", "metadata": {"name": "net", "project": "shop"}, "spec": {"profile": "house"}}`,
		`{"apiVersion": "conjunct/v1", "kind": "Project", "metadata": {"name": "shop"}, "spec": {"profile": "open-until-ruled"}}`,
		`{"apiVersion": "conjunct/v1", "kind": "Profile", "metadata": {"name": "house"}, "spec": {"when_no_groups": "allow"}}`,
	} {
		m.Documents = append(m.Documents, json.RawMessage(d))
	}
	r, err := w.Apply(t.Context(), &m)
	require.NoError(t, err)
	require.Equal(t, []api.Outcome{api.Created, api.Created, api.Created}, results(r))
	vpc, err := w.VPCs().Get(t.Context(), r.Documents[0].ID)
	require.NoError(t, err)
	require.Equal(t, policy.ProfileName(r.Documents[2].ID), vpc.Profile)
	r, err = w.Apply(t.Context(), &m)
	require.NoError(t, err)
	require.Equal(t, []api.Outcome{api.Unchanged, api.Unchanged, api.Unchanged}, results(r))
	r, err = w.DeleteManifest(t.Context(), &m)
	require.NoError(t, err)
	require.Equal(t, []api.Outcome{api.Deleted, api.Deleted, api.Deleted}, results(r))
}
