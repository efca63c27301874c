package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

// carryOut makes the calls that the answer suggests, at each end that refuses.
func (w *world) carryOut(a *api.Answer) {
	w.Helper()
	for _, step := range a.Steps {
		if step.Allowed {
			require.Nil(w.T, step.Suggestion, "nothing is suggested for what passes")
			continue
		}
		require.NotNil(w.T, step.Suggestion)
		require.NotEmpty(w.T, step.Suggestion.Requests)
		for _, r := range step.Suggestion.Requests {
			got := w.do(r.Method, r.Path, string(r.Body))
			require.Less(w.T, got.status, 300, "%s %s %s: %s", r.Method, r.Path, r.Body, got.body)
		}
	}
}

func (w *world) explain(body string) *api.Answer {
	w.Helper()
	got := w.do(http.MethodPost, "/v1/explain", body)
	require.Equal(w.T, http.StatusOK, got.status, got.body)
	a := new(api.Answer)
	got.into(a)
	return a
}

// TestSuggestionsAreEnough carries out what is suggested, as it stands, and asks again.
func TestSuggestionsAreEnough(t *testing.T) {
	for name, c := range map[string]struct {
		prepare  map[string]string // PATCH or PUT, by path
		question string
		check    func(*testing.T, *api.Answer)
	}{
		"a rule by the peer's group, at both ends": {
			question: `{"from": {"port_id": "db-0"}, "to": {"port_id": "web-0"}, "protocol": "udp", "port": "ntp"}`,
			check: func(t *testing.T, a *api.Answer) {
				s := a.Steps[0].Suggestion
				require.Equal(t, "dbs", s.Group.ID)
				require.Equal(t, policy.Remote{GroupID: "webs"}, s.Rule.Remote)
				require.Equal(t, []string{"conjunct create rule dbs 'out udp 123 to group webs ipv4'"}, s.Commands)
				require.Contains(t, s.Manifest, "- direction: egress\n  ip_version: 4\n  port_max: 123\n  port_min: 123\n  protocol: udp\n  remote:\n    security_group_id: webs\n")
				require.Equal(t, "conjunct create rule webs 'in udp 123 from group dbs ipv4'", a.Steps[1].Suggestion.Commands[0])
			},
		},
		"an address outside": {
			question: `{"from": {"address": "198.51.100.7"}, "to": {"port_id": "db-0"}, "protocol": "icmp", "icmp_type": "timestamp-request"}`,
			check: func(t *testing.T, a *api.Answer) {
				require.Equal(t, []string{"conjunct create rule dbs 'in icmp type 13 code 0 from 198.51.100.7'"}, a.Steps[0].Suggestion.Commands)
				require.Equal(t, "outside of every subnet of VPC main", a.From.Where)
			},
		},
		"a default group": {
			prepare:  map[string]string{"/v1/instances/web": `{"security_group_ids": []}`},
			question: `{"from": {"address": "198.51.100.7"}, "to": {"port_id": "web-0"}, "protocol": "tcp", "port": 22}`,
			check: func(t *testing.T, a *api.Answer) {
				require.Contains(t, fmt.Sprint(a.Steps[0].Suggestion.Notes), "default group of every port without another one")
			},
		},
		"a default group that nobody edits": {
			prepare:  map[string]string{"/v1/instances/web": `{"security_group_ids": []}`, "/v1/vpcs/vpc": `{"profile": "vpc-locked"}`},
			question: `{"from": {"address": "198.51.100.7"}, "to": {"port_id": "web-0"}, "protocol": "tcp", "port": 8443}`,
			check: func(t *testing.T, a *api.Answer) {
				s := a.Steps[0].Suggestion
				require.Nil(t, s.Group)
				require.Len(t, s.Commands, 2)
				require.Contains(t, s.Manifest, "kind: SecurityGroup\nmetadata:\n  name: allow-web-0\n  project: acme\n")
			},
		},
		"no group, and a profile that closes such ports": {
			prepare:  map[string]string{"/v1/instances/web": `{"security_group_ids": []}`, "/v1/vpcs/vpc": `{"profile": "ordered"}`},
			question: `{"from": {"address": "198.51.100.7"}, "to": {"port_id": "web-0"}, "protocol": "sctp", "port": 22}`,
		},
		"a rule that drops": {
			prepare: map[string]string{"PUT /v1/security-groups/webs": `{"name": "webs", "project_id": "prj", "evaluation": "ordered", "rules": [
				{"direction": "in", "protocol": "tcp", "port_min": 1}, {"id": "catch-all", "direction": "in", "protocol": "all", "action": "drop"},
				{"direction": "in", "protocol": "tcp", "port_min": 2}]}`},
			question: `{"from": {"address": "198.51.100.7"}, "to": {"port_id": "web-0"}, "protocol": "tcp", "port": 22}`,
			check: func(t *testing.T, a *api.Answer) {
				require.Equal(t, "catch-all", a.Steps[0].Suggestion.Before)
				require.Equal(t, "/v1/security-groups/webs/rules?before=catch-all", a.Steps[0].Suggestion.Requests[0].Path)
				require.Contains(t, a.Steps[0].Suggestion.Commands[0], " --before catch-all")
			},
		},
		"a rule that is there, behind one that drops": {
			prepare: map[string]string{"PUT /v1/security-groups/webs": `{"name": "webs", "project_id": "prj", "evaluation": "ordered", "rules": [
				{"id": "catch-all", "direction": "in", "protocol": "all", "action": "drop"},
				{"id": "late", "direction": "in", "protocol": "tcp", "port_min": 22, "port_max": 22, "remote": {"cidrs": ["198.51.100.7/32"]}}]}`},
			question: `{"from": {"address": "198.51.100.7"}, "to": {"port_id": "web-0"}, "protocol": "tcp", "port": 22}`,
			check: func(t *testing.T, a *api.Answer) {
				require.Equal(t, "late", a.Steps[0].Suggestion.Moved)
				require.Nil(t, a.Steps[0].Suggestion.Rule)
			},
		},
		"SMTP": {
			prepare:  map[string]string{"/v1/vpcs/vpc": `{"profile": "open-until-ruled"}`},
			question: `{"from": {"port_id": "web-0"}, "to": {"address": "198.51.100.7"}, "protocol": "tcp", "port": "smtp"}`,
			check: func(t *testing.T, a *api.Answer) {
				require.Equal(t, "prj", a.Steps[0].Suggestion.Needs[0].ID)
				require.NotNil(t, a.Steps[0].Suggestion.Rule, "the rules of the group are for other ports")
			},
		},
		"a source that is not the port's": {
			question: `{"from": {"port_id": "web-0", "address": "10.0.0.99"}, "to": {"port_id": "db-0"}, "protocol": "tcp", "port": 3306}`,
		},
		"a DHCP server": {
			question: `{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "udp", "port": 68, "src_port": 67}`,
			check: func(t *testing.T, a *api.Answer) {
				require.JSONEq(t, `{"roles": ["dhcp_server"]}`, string(a.Steps[0].Suggestion.Requests[0].Body))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := tiers(t)
			for path, body := range c.prepare {
				method := http.MethodPatch
				if path[0] == 'P' {
					method, path = http.MethodPut, path[4:]
				}
				got := w.do(method, path, body)
				require.Less(t, got.status, 300, got.body)
			}
			a := w.explain(c.question)
			require.False(t, a.Allowed)
			if c.check != nil {
				c.check(t, a)
			}
			w.carryOut(a)
			after := w.explain(c.question)
			require.True(t, after.Allowed, "%+v", after.Steps)
		})
	}
}

