package api_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

// tiers is a cloud with two ports: web, which anybody may reach on 443 and which may reach the database, and db.
func tiers(t *testing.T) *world {
	w := newWorld(t)
	w.cloud()
	w.put("/v1/instances/db", `{"name": "db", "project_id": "prj", "tags": {"tier": "db"}}`)
	w.put("/v1/ports/db-0", `{"instance_id": "db", "subnet_id": "sub", "mac": "fa:16:3e:00:00:02", "addresses": ["10.0.0.20"]}`)
	w.put("/v1/security-groups/dbs", `{"name": "dbs", "project_id": "prj"}`)
	w.put("/v1/security-groups/webs", `{"name": "webs", "project_id": "prj", "rules": [
		{"id": "https", "name": "https", "direction": "in", "protocol": "tcp", "port_min": 443}, {"id": "to-db", "direction": "out", "protocol": "tcp", "port_min": 3306, "remote": {"security_group_id": "dbs"}}]}`)
	w.put("/v1/security-groups/dbs", `{"name": "dbs", "project_id": "prj", "rules": [{"id": "from-web", "direction": "in", "protocol": "tcp", "port_min": 3306, "remote": {"security_group_id": "webs"}}]}`)
	w.put("/v1/instances/web", `{"name": "web", "project_id": "prj", "security_group_ids": ["webs"]}`)
	a := w.do(http.MethodPost, "/v1/security-groups/dbs/attachments", `{"target": {"tag": {"tier": "db"}}}`)
	require.Equal(t, http.StatusCreated, a.status, a.body)
	return w
}

func TestExplainNamesWhatDecidedAtEachEnd(t *testing.T) {
	w := tiers(t)
	ask := func(body string) (a api.Answer) {
		got := w.do(http.MethodPost, "/v1/explain", body)
		require.Equal(t, http.StatusOK, got.status, got.body)
		got.into(&a)
		return a
	}

	a := ask(`{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "tcp", "port": 3306}`)
	require.True(t, a.Allowed)
	require.Len(t, a.Steps, 2)
	require.Equal(t, "to-db", a.Steps[0].Rule.ID)
	require.Equal(t, policy.Egress, a.Steps[0].Direction)
	require.Equal(t, "from-web", a.Steps[1].Rule.ID)
	require.Equal(t, "dbs", a.Steps[1].Source.Name)
	require.Equal(t, netip.MustParseAddr("10.0.0.20"), a.To.Address, "IPv4, which both ends have")

	t.Run("an address that is a port's is that port", func(t *testing.T) {
		a := ask(`{"from": {"address": "10.0.0.10"}, "to": {"port_id": "db-0"}, "protocol": "tcp", "port": 3306}`)
		require.Equal(t, policy.PortID("web-0"), a.From.PortID)
		require.True(t, a.Allowed)
	})
	t.Run("nearest miss", func(t *testing.T) {
		a := ask(`{"from": {"address": "198.51.100.7"}, "to": {"port_id": "db-0"}, "protocol": "tcp", "port": 3306}`)
		require.False(t, a.Allowed)
		require.Len(t, a.Steps, 1)
		require.Equal(t, policy.TierNone, a.Steps[0].Tier)
		require.Equal(t, "from-web", a.Steps[0].Nearest.Rule.ID)
		require.Equal(t, []string{"198.51.100.7 is not in security-group webs"}, a.Steps[0].Nearest.Misses)
	})
	t.Run("platform", func(t *testing.T) {
		a := ask(`{"from": {"port_id": "web-0"}, "to": {"address": "255.255.255.255"}, "protocol": "udp", "port": 67, "src_port": 68}`)
		require.True(t, a.Allowed)
		require.Equal(t, "dhcp-request", a.Steps[0].Platform.ID)
		require.Equal(t, policy.TierPlatform, a.Steps[0].Tier)
	})
	t.Run("a spoofed source", func(t *testing.T) {
		a := ask(`{"from": {"port_id": "web-0", "address": "10.0.0.99"}, "to": {"port_id": "db-0"}, "protocol": "tcp", "port": 3306}`)
		require.False(t, a.Allowed)
		require.Equal(t, policy.TierAntiSpoofing, a.Steps[0].Tier)
	})
	t.Run("profile", func(t *testing.T) {
		w.do(http.MethodPatch, "/v1/vpcs/vpc", `{"profile": "open-until-ruled"}`)
		a := ask(`{"from": {"port_id": "db-0"}, "to": {"address": "198.51.100.7"}, "protocol": "47"}`)
		require.True(t, a.Allowed)
		require.Equal(t, policy.TierProfile, a.Steps[0].Tier)
		require.Equal(t, "open-until-ruled", a.Steps[0].Source.ID)
		a = ask(`{"from": {"port_id": "db-0"}, "to": {"address": "198.51.100.7"}, "protocol": "tcp", "port": 25}`)
		require.False(t, a.Allowed)
		require.Equal(t, "smtp-guard", a.Steps[0].Platform.ID)
		w.do(http.MethodPatch, "/v1/vpcs/vpc", `{"profile": null}`)
	})
	t.Run("no rule in the direction", func(t *testing.T) {
		a := ask(`{"from": {"port_id": "db-0"}, "to": {"address": "198.51.100.7"}, "protocol": "icmp"}`)
		require.False(t, a.Allowed)
		require.Contains(t, a.Steps[0].Because, "no rule of the port's security groups is for egress")
	})
}

