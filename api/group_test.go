package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

func intp(n int) *int { return &n }

func tcp(port int) api.Rule {
	return api.Rule{Rule: policy.Rule{Direction: policy.Ingress, Protocol: policy.TCP, PortMin: intp(port)}}
}

// keys are what a rule keeps when it stays the same.
func keys(rules []api.Rule) (out []string) {
	for _, r := range rules {
		out = append(out, fmt.Sprintf("%s %d", r.ID, r.Number))
	}
	return out
}

func TestA053_AListReplacesTheRulesAndKeepsThoseThatAreTheSame(t *testing.T) {
	w := newWorld(t)
	g, err := w.Groups().Put(t.Context(), "g", &api.Group{Group: policy.Group{Name: "g"}, Rules: []api.Rule{tcp(22), tcp(80), tcp(443)}})
	require.NoError(t, err)
	before := keys(g.Rules)
	w.hosts.Set(func(h *policytest.Reported) { h.Hits = only(g.Rules[1].Number, policy.Hits{Packets: 7, Bytes: 700}) })

	// Name, description and spelling do not make a rule another; the order is not what counts.
	https, web := tcp(443), tcp(80)
	https.Name, https.Description = "https", "renamed"
	web.PortMax = intp(80)
	web.Remote.Any = true
	g, err = w.Groups().Put(t.Context(), "g", &api.Group{Group: policy.Group{Name: "g"}, Rules: []api.Rule{https, tcp(8080), web}})
	require.NoError(t, err)
	require.Len(t, g.Rules, 3)
	require.Equal(t, before[1:3], keys(g.Rules[:2]), "80 and 443")
	require.Equal(t, "https", g.Rules[1].Name)
	require.Equal(t, policy.Hits{Packets: 7, Bytes: 700}, g.Rules[0].Hits)
	require.NotContains(t, before, keys(g.Rules)[2])
	require.Equal(t, 8080, *g.Rules[2].PortMin)

	t.Run("without the key the rules stay", func(t *testing.T) {
		again, err := w.Groups().Put(t.Context(), "g", &api.Group{Group: policy.Group{Name: "g", Description: "x"}})
		require.NoError(t, err)
		require.Equal(t, keys(g.Rules), keys(again.Rules))
	})
	t.Run("a rule that is edited under its id keeps it", func(t *testing.T) {
		edited := g.Rules[2]
		edited.PortMin, edited.PortMax = intp(9090), nil
		again, err := w.Groups().Put(t.Context(), "g", &api.Group{Group: policy.Group{Name: "g"}, Rules: []api.Rule{g.Rules[0], edited}})
		require.NoError(t, err)
		require.Equal(t, []string{keys(g.Rules)[0], keys(g.Rules)[2]}, keys(again.Rules))
		require.Equal(t, 9090, *again.Rules[1].PortMin)
	})
	t.Run("the whole list at its own path", func(t *testing.T) {
		rules, err := w.ReplaceRules(t.Context(), "g", []api.Rule{tcp(22), web})
		require.NoError(t, err)
		require.Equal(t, keys(g.Rules)[0], keys(rules)[0])
		listed, err := w.RulesOf("g").List(t.Context())
		require.NoError(t, err)
		require.Equal(t, keys(rules), keys(listed))
		g, err := w.Groups().Get(t.Context(), "g")
		require.NoError(t, err)
		_, err = w.ReplaceRules(t.Context(), "g", nil, api.IfMatch(g.Revision-1))
		require.ErrorIs(t, err, policy.ErrStale)
		rules, err = w.ReplaceRules(t.Context(), "g", nil, api.IfMatch(g.Revision))
		require.NoError(t, err)
		require.Empty(t, rules)
	})
	t.Run("two of a list that are the same", func(t *testing.T) {
		p := w.do(http.MethodPut, "/v1/security-groups/g", `{"name": "g", "rules": [{"direction": "in", "protocol": "tcp"}, {"direction": "in", "protocol": "all"}, {"direction": "in", "protocol": "tcp"}]}`).
			problem(http.StatusConflict)
		require.Equal(t, []string{"/rules/2 rule-exists"}, found(p))
	})
	t.Run("one page is not the list", func(t *testing.T) {
		p := w.do(http.MethodPut, "/v1/security-groups/g/rules", `{"items": [], "next_page_token": "x"}`).problem(http.StatusUnprocessableEntity)
		require.Equal(t, "partial-list", p.Code)
		w.do(http.MethodPut, "/v1/security-groups/g/rules", `{}`).problem(http.StatusUnprocessableEntity)
		w.do(http.MethodPut, "/v1/security-groups/none/rules", `{"items": []}`).problem(http.StatusNotFound)
	})
}

