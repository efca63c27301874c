package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

// attachedGroup is a group g of the project that an instance, a port and a subnet have.
func (w *world) attachedGroup() {
	w.Helper()
	w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj"}`)
	w.put("/v1/instances/web", `{"name": "web", "project_id": "prj", "security_group_ids": ["g"]}`)
	w.put("/v1/ports/web-0", `{"instance_id": "web", "subnet_id": "sub", "mac": "fa:16:3e:00:00:01", "addresses": ["10.0.0.10"], "security_group_ids": ["g"]}`)
	a := w.do(http.MethodPost, "/v1/security-groups/g/attachments", `{"target": {"subnet_id": "sub"}}`)
	require.Equal(w, http.StatusCreated, a.status, a.body)
}

// judgedBy makes the project one whose profile is the preset with changes.
func (w *world) judgedBy(change func(*policy.Profile)) {
	w.Helper()
	p, _ := policy.Preset(policy.ProfileIsolated)
	p.Meta, p.Name = policy.Meta{ID: "own"}, "own"
	change(p)
	_, err := w.store.Update(w.Context(), func(tx policy.Tx) error { return tx.Put(p) })
	require.NoError(w, err)
	a := w.do(http.MethodPatch, "/v1/projects/prj", `{"profile": "own"}`)
	require.Equal(w, http.StatusOK, a.status, a.body)
}

func names(holders []policy.Holder) (out []string) {
	for _, h := range holders {
		out = append(out, string(h.Kind)+" "+h.Name)
	}
	return out
}

var everyone = []string{"instance web", "port web-0", "attachment subnet front"}

func TestA102_TheProfileDetaches(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.do(http.MethodPatch, "/v1/projects/prj", `{"profile": "open-until-ruled"}`)
	w.attachedGroup()
	t.Run("unless the caller says otherwise", func(t *testing.T) {
		require.Equal(t, "group-attached", w.do(http.MethodDelete, "/v1/security-groups/g?detach=false", "").problem(http.StatusConflict).Code)
	})
	t.Run("a dry run says what would be detached", func(t *testing.T) {
		along, err := w.Groups().Remove(t.Context(), "g", api.DryRun())
		require.NoError(t, err)
		require.Equal(t, everyone, names(along.Detached))
	})
	along, err := w.Groups().Remove(t.Context(), "g")
	require.NoError(t, err)
	require.Equal(t, everyone, names(along.Detached))
	require.Empty(t, along.RemovedRules)
	web, err := w.Instances().Get(t.Context(), "web")
	require.NoError(t, err)
	require.Empty(t, web.SecurityGroupIDs)
	port, err := w.Ports().Get(t.Context(), "web-0")
	require.NoError(t, err)
	require.Empty(t, port.SecurityGroupIDs)
}

func TestA102_TheProfileRefusesWhatIsAttached(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.attachedGroup()
	p := w.do(http.MethodDelete, "/v1/security-groups/g", "").problem(http.StatusConflict)
	require.Equal(t, "group-attached", p.Code)
	require.Equal(t, everyone, names(p.Conflicts))
	require.Contains(t, p.Detail, `instance "web", port "web-0", attachment "subnet front"; detach it first, or repeat with detach=true`)

	along, err := w.Groups().Remove(t.Context(), "g", api.Detach())
	require.NoError(t, err)
	require.Equal(t, everyone, names(along.Detached))
}