func TestExplainRefusesWhatIsNoQuestion(t *testing.T) {
	w := tiers(t)
	w.put("/v1/vpcs/vpc2", `{"name": "second", "project_id": "prj"}`)
	w.put("/v1/subnets/sub2", `{"name": "back", "vpc_id": "vpc2", "cidrs": ["10.0.0.0/24"], "vlan": 20}`)
	w.put("/v1/instances/far", `{"name": "far", "project_id": "prj"}`)
	w.put("/v1/ports/far-0", `{"instance_id": "far", "subnet_id": "sub2", "mac": "fa:16:3e:00:00:04", "addresses": ["10.0.0.40"]}`)
	for body, want := range map[string]string{
		`{}`: "/from required",
		`{"from": {"port_id": "none"}, "to": {"port_id": "db-0"}, "protocol": "tcp", "port": 1}`:                          "/from/port_id reference-missing",
		`{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "tcp"}`:                                    "/port required",
		`{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "tcp", "port": 0}`:                         "/port out-of-range",
		`{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "icmp", "port": 1}`:                        "/port port-not-allowed",
		`{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "tcp", "port": 1, "icmp_type": 8}`:         "/icmp_type icmp-not-allowed",
		`{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "all"}`:                                    "/protocol protocol-invalid",
		`{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "icmpv6"}`:                                 " family-mismatch",
		`{"from": {"port_id": "web-0"}, "to": {"address": "2001:db8::9"}, "protocol": "tcp", "port": 1, "ip_version": 4}`: " family-mismatch",
		`{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "tcp", "port": 1, "ip_version": 5}`:        "/ip_version ip-version-invalid",
		`{"from": {"address": "10.0.0.10"}, "to": {"address": "10.0.0.20"}, "protocol": "tcp", "port": 1}`:                "/from required",
		`{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "tcp", "port": "gopher"}`:                  "/port value-invalid",
		`{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "icmp", "icmp_type": "pong"}`:              "/icmp_type value-invalid",
		`{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "icmp", "icmp_type": "packet-too-big"}`:    "/icmp_type value-invalid",
		`{"from": {"port_id": "web-0"}, "to": {"port_id": "db-0"}, "protocol": "tcp", "port": 1, "packet": "first"}`:      "/packet value-invalid",
		`{"from": {"port_id": "web-0"}, "to": {"address": "10.0.0.10"}, "protocol": "tcp", "port": 1}`:                    "/to same-port",
		`{"from": {"port_id": "web-0"}, "to": {"port_id": "far-0"}, "protocol": "tcp", "port": 1}`:                        "/to vpc-mismatch",
		`{"from": {"port_id": "web-0"}, "to": {"address": "fe80::1%eth0"}, "protocol": "icmp"}`:                           "/to/address address-invalid",
	} {
		p := w.do(http.MethodPost, "/v1/explain", body).problem(http.StatusUnprocessableEntity)
		require.Equal(t, want, found(p)[0], body)
	}
}