// Rules that a group's answer lists for another group make rules of their own.
func TestRulesCopiedToAnotherGroupAreOthers(t *testing.T) {
	w := newWorld(t)
	g, err := w.Groups().Put(t.Context(), "g", &api.Group{Group: policy.Group{Name: "g"}, Rules: []api.Rule{tcp(22)}})
	require.NoError(t, err)
	copied := g.Rules[0]
	copied.GroupID = ""
	h, err := w.Groups().Put(t.Context(), "h", &api.Group{Group: policy.Group{Name: "h"}, Rules: []api.Rule{copied}})
	require.NoError(t, err)
	require.NotEqual(t, g.Rules[0].ID, h.Rules[0].ID)
	g, err = w.Groups().Get(t.Context(), "g")
	require.NoError(t, err)
	require.Len(t, g.Rules, 1)
}

func TestA051_RulesAreEditedInPlace(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/security-groups/g", `{"name": "g"}`)
	made, err := w.RulesOf("g").Create(t.Context(), &api.Rule{Rule: policy.Rule{Name: "ssh", Direction: policy.Ingress, Protocol: policy.TCP, PortMin: intp(22)}})
	require.NoError(t, err)
	require.NotZero(t, made.Number)
	edited, err := w.Rules().Patch(t.Context(), made.ID, map[string]any{"remote": map[string]any{"cidrs": []string{"192.0.2.0/24"}}})
	require.NoError(t, err)
	require.Equal(t, made.Number, edited.Number)
	require.Equal(t, policy.RemoteCIDRs, edited.Remote.Kind())
	require.NoError(t, w.Rules().Delete(t.Context(), made.ID))
	_, err = w.Rules().Get(t.Context(), made.ID)
	require.ErrorIs(t, err, &policy.NotFound{})
	w.do(http.MethodPost, "/v1/security-groups/none/rules", `{"direction": "in", "protocol": "tcp"}`).problem(http.StatusNotFound)
	p := w.do(http.MethodPut, "/v1/rules/mine", `{"direction": "in", "protocol": "tcp"}`).problem(http.StatusUnprocessableEntity)
	require.Equal(t, []string{"/security_group_id required"}, found(p))
}

func TestA005_RulesOfAnOrderedGroupAreInTheOrderOfTheList(t *testing.T) {
	w := newWorld(t)
	drop := api.Rule{Rule: policy.Rule{Name: "rest", Direction: policy.Ingress, Protocol: policy.All, Action: policy.Drop}}
	g, err := w.Groups().Put(t.Context(), "g", &api.Group{Group: policy.Group{Name: "g", Evaluation: policy.Ordered}, Rules: []api.Rule{tcp(22), tcp(80), drop}})
	require.NoError(t, err)
	require.Equal(t, []int{10, 20, 30}, []int{*g.Rules[0].Position, *g.Rules[1].Position, *g.Rules[2].Position})
	again, err := w.Groups().Put(t.Context(), "g", &api.Group{Group: policy.Group{Name: "g"}, Rules: []api.Rule{tcp(80), tcp(22), drop}})
	require.NoError(t, err)
	require.Equal(t, policy.Ordered, again.Evaluation, "absence does not make it a union")
	require.Equal(t, []string{keys(g.Rules)[1], keys(g.Rules)[0], keys(g.Rules)[2]}, keys(again.Rules))
	listed, err := w.RulesOf("g").List(t.Context(), api.Query("page_size", "2"))
	require.NoError(t, err)
	require.Equal(t, keys(again.Rules), keys(listed))
}