func TestA103_TheRulesGoFirst(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.judgedBy(func(p *policy.Profile) { p.GroupDelete = policy.DeleteRequireNoRules })
	group := func() {
		w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj", "rules": [
			{"id": "one", "name": "ssh", "direction": "in", "protocol": "tcp", "port_min": 22}, {"id": "two", "direction": "in", "protocol": "icmp"}]}`)
	}
	group()
	refused := func(t *testing.T, p *api.Problem) {
		t.Helper()
		require.Equal(t, "group-has-rules", p.Code)
		require.ElementsMatch(t, []policy.Holder{{Kind: policy.KindRule, ID: "one", Name: "ssh"}, {Kind: policy.KindRule, ID: "two", Name: "two"}}, p.Conflicts)
		require.Contains(t, p.Detail, "rules=delete")
	}
	refused(t, w.do(http.MethodDelete, "/v1/security-groups/g", "").problem(http.StatusConflict))
	document := `{"documents": [{"apiVersion": "conjunct/v1", "kind": "SecurityGroup", "metadata": {"name": "g"}}]}`
	t.Run("by manifest too", func(t *testing.T) {
		refused(t, w.do(http.MethodPost, "/v1/delete", document).problem(http.StatusConflict))
	})

	t.Run("one by one", func(t *testing.T) {
		require.NoError(t, w.Rules().Delete(t.Context(), "one"))
		w.do(http.MethodDelete, "/v1/security-groups/g", "").problem(http.StatusConflict)
		require.NoError(t, w.Rules().Delete(t.Context(), "two"))
		require.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, "/v1/security-groups/g", "").status)
	})
	gone := []api.RemovedRule{{ID: "one", Name: "ssh", GroupID: "g"}, {ID: "two", Name: "two", GroupID: "g"}}
	t.Run("or with the group, where the caller says so", func(t *testing.T) {
		group()
		along, err := w.Groups().Remove(t.Context(), "g", api.DeleteRules())
		require.NoError(t, err)
		require.ElementsMatch(t, gone, along.RemovedRules)
		w.do(http.MethodGet, "/v1/rules/one", "").problem(http.StatusNotFound)
	})
	t.Run("or with the group's manifest", func(t *testing.T) {
		group()
		var result api.ManifestResult
		w.do(http.MethodPost, "/v1/delete?rules=delete", document).into(&result)
		require.Equal(t, api.Deleted, result.Documents[0].Result)
		require.ElementsMatch(t, gone, result.Documents[0].RemovedRules)
	})
}

func TestA105_RulesOfOthersThatNameTheGroup(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/security-groups/target", `{"name": "target", "rules": [{"id": "own", "direction": "in", "protocol": "all", "remote": {"security_group_id": "target"}}]}`)
	w.put("/v1/security-groups/other", `{"name": "other", "rules": [{"id": "points", "direction": "out", "protocol": "tcp", "remote": {"security_group_id": "target"}}, {"id": "stays", "direction": "in", "protocol": "tcp"}]}`)
	p := w.do(http.MethodDelete, "/v1/security-groups/target", "").problem(http.StatusConflict)
	require.Equal(t, "group-referenced", p.Code)
	require.Contains(t, p.Detail, `rule points of security group "other"`)
	require.Equal(t, []policy.Holder{{Kind: policy.KindRule, ID: "points", Name: "points"}, {Kind: policy.KindGroup, ID: "other", Name: "other"}}, p.Conflicts)

	before, err := w.Groups().Get(t.Context(), "other")
	require.NoError(t, err)
	along, err := w.Groups().Remove(t.Context(), "target", api.RemoveReferences())
	require.NoError(t, err)
	require.Equal(t, []api.RemovedRule{{ID: "points", Name: "points", GroupID: "other"}}, along.RemovedRules)
	after, err := w.Groups().Get(t.Context(), "other")
	require.NoError(t, err)
	require.Len(t, after.Rules, 1)
	require.Equal(t, "stays", after.Rules[0].ID)
	require.Greater(t, after.Revision, before.Revision)
	for _, query := range []string{"references=keep", "detach=maybe", "rules=keep"} {
		w.do(http.MethodDelete, "/v1/security-groups/other?"+query, "").problem(http.StatusBadRequest)
	}
}

// All that stands in the way is told at once.
func TestA105_EveryReasonIsInTheAnswer(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.judgedBy(func(p *policy.Profile) { p.GroupDelete = policy.DeleteRequireNoRules })
	w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj", "rules": [{"direction": "in", "protocol": "tcp"}]}`)
	w.put("/v1/security-groups/h", `{"name": "h", "project_id": "prj", "rules": [{"direction": "in", "protocol": "tcp", "remote": {"security_group_id": "g"}}]}`)
	w.put("/v1/instances/web", `{"name": "web", "project_id": "prj", "security_group_ids": ["g"]}`)
	p := w.do(http.MethodDelete, "/v1/security-groups/g", "").problem(http.StatusConflict)
	require.Equal(t, []string{" group-referenced", " group-has-rules", " group-attached"}, found(p))
	require.Equal(t, "conflict", p.Code)
	p = w.do(http.MethodDelete, "/v1/security-groups/g?detach=true&references=remove", "").problem(http.StatusConflict)
	require.Equal(t, "group-has-rules", p.Code)

	a := w.do(http.MethodDelete, "/v1/security-groups/g?detach=true&references=remove&rules=delete", "")
	require.Equal(t, http.StatusOK, a.status, a.body)
	var along api.Removal
	a.into(&along)
	require.Equal(t, []string{"instance web"}, names(along.Detached))
	require.Len(t, along.RemovedRules, 2)
}

// What has something in it says what, by kind and id.
func TestA105_WhatIsInUseNamesWhatUsesIt(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.put("/v1/ip-sets/office", `{"name": "office", "project_id": "prj", "ip_version": 4}`)
	w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj", "rules": [
		{"id": "from-office", "direction": "in", "protocol": "tcp", "remote": {"ip_set_id": "office"}},
		{"id": "from-front", "direction": "in", "protocol": "udp", "remote": {"subnet_id": "sub"}}]}`)
	w.put("/v1/hypervisors/hv1", `{"name": "hv1"}`)
	w.do(http.MethodPatch, "/v1/ports/web-0", `{"hypervisor_id": "hv1"}`)
	a := w.do(http.MethodPost, "/v1/security-groups/g/attachments", `{"target": {"cidr": "10.0.0.0/25", "vpc_id": "vpc"}}`)
	require.Equal(t, http.StatusCreated, a.status, a.body)
	for path, want := range map[string]struct {
		code    string
		holders []string
	}{
		"ip-sets/office":  {"ip-set-in-use", []string{"rule from-office", "security-group g"}},
		"projects/prj":    {"project-in-use", []string{"instance web", "ip-set office", "security-group g", "vpc main"}},
		"vpcs/vpc":        {"vpc-in-use", []string{"subnet front"}},
		"subnets/sub":     {"subnet-in-use", []string{"port web-0", "rule from-front"}},
		"instances/web":   {"instance-in-use", []string{"port web-0"}},
		"hypervisors/hv1": {"hypervisor-in-use", []string{"port web-0"}},
	} {
		p := w.do(http.MethodDelete, "/v1/"+path, "").problem(http.StatusConflict)
		require.Equal(t, want.code, p.Code, path)
		require.Subset(t, names(p.Conflicts), want.holders, path)
	}
}