func TestNothingIsSuggestedWhereNothingHelps(t *testing.T) {
	w := tiers(t)
	a := w.explain(`{"from": {"port_id": "web-0", "address": "224.0.0.5"}, "to": {"port_id": "db-0"}, "protocol": "tcp", "port": 3306}`)
	s := a.Steps[0].Suggestion
	require.Empty(t, s.Requests)
	require.Equal(t, []api.SuggestedNeed{{Because: "no VM may send from 224.0.0.5"}}, s.Needs)
}

// TestPacketsFollowTheirConnection asks about what comes later and what comes back.
func TestPacketsFollowTheirConnection(t *testing.T) {
	w := tiers(t)
	ask := func(port int, kind string) *api.Answer {
		return w.explain(fmt.Sprintf(`{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "tcp", "port": %d, "packet": %q}`, port, kind))
	}
	for _, kind := range []string{"opening", "later", "reply", "icmp-error"} {
		require.True(t, ask(3306, kind).Allowed, kind)
		a := ask(3307, kind)
		require.False(t, a.Allowed, kind)
		require.Equal(t, "conjunct create rule webs 'out tcp 3307 to group dbs ipv4'", a.Steps[0].Suggestion.Commands[0], "what allows a reply is what allows the connection")
	}
	require.Equal(t, policy.TierTracking, ask(3306, "reply").Steps[0].Stages[0].Tier)
	t.Run("a reply from an address that the VM does not have", func(t *testing.T) {
		w.do(http.MethodPatch, "/v1/rules/to-db", `{"remote": {"any": true}}`)
		a := w.explain(`{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0", "address": "10.0.0.99"}, "protocol": "tcp", "port": 3306, "packet": "reply"}`)
		require.False(t, a.Allowed)
		require.Equal(t, policy.TierAntiSpoofing, a.Steps[1].Tier)
		require.Equal(t, "db-0", a.Steps[1].Suggestion.Needs[0].ID)
	})
	t.Run("what the platform lets pass is not tracked", func(t *testing.T) {
		const dhcp = `{"from": {"port_id": "web-0"}, "to": {"address": "10.0.0.2"}, "protocol": "udp", "port": 67, "src_port": 68, "packet": %q}`
		require.Equal(t, "dhcp-answer", w.explain(fmt.Sprintf(dhcp, "reply")).Steps[0].Platform.ID)
		a := w.explain(fmt.Sprintf(dhcp, "icmp-error"))
		require.False(t, a.Allowed)
		require.Equal(t, policy.TierTracking, a.Steps[0].Tier)
		require.Nil(t, a.Steps[0].Suggestion)
	})
}

