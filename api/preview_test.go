package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

// flips are what a preview says of each port and direction.
func flips(p *policy.Preview) map[string]policy.DirectionFlip {
	out := make(map[string]policy.DirectionFlip)
	for _, item := range p.Items {
		for _, d := range item.Directions {
			out[string(item.PortID)+" "+string(d.Direction)] = d
		}
	}
	return out
}

func TestDryRunPreviewsWhatAProfileFlips(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	_, err := w.VPCs().Patch(t.Context(), "vpc", map[string]any{"profile": "open-until-ruled"})
	require.NoError(t, err)
	var p policy.Preview
	vpc, err := w.VPCs().Patch(t.Context(), "vpc", map[string]any{"profile": "isolated"}, api.Previewed(&p))
	require.NoError(t, err)
	require.Equal(t, policy.ProfileIsolated, vpc.Profile, "the answer is that of the change")
	require.Equal(t, 1, p.Ports)
	ingress := flips(&p)["web-0 ingress"]
	require.Equal(t, policy.EffectClosed, ingress.Effect)
	require.Equal(t, "no groups: profile open-until-ruled opens ingress", ingress.Before.Because)
	require.Equal(t, "default group default-allow-egress: no ingress rule, ingress refused", ingress.After.Because)
	read, err := w.VPCs().Get(t.Context(), "vpc")
	require.NoError(t, err)
	require.Equal(t, policy.ProfileOpenUntilRuled, read.Profile, "nothing is stored")
}

// Every kind of change is previewed, also where it reaches other ports than those that it is about.
func TestDryRunPreviewsEveryMutation(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.put("/v1/instances/db", `{"name": "db", "project_id": "prj", "security_group_ids": []}`)
	w.put("/v1/ports/db-0", `{"instance_id": "db", "subnet_id": "sub", "mac": "fa:16:3e:00:00:02", "addresses": ["10.0.0.20"]}`)
	w.put("/v1/ip-sets/office", `{"name": "office", "project_id": "prj", "ip_version": 4, "entries": [{"cidr": "192.0.2.0/24"}]}`)
	w.put("/v1/security-groups/clients", `{"name": "clients", "project_id": "prj"}`)
	w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj", "rules": [
		{"id": "from-clients", "direction": "in", "protocol": "tcp", "remote": {"security_group_id": "clients"}},
		{"id": "from-office", "direction": "in", "protocol": "tcp", "remote": {"ip_set_id": "office"}}]}`)
	w.put("/v1/instances/db", `{"name": "db", "project_id": "prj", "security_group_ids": ["g"]}`)
	for _, c := range []struct {
		method, path, body string
		want               map[string]policy.Effect
		causes             []policy.Cause // of db-0 ingress
	}{
		{http.MethodPatch, "/v1/projects/prj", `{"profile": "open-until-ruled"}`,
			map[string]policy.Effect{"web-0 ingress": policy.EffectOpened, "web-0 egress": policy.EffectChanged, "db-0 egress": policy.EffectOpened}, nil},
		{http.MethodPatch, "/v1/projects/prj", `{"smtp_allowed": true}`, nil, nil},
		{http.MethodPatch, "/v1/instances/web", `{"security_group_ids": ["clients"]}`,
			map[string]policy.Effect{"web-0 egress": policy.EffectClosed, "db-0 ingress": policy.EffectChanged}, []policy.Cause{policy.CauseMembers}},
		{http.MethodPost, "/v1/security-groups/clients/attachments", `{"target": {"port_id": "web-0"}}`,
			map[string]policy.Effect{"web-0 egress": policy.EffectClosed, "db-0 ingress": policy.EffectChanged}, []policy.Cause{policy.CauseMembers}},
		{http.MethodPost, "/v1/ip-sets/office/entries", `{"cidr": "198.51.100.1"}`,
			map[string]policy.Effect{"db-0 ingress": policy.EffectChanged}, []policy.Cause{policy.CauseEntries}},
		{http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "in", "protocol": "udp"}`,
			map[string]policy.Effect{"db-0 ingress": policy.EffectChanged}, []policy.Cause{policy.CauseRules}},
		{http.MethodPut, "/v1/security-groups/g/rules", `{"items": []}`,
			map[string]policy.Effect{"db-0 ingress": policy.EffectClosed}, []policy.Cause{policy.CauseRules}},
		{http.MethodDelete, "/v1/rules/from-office", "", map[string]policy.Effect{"db-0 ingress": policy.EffectChanged}, []policy.Cause{policy.CauseRules}},
		{http.MethodDelete, "/v1/security-groups/g?detach=true", "",
			map[string]policy.Effect{"db-0 ingress": policy.EffectClosed, "db-0 egress": policy.EffectOpened}, []policy.Cause{policy.CauseGroups}},
		{http.MethodDelete, "/v1/ports/db-0", "", map[string]policy.Effect{"db-0 ingress": policy.EffectRemoved, "db-0 egress": policy.EffectRemoved}, nil},
		{http.MethodDelete, "/v1/security-groups/clients?references=remove", "",
			map[string]policy.Effect{"db-0 ingress": policy.EffectChanged}, []policy.Cause{policy.CauseRules}},
		{http.MethodPatch, "/v1/security-groups/g", `{"description": "x"}`, nil, nil},
		{http.MethodPost, "/v1/apply", `{"documents": [{"apiVersion": "conjunct/v1", "kind": "Instance", "metadata": {"name": "web"}, "spec": {"security_group_ids": ["g"]}}]}`,
			map[string]policy.Effect{"web-0 ingress": policy.EffectOpened, "web-0 egress": policy.EffectClosed}, nil},
	} {
		separator := "?"
		if strings.Contains(c.path, "?") {
			separator = "&"
		}
		a := w.do(c.method, c.path+separator+"dry_run=true", c.body)
		require.Less(t, a.status, 300, "%s %s: %s", c.method, c.path, a.body)
		var out struct{ Preview *policy.Preview }
		a.into(&out)
		require.NotNil(t, out.Preview, a.body)
		got := make(map[string]policy.Effect)
		for at, flip := range flips(out.Preview) {
			got[at] = flip.Effect
			if at == "db-0 ingress" {
				require.Equal(t, c.causes, flip.Causes, c.path)
			}
		}
		if c.want == nil {
			c.want = map[string]policy.Effect{}
		}
		require.Equal(t, c.want, got, c.path)
	}
}
