package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

// TestA081_EditingADefaultGroupIsAdvisedAgainst: it is done, and the answer says what to do instead.
func TestA081_EditingADefaultGroupIsAdvisedAgainst(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	defaults, err := w.Groups().List(t.Context(), api.Query("origin", "default"))
	require.NoError(t, err)
	require.Len(t, defaults, 1)
	var said []string
	w.Warned = func(text string) { said = append(said, text) }
	rule := &api.Rule{Rule: policy.Rule{Direction: policy.Ingress, Protocol: policy.ICMP}}
	_, err = w.RulesOf(policy.GroupID(defaults[0].ID)).Create(t.Context(), rule, api.DryRun())
	require.NoError(t, err)
	require.Len(t, said, 1, "in a dry run too")
	made, err := w.RulesOf(policy.GroupID(defaults[0].ID)).Create(t.Context(), rule)
	require.NoError(t, err)
	require.Len(t, said, 2)
	require.Equal(t, said[0], said[1])
	require.Contains(t, said[0], `project "acme" advises against changing its default group (profile "isolated")`)
	require.NoError(t, w.Rules().Delete(t.Context(), made.ID))
	require.Len(t, said, 3)

	own := w.do(http.MethodPost, "/v1/security-groups", `{"name": "own", "project_id": "prj", "rules": [{"direction": "in", "protocol": "icmp"}]}`)
	require.Empty(t, own.header.Values("Warning"))
}

// What is allowed and seldom meant is done, and the answer says what it means.
func TestA117_WhatIsSeldomMeantIsAnsweredWithAWarning(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.put("/v1/ip-sets/all", `{"name": "everybody", "project_id": "prj", "ip_version": 4, "entries": [{"cidr": "0.0.0.0/0"}]}`)
	w.put("/v1/ip-sets/few", `{"name": "few", "project_id": "prj", "ip_version": 4, "entries": [{"cidr": "192.0.2.0/24"}]}`)
	w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj", "rules": [{"id": "of-few", "name": "of-few", "direction": "in", "protocol": "tcp", "port_min": 22, "remote": {"ip_set_id": "few"}}]}`)
	w.put("/v1/security-groups/none", `{"name": "none", "project_id": "prj"}`)
	w.put("/v1/security-groups/list", `{"name": "list", "project_id": "prj", "evaluation": "ordered", "rules": [{"direction": "in", "protocol": "all", "action": "drop"}]}`)
	opens := func(what, to string) []string {
		return []string{`rule "x" of security group "g" opens ` + what + ` to ` + to + `; name the addresses that need it, as cidrs or an IP set`}
	}
	const login = "SSH (tcp 22)"
	for _, c := range []struct {
		rule string // of g
		want []string
	}{
		{`"in", "protocol": "tcp", "port_min": 22`, opens(login, "every address")},
		{`"in", "protocol": "tcp", "port_min": 22, "remote": {"cidrs": ["0.0.0.0/0"]}`, opens(login, "every IPv4 address")},
		{`"in", "protocol": "tcp", "port_min": 22, "remote": {"cidrs": ["10.0.0.0/8", "::/0"]}`, opens(login, "every IPv6 address")},
		{`"in", "protocol": "tcp", "port_min": 22, "ip_version": 6`, opens(login, "every IPv6 address")},
		{`"in", "protocol": "tcp", "port_min": 22, "remote": {"ip_set_id": "all"}`, opens(login, "every IPv4 address")},
		{`"in", "protocol": "tcp", "port_min": 1, "port_max": 1024`, opens(login, "every address")},
		{`"in", "protocol": "tcp"`, opens("SSH (tcp 22) and RDP (tcp 3389)", "every address")},
		{`"in", "protocol": "tcp", "port_min": 3389`, opens("RDP (tcp 3389)", "every address")},
		{`"in", "protocol": "udp", "port_min": 3389`, opens("RDP (udp 3389)", "every address")},
		{`"in", "protocol": "all"`, opens("everything", "every address")},
		{`"in", "protocol": "tcp", "port_min": 443`, nil},
		{`"in", "protocol": "icmp"`, nil},
		{`"out", "protocol": "all"`, nil},
		{`"in", "protocol": "all", "remote": {"security_group_id": "none"}`, nil},
		{`"in", "protocol": "tcp", "port_min": 22, "remote": {"cidrs": ["192.0.2.0/24"]}`, nil},
		{`"in", "protocol": "tcp", "port_min": 22, "remote": {"own_subnet": true}`, nil},
	} {
		a := w.do(http.MethodPost, "/v1/security-groups/g/rules?dry_run=true", `{"name": "x", "direction": `+c.rule+`}`)
		require.Less(t, a.status, 300, a.body)
		require.Equal(t, c.want, warnings(a), c.rule)
	}

	t.Run("an entry that opens what the rules of its set guard", func(t *testing.T) {
		a := w.do(http.MethodPost, "/v1/ip-sets/few/entries?dry_run=true", `{"cidr": "0.0.0.0/0"}`)
		require.Equal(t, []string{`rule "of-few" of security group "g" opens SSH (tcp 22) to every IPv4 address; name the addresses that need it, as cidrs or an IP set`}, warnings(a))
	})
	t.Run("a drop, and what stays as it is", func(t *testing.T) {
		require.Empty(t, warnings(w.do(http.MethodPost, "/v1/security-groups/list/rules?dry_run=true", `{"direction": "in", "protocol": "tcp", "action": "drop"}`)))
		w.put("/v1/rules/x", `{"security_group_id": "g", "name": "x", "direction": "in", "protocol": "tcp", "port_min": 22}`)
		require.Empty(t, warnings(w.do(http.MethodPut, "/v1/rules/x", `{"security_group_id": "g", "name": "x", "direction": "in", "protocol": "tcp", "port_min": 22}`)))
		require.Equal(t, opens(login, "every address"), warnings(w.do(http.MethodPatch, "/v1/instances/web?dry_run=true", `{"security_group_ids": ["g"]}`)))
		require.Equal(t, opens(login, "every address"), warnings(w.do(http.MethodPost, "/v1/security-groups/g/attachments?dry_run=true", `{"target": {"subnet_id": "sub"}}`)))
		w.do(http.MethodDelete, "/v1/rules/x", "")
	})
	t.Run("A-117 in a manifest", func(t *testing.T) {
		a := w.do(http.MethodPost, "/v1/apply?dry_run=true", `{"project": "acme", "documents": [{"apiVersion": "conjunct/v1", "kind": "SecurityGroup", "metadata": {"name": "g"},
			"spec": {"rules": [{"name": "x", "direction": "in", "protocol": "tcp", "port_min": 22}]}}]}`)
		require.Equal(t, opens(login, "every address"), warnings(a), a.body)
	})
}