// TestExplainTellsAUserOnlyOfTheirOwnPorts asks as the user of one of two projects that share a VPC.
func TestExplainTellsAUserOnlyOfTheirOwnPorts(t *testing.T) {
	w := tiers(t)
	w.put("/v1/vpcs/shared", `{"name": "shared"}`)
	w.put("/v1/subnets/open", `{"name": "open", "vpc_id": "shared", "cidrs": ["10.9.0.0/24"], "vlan": 99}`)
	w.put("/v1/security-groups/everybody", `{"name": "everybody"}`)
	w.put("/v1/projects/theirs", `{"name": "theirs"}`)
	w.put("/v1/security-groups/mine", `{"name": "mine", "project_id": "prj", "rules": [{"direction": "in", "protocol": "tcp", "port_min": 80, "remote": {"security_group_id": "everybody"}}]}`)
	w.put("/v1/security-groups/secret", `{"name": "secret", "project_id": "theirs", "rules": [{"direction": "out", "protocol": "udp"}]}`)
	for i, row := range [][3]string{{"a", "prj", "mine"}, {"b", "theirs", `everybody", "secret`}} {
		w.put("/v1/instances/"+row[0], fmt.Sprintf(`{"name": %q, "project_id": %q, "security_group_ids": ["%s"]}`, row[0], row[1], row[2]))
		w.put("/v1/ports/"+row[0]+"-0", fmt.Sprintf(`{"instance_id": %q, "subnet_id": "open", "mac": "fa:16:3e:09:00:0%d", "addresses": ["10.9.0.%d"]}`, row[0], i+1, i+1))
	}
	const question = `{"from": {%s}, "to": {"port_id": "a-0"}, "protocol": "tcp", "port": %d}`
	all := w.explain(fmt.Sprintf(question, `"port_id": "b-0"`, 80))
	require.Len(t, all.Steps, 2)
	require.False(t, all.Allowed, "the sender's group has no rule for it")

	token, err := w.Tokens().Create(t.Context(), &api.Token{Name: "u", Role: policy.RoleUser, ProjectID: "prj"})
	require.NoError(t, err)
	as := func(body string) answer {
		return w.do(http.MethodPost, "/v1/explain", body, "Authorization", bearer(token.Secret))
	}
	p := as(fmt.Sprintf(question, `"port_id": "b-0"`, 80)).problem(http.StatusUnprocessableEntity)
	require.Equal(t, "/from/port_id reference-missing", found(p)[0])
	var own api.Answer
	as(fmt.Sprintf(question, `"address": "10.9.0.2"`, 80)).into(&own)
	require.True(t, own.Allowed, "the verdict at the own port knows the group's members")
	require.Len(t, own.Steps, 1)
	require.Empty(t, own.From.PortID)
	refused := as(fmt.Sprintf(question, `"address": "10.9.0.2"`, 81))
	require.NotContains(t, refused.body, "b-0")
	require.NotContains(t, refused.body, "secret")
	refused.into(&own)
	require.Equal(t, []string{"conjunct create rule mine 'in tcp 81 from 10.9.0.2'"}, own.Steps[0].Suggestion.Commands)
}

// TestExplainComparesWithTheBridges has bridges that do and don't do what the policy says.
func TestExplainComparesWithTheBridges(t *testing.T) {
	w := tiers(t)
	const question = `{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "tcp", "port": 3306}`
	ask := func() *api.Answer {
		t.Helper()
		got := w.do(http.MethodPost, "/v1/explain?source=bridge", question)
		require.Equal(t, http.StatusOK, got.status, got.body)
		a := new(api.Answer)
		got.into(a)
		return a
	}
	p := w.do(http.MethodPost, "/v1/explain?source=bridge", question).problem(http.StatusServiceUnavailable)
	require.Equal(t, "host-unavailable", p.Code)
	require.Contains(t, p.Detail, "not connected")
	w.do(http.MethodPost, "/v1/explain?source=nowhere", question).problem(http.StatusBadRequest)

	passed, differences := true, []policy.FlowDifference{}
	w.hosts.Set(func(h *policytest.Reported) {
		h.Probe = func(p policy.Probe) (out []policy.Passage, _ error) {
			for _, end := range []policy.End{p.From, p.To} {
				out = append(out, policy.Passage{Port: policy.PortID(end.Port.Port.ID), Host: "hv1", OFPort: 1, Passed: passed, Tables: []policy.FlowLookup{}, Differences: differences})
			}
			return out, nil
		}
	})
	a := ask()
	require.Len(t, a.Bridges, 2)
	require.Empty(t, a.Findings)
	passed = false
	require.Len(t, ask().Findings, 2, "a verdict that differs is a finding without any flow that does")
	differences = []policy.FlowDifference{{Kind: policy.FlowExtra, Flow: "priority=9 actions=drop", Meaning: "not ours"}}
	f := ask().Findings[0]
	require.Equal(t, api.BridgeFinding{
		Host: "hv1", PortID: "web-0", Expected: "allowed", Got: "refused", Kind: policy.FlowExtra, Flow: "priority=9 actions=drop",
		Message: "the packet meets a flow that nobody wants (not ours)",
	}, f)
}