func TestA058_A059_AttachFromEitherSide(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj"}`)
	for _, target := range []policy.Target{{InstanceID: "web"}, {PortID: "web-0"}, {SubnetID: "sub"}, {Tag: map[string]string{"tier": "web"}}} {
		made, err := w.AttachmentsOf("g").Create(t.Context(), &api.Attachment{Target: target})
		require.NoError(t, err)
		require.Equal(t, target, made.Target)
		got, err := w.AttachmentsOf("g").Get(t.Context(), made.ID)
		require.NoError(t, err)
		require.Equal(t, made, got)
	}
	a := w.do(http.MethodPost, "/v1/security-groups/g/attachments", `{"target": {"cidr": "10.0.0.0/25", "vpc_id": "vpc"}}`)
	require.Equal(t, http.StatusCreated, a.status, a.body)

	web, err := w.Instances().Get(t.Context(), "web")
	require.NoError(t, err)
	require.Equal(t, []policy.GroupID{"g"}, web.SecurityGroupIDs)
	all, err := w.AttachmentsOf("g").List(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 5)
	var named []string
	for _, a := range all {
		named = append(named, a.ID)
	}
	require.Subset(t, named, []string{"att-ins-web", "att-prt-web-0"})
	members, err := w.MembersOf("g").List(t.Context())
	require.NoError(t, err)
	require.Len(t, members, 2, "IPv4 and IPv6 of the one port")
	require.Equal(t, policy.PortID("web-0"), members[0].PortID)

	for _, a := range all {
		require.NoError(t, w.AttachmentsOf("g").Delete(t.Context(), a.ID))
		require.ErrorIs(t, w.AttachmentsOf("g").Delete(t.Context(), a.ID), &policy.NotFound{})
	}
	web, err = w.Instances().Get(t.Context(), "web")
	require.NoError(t, err)
	require.Empty(t, web.SecurityGroupIDs)
	w.do(http.MethodPost, "/v1/security-groups/none/attachments", `{"target": {"instance_id": "web"}}`).problem(http.StatusNotFound)
	p := w.do(http.MethodPost, "/v1/security-groups/g/attachments", `{"target": {"instance_id": "none"}}`).problem(http.StatusUnprocessableEntity)
	require.Equal(t, []string{"/target/instance_id reference-missing"}, found(p))
}

func TestA079_AProjectStartsWithTheGroupsOfItsProfile(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/projects/prj", `{"name": "prj"}`)
	w.put("/v1/projects/open", `{"name": "open", "profile": "open-until-ruled"}`)
	gs, err := w.Groups().List(t.Context())
	require.NoError(t, err)
	require.Len(t, gs, 3, "the open project has none")
	slices.SortFunc(gs, func(a, b api.Group) int { return strings.Compare(a.Name, b.Name) })
	for i, want := range []struct {
		name   string
		origin policy.Origin
		rules  int
	}{
		{"default-allow-egress", policy.OriginDefault, 1}, {"default-allow-ssh", policy.OriginStarter, 1},
		{"default-allow-web-protocols", policy.OriginStarter, 2},
	} {
		require.Equal(t, want.name, gs[i].Name)
		require.Equal(t, want.origin, gs[i].Origin)
		require.Len(t, gs[i].Rules, want.rules)
	}
	// Its rules may be changed; what it is may not.
	a := w.do(http.MethodPut, "/v1/security-groups/"+gs[0].ID, `{"name": "default-allow-egress", "project_id": "prj", "rules": []}`)
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Contains(t, a.body, `"origin":"default"`)
	require.NoError(t, w.Projects().Delete(t.Context(), "prj"))
}