func TestEffectiveRulesSayWhereEachComesFrom(t *testing.T) {
	w := tiers(t)
	list := func(port policy.PortID) (byTier map[policy.Tier][]api.EffectiveRule, all *api.EffectiveRules) {
		all, err := w.EffectiveRules(t.Context(), port)
		require.NoError(t, err)
		byTier = make(map[policy.Tier][]api.EffectiveRule)
		for _, r := range all.Items {
			byTier[r.Tier] = append(byTier[r.Tier], r)
		}
		return byTier, all
	}
	byTier, all := list("web-0")
	require.Equal(t, "isolated", all.Profile)
	require.Equal(t, policy.TierPlatform, all.Items[0].Tier, "the platform comes first")
	var names []string
	for _, r := range byTier[policy.TierPlatform] {
		names = append(names, r.Platform.ID)
	}
	require.Contains(t, names, "dhcp-request")
	require.NotContains(t, names, "smtp-guard", "the profile has none")
	require.Len(t, byTier[policy.TierUnion], 2)
	require.Equal(t, []api.Cause{{By: "instance", ID: "web"}}, byTier[policy.TierUnion][0].Because)
	require.Equal(t, "webs", byTier[policy.TierUnion][0].Source.Name)

	byTier, _ = list("db-0")
	require.Equal(t, "tag", byTier[policy.TierUnion][0].Because[0].By)

	w.put("/v1/instances/idle", `{"name": "idle", "project_id": "prj"}`)
	w.put("/v1/ports/idle-0", `{"instance_id": "idle", "subnet_id": "sub", "mac": "fa:16:3e:00:00:03", "addresses": ["10.0.0.30"]}`)
	byTier, _ = list("idle-0")
	require.Equal(t, []api.Cause{{By: "default", ID: "isolated"}}, byTier[policy.TierUnion][0].Because)
	require.Equal(t, "default-allow-egress", byTier[policy.TierUnion][0].Source.Name)

	for target, by := range map[string]string{`{"subnet_id": "sub"}`: "subnet", `{"cidr": "10.0.0.30", "vpc_id": "vpc"}`: "cidr", `{"port_id": "idle-0"}`: "port"} {
		a := w.do(http.MethodPost, "/v1/security-groups/webs/attachments", `{"target": `+target+`}`)
		require.Equal(t, http.StatusCreated, a.status, a.body)
		byTier, _ = list("idle-0")
		var got []string
		for _, c := range byTier[policy.TierUnion][0].Because {
			got = append(got, c.By)
		}
		require.Contains(t, got, by)
	}

	w.do(http.MethodPatch, "/v1/vpcs/vpc", `{"profile": "open-until-ruled"}`)
	w.put("/v1/security-groups/out", `{"name": "out", "project_id": "prj", "evaluation": "ordered", "rules": [{"direction": "out", "protocol": "tcp", "action": "drop"}]}`)
	w.put("/v1/instances/lone", `{"name": "lone", "project_id": "prj", "security_group_ids": ["out"]}`)
	w.put("/v1/vpcs/vpc2", `{"name": "second", "project_id": "prj", "profile": "open-until-ruled"}`)
	w.put("/v1/subnets/sub2", `{"name": "back", "vpc_id": "vpc2", "cidrs": ["10.0.0.0/24"], "vlan": 20}`)
	w.put("/v1/ports/lone-0", `{"instance_id": "lone", "subnet_id": "sub2", "mac": "fa:16:3e:00:00:04", "addresses": ["10.0.0.40"]}`)
	byTier, _ = list("lone-0")
	require.Equal(t, policy.Drop, byTier[policy.TierOrdered][0].Action)
	require.Len(t, byTier[policy.TierProfile], 1)
	require.Equal(t, policy.Ingress, byTier[policy.TierProfile][0].Direction)
	w.do(http.MethodGet, "/v1/ports/none/effective-rules", "").problem(http.StatusNotFound)
}

func TestLimitsSayWhereTheyComeFrom(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/projects/own", `{"name": "own", "limits": {"groups_per_instance": 3}}`)
	w.put("/v1/projects/plain", `{"name": "plain"}`)
	w.put("/v1/profiles/wide", `{"name": "wide", "max_groups_per_instance": 20}`)
	for _, project := range []string{"own", "plain"} {
		w.put("/v1/vpcs/"+project, `{"name": "net", "project_id": "`+project+`", "profile": "wide"}`)
	}
	ofPlain := `limits.groups_per_instance of project "plain"`
	for project, want := range map[policy.ProjectID][]api.Limit{
		"": {{Name: "groups_per_instance", Limit: 10, Source: "profile isolated", Raise: `max_groups_per_instance, in a profile that takes the place of "isolated"`}},
		"plain": {
			{Name: "groups_per_instance", Limit: 10, Source: "profile isolated", Raise: ofPlain},
			{Name: "groups_per_instance", Limit: 20, Source: "profile wide", Raise: ofPlain, VPCID: "plain"},
		},
		"own": {{Name: "groups_per_instance", Limit: 3, Source: "project own", Raise: `limits.groups_per_instance of project "own"`}},
	} {
		got, err := w.Limits(t.Context(), project)
		require.NoError(t, err)
		require.Equal(t, append(want,
			api.Limit{Name: "rules_per_ordered_group", Limit: 9_999, Source: "conjunct"},
			api.Limit{Name: "position", Limit: 1_000_000_000, Source: "conjunct"},
			api.Limit{Name: "entries_per_request", Limit: 20_000, Source: "conjunct"},
			api.Limit{Name: "page_size", Limit: 1000, Source: "conjunct"},
			api.Limit{Name: "body_bytes", Limit: api.DefaultBodyLimit, Source: "conjunct"},
		), got)
	}
	token, err := w.Tokens().Create(t.Context(), &api.Token{Name: "user", Role: policy.RoleUser, ProjectID: "own"})
	require.NoError(t, err)
	mine, err := w.as(token.Secret).Limits(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, 3, mine[0].Limit, "a user's own project's")
	w.do(http.MethodGet, "/v1/limits?project_id=none", "").problem(http.StatusNotFound)
}