// An empty group is legal. What it does to a port depends on the profile.
func TestAGroupWithoutRulesIsAnsweredWithWhatItMeans(t *testing.T) {
	for profile, means := range map[string]string{
		"isolated":         "a port that has no other group passes nothing, in or out, not even what the default group allows; give it rules",
		"ordered":          "a port that has no other group passes nothing, in or out; give it rules",
		"open-until-ruled": "it closes nothing: a direction of a port stays open until one of its groups has a rule for it",
	} {
		want := []string{`security group "g" has no rules: under profile "` + profile + `" ` + means}
		w := under(t, profile)
		require.Equal(t, want, warnings(w.do(http.MethodPut, "/v1/security-groups/g", `{"name": "g", "project_id": "prj"}`)))
		require.Empty(t, warnings(w.do(http.MethodPatch, "/v1/security-groups/g", `{"description": "for web"}`)))
		require.Equal(t, want, warnings(w.do(http.MethodPatch, "/v1/ports/web-0", `{"security_group_ids": ["g"]}`)))
		require.Empty(t, warnings(w.do(http.MethodPut, "/v1/rules/r", `{"security_group_id": "g", "direction": "in", "protocol": "icmp", "ip_version": 4}`)))
		require.Equal(t, want, warnings(w.do(http.MethodDelete, "/v1/rules/r", "")), "the last one goes")
		// Ports may be judged by another profile than the group's project.
		w.do(http.MethodPatch, "/v1/vpcs/vpc", `{"profile": "vpc-locked"}`)
		require.Contains(t, warnings(w.do(http.MethodPost, "/v1/security-groups/g/attachments", `{"target": {"tag": {"tier": "web"}}}`))[0], `under profile "vpc-locked"`)
	}
}

// A local CIDR means the VM's own address; one that no port has is a mistake for the peer's.
func TestA041_ALocalCIDRThatNoPortHas(t *testing.T) {
	w := under(t, "isolated")
	w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj"}`)
	rule := func(local string) []string {
		return warnings(w.do(http.MethodPost, "/v1/security-groups/g/rules?dry_run=true", `{"name": "x", "direction": "out", "protocol": "icmp", "local_cidr": "`+local+`"}`))
	}
	require.Empty(t, rule("192.0.2.0/24"), "nothing has the group yet")
	w.put("/v1/instances/web", `{"name": "web", "project_id": "prj", "security_group_ids": ["g"]}`)
	require.Equal(t, []string{`local_cidr 192.0.2.0/24 of rule "x" holds no address of any port that has security group "g", so that the rule matches nothing; ` +
		`it is for the VM's own addresses, the remote is for the peer's`}, rule("192.0.2.0/24"))
	require.Empty(t, rule("10.0.0.0/28"))
	require.Empty(t, rule("2001:db8::10"))
	w.do(http.MethodPatch, "/v1/ports/web-0", `{"allowed_address_pairs": [{"cidr": "192.0.2.5/32"}]}`)
	require.Empty(t, rule("192.0.2.0/24"), "an allowed address is the port's too")
}

// warnings are the sentences of an answer's headers, as the Go client hears them.
func warnings(a answer) (out []string) {
	for _, h := range a.header.Values("Warning") {
		text, _ := api.WarningOf(h)
		out = append(out, text)
	}
	return out
}
