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
)

// under is a cloud whose project has the profile.
func under(t *testing.T, profile string) *world {
	w := newWorld(t)
	w.put("/v1/projects/prj", `{"name": "acme", "profile": "`+profile+`"}`)
	w.put("/v1/vpcs/vpc", `{"name": "main", "project_id": "prj"}`)
	w.put("/v1/subnets/sub", `{"name": "front", "vpc_id": "vpc", "cidrs": ["10.0.0.0/24", "2001:db8::/64"], "vlan": 10}`)
	w.put("/v1/instances/web", `{"name": "web", "project_id": "prj", "tags": {"tier": "web"}}`)
	w.put("/v1/ports/web-0", `{"instance_id": "web", "subnet_id": "sub", "mac": "fa:16:3e:00:00:01", "addresses": ["10.0.0.10", "2001:db8::10"]}`)
	return w
}

// made are the groups of an origin by where they live, with their rules as text.
func (w *world) made(origin policy.Origin) map[string][]string {
	w.Helper()
	all, err := w.Groups().List(w.Context(), api.Query("origin", string(origin)))
	require.NoError(w, err)
	out := make(map[string][]string)
	for _, g := range all {
		key := fmt.Sprintf("%s %s%s", g.Name, g.ProjectID, g.VPCID)
		out[key] = []string{}
		for i := range g.Rules {
			out[key] = append(out[key], policy.RuleText(&g.Rules[i].Rule, func(_ policy.Kind, id string) string { return id }))
		}
	}
	return out
}

// defaultOf is the one default group.
func (w *world) defaultOf() api.Group {
	w.Helper()
	all, err := w.Groups().List(w.Context(), api.Query("origin", "default"))
	require.NoError(w, err)
	require.Len(w, all, 1)
	return all[0]
}

// passes asks of a connection between the port and an address.
func (w *world) passes(d policy.Direction, port, peer, protocol string, number int) bool {
	w.Helper()
	from, to := `{"port_id": "`+port+`"}`, `{"address": "`+peer+`"}`
	if d == policy.Ingress {
		from, to = to, from
	}
	what := `"protocol": "` + protocol + `"`
	if number > 0 {
		what += fmt.Sprintf(`, "port": %d`, number)
	}
	a := w.do(http.MethodPost, "/v1/explain", `{"from": `+from+`, "to": `+to+`, `+what+`}`)
	require.Equal(w, http.StatusOK, a.status, a.body)
	var answer api.Answer
	a.into(&answer)
	return answer.Allowed
}

const (
	neighbour = "10.0.0.77"
	stranger  = "198.51.100.7"
)

func TestWhatAProfileBeginsWith(t *testing.T) {
	for _, c := range []struct {
		name, profile           string
		defaults, starters      map[string][]string
		out, neighbour, inbound bool // what a port without groups passes
	}{
		{"A-072 open: a VM without groups is open both ways", "open-until-ruled", nil, nil, true, true, true},
		{"A-073 A-077 A-078 A-079 isolated: all out, nothing in", "isolated",
			map[string][]string{"default-allow-egress prj": {"out all to any"}},
			map[string][]string{
				"default-allow-web-protocols prj": {"in tcp 80 from any", "in tcp 443 from any"},
				"default-allow-ssh prj":           {"in tcp 22 from 0.0.0.0/0"},
			}, true, false, false},
		{"A-074 subnet default: all out, in from the own subnet", "subnet-trust",
			map[string][]string{"default prj": {"out all to any", "in all from own-subnet"}}, nil, true, true, false},
		{"ordered: nothing passes", "ordered", nil, nil, false, false, false},
		{"A-075 A-082 VPC default: created with the VPC, all out", "vpc-locked",
			map[string][]string{"default prjvpc": {
				"out udp 547 to ff02::1:2", "out tcp 80 to 169.254.169.254", "out udp 67 to 0.0.0.0/0", "out tcp 80 to fe80::a9fe:a9fe", "out all to any",
			}}, nil, true, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := under(t, c.profile)
			for origin, want := range map[policy.Origin]map[string][]string{policy.OriginDefault: c.defaults, policy.OriginStarter: c.starters} {
				if want == nil {
					want = map[string][]string{}
				}
				require.Equal(t, want, w.made(origin))
			}
			require.Equal(t, c.out, w.passes(policy.Egress, "web-0", stranger, "tcp", 443))
			require.Equal(t, c.neighbour, w.passes(policy.Ingress, "web-0", neighbour, "tcp", 443))
			require.Equal(t, c.inbound, w.passes(policy.Ingress, "web-0", stranger, "tcp", 443))
			guarded := c.profile == "open-until-ruled"
			require.Equal(t, c.out && !guarded, w.passes(policy.Egress, "web-0", stranger, "tcp", 25), "A-083")

			// What the profile made goes with what it was made for.
			for _, path := range []string{"/v1/ports/web-0", "/v1/instances/web", "/v1/subnets/sub", "/v1/vpcs/vpc"} {
				require.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, path, "").status, path)
			}
			if c.profile == "vpc-locked" {
				require.Empty(t, w.made(policy.OriginDefault))
			}
			require.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, "/v1/projects/prj", "").status)
			left, err := w.Groups().List(t.Context())
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// The first group that somebody chooses takes the default's place, in whichever way; when the last one goes it is back.
func TestA076_TheFirstChosenGroupTakesTheDefaultsPlace(t *testing.T) {
	for _, profile := range []string{"isolated", "subnet-trust", "vpc-locked"} {
		w := under(t, profile)
		for _, id := range []string{"g", "h"} {
			w.put("/v1/security-groups/"+id, `{"name": "`+id+`", "project_id": "prj", "rules": [{"direction": "in", "protocol": "tcp", "port_min": 80}]}`)
		}
		theirs := w.defaultOf().Name
		for _, target := range []string{`{"instance_id": "web"}`, `{"port_id": "web-0"}`, `{"subnet_id": "sub"}`, `{"cidr": "10.0.0.0/28", "vpc_id": "vpc"}`, `{"tag": {"tier": "web"}}`} {
			require.Equal(t, theirs, w.groups("web-0"), "%s before %s", profile, target)
			require.True(t, w.passes(policy.Egress, "web-0", stranger, "tcp", 443))
			body := `{"items": [{"target": ` + target + `}]}`
			require.Equal(t, http.StatusCreated, w.do(http.MethodPost, "/v1/security-groups/g/attachments", body).status)
			require.Equal(t, "g", w.groups("web-0"), "%s with %s", profile, target)
			require.False(t, w.passes(policy.Egress, "web-0", stranger, "tcp", 443), "the default's rule is gone with it")
			require.True(t, w.passes(policy.Ingress, "web-0", stranger, "tcp", 80))
			require.Equal(t, http.StatusCreated, w.do(http.MethodPost, "/v1/security-groups/h/attachments", `{"items": [{"target": {"port_id": "web-0"}}]}`).status)
			require.Equal(t, http.StatusNoContent, w.do(http.MethodPost, "/v1/security-groups/g/attachments:remove", body).status)
			require.Equal(t, "h", w.groups("web-0"), "one of two that goes brings nothing back")
			require.Equal(t, http.StatusNoContent, w.do(http.MethodPost, "/v1/security-groups/h/attachments:remove", `{"items": [{"target": {"port_id": "web-0"}}]}`).status)
		}
		require.Equal(t, theirs, w.groups("web-0"))
		require.Equal(t, "web-0", w.holders(policy.GroupID(w.defaultOf().ID)))
	}
}

// A profile may give the default group beside the chosen ones, after them.
func TestA076_ADefaultThatIsAlwaysThere(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/profiles/beside", `{"name": "beside", "default_group_membership": "always", "default_group": {"name": "base", "rules": [{"direction": "out", "protocol": "udp", "port_min": 53}]}}`)
	w.put("/v1/projects/prj", `{"name": "acme", "profile": "beside"}`)
	w.put("/v1/vpcs/vpc", `{"name": "main", "project_id": "prj"}`)
	w.put("/v1/subnets/sub", `{"name": "front", "vpc_id": "vpc", "cidrs": ["10.0.0.0/24"], "vlan": 10}`)
	w.machines(1)
	require.Equal(t, "base", w.groups("vm1"))
	w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj", "rules": [{"direction": "in", "protocol": "tcp", "port_min": 80}]}`)
	_, err := w.Attach(t.Context(), "g", []policy.Target{{InstanceID: "vm1"}})
	require.NoError(t, err)
	require.Equal(t, "g base", w.groups("vm1"))
	require.True(t, w.passes(policy.Egress, "vm1", stranger, "udp", 53))
	var p policy.Preview
	_, err = w.Profiles().Patch(t.Context(), "beside", map[string]any{"default_group_membership": "until_first_chosen"}, api.Previewed(&p))
	require.NoError(t, err)
	require.Equal(t, policy.EffectClosed, flips(&p)["vm1 egress"].Effect)
}

// What somebody might do with a default group that it is not made for; each error says what to do instead.
func TestA080_WhatADefaultGroupIsNotMadeFor(t *testing.T) {
	for _, profile := range []string{"isolated", "vpc-locked"} {
		w := under(t, profile)
		w.put("/v1/projects/other", `{"name": "other", "profile": "ordered"}`)
		w.put("/v1/vpcs/far", `{"name": "far", "project_id": "prj", "profile": "ordered"}`)
		g := w.defaultOf()
		path := "/v1/security-groups/" + g.ID
		for _, c := range []struct {
			method, path, body string
			status             int
			code, remedy       string
		}{
			{http.MethodPatch, "/v1/instances/web", `{"security_group_ids": ["` + g.ID + `"]}`, 422, "default-group", "attach a group of your own"},
			{http.MethodPatch, "/v1/ports/web-0", `{"security_group_ids": ["` + g.ID + `"]}`, 422, "default-group", "leave a port without groups"},
			{http.MethodPost, path + "/attachments", `{"target": {"subnet_id": "sub"}}`, 422, "default-group", "leave a port without groups"},
			{http.MethodPost, path + "/attachments", `{"target": {"instance_id": "web"}}`, 422, "default-group", "leave a port without groups"},
			{http.MethodPost, path + "/attachments:remove", `{"items": [{"target": {"port_id": "web-0"}}]}`, 422, "default-group", "attach a group of your own"},
			{http.MethodDelete, path, "", 403, "default-group", "once another profile judges"},
			{http.MethodDelete, path + "?detach=true&rules=delete", "", 403, "default-group", "once another profile judges"},
			{http.MethodPatch, path, `{"name": "mine"}`, 403, "default-group", "create a group of your own"},
			{http.MethodPut, path, `{"name": "` + g.Name + `", "project_id": "other"}`, 409, "immutable", "create another"},
			{http.MethodPatch, path, `{"vpc_id": "far"}`, 409, "immutable", "create another"},
		} {
			p := w.do(c.method, c.path, c.body).problem(c.status)
			require.Equal(t, c.code, p.Code, "%s %s %s: %v", c.method, c.path, c.body, p.Errors)
			said := p.Detail
			for _, e := range p.Errors {
				said += " " + e.Message
			}
			require.Contains(t, said, c.remedy, "%s %s", c.method, c.path)
		}
		w.do(http.MethodPatch, path, `{"description": "ours", "tags": {"team": "net"}}`)
		require.Equal(t, g.Name, w.groups("web-0"))
	}
}

// edits are the ways in which a default group's rules can be edited.
func edits(g api.Group) []struct{ method, path, body string } {
	path, rule := "/v1/security-groups/"+g.ID, `{"direction": "in", "protocol": "icmp"}`
	home := fmt.Sprintf(`"name": %q, "project_id": %q, "vpc_id": %q`, g.Name, g.ProjectID, g.VPCID)
	return []struct{ method, path, body string }{
		{http.MethodPost, path + "/rules", rule},
		{http.MethodPut, path + "/rules", `{"items": [` + rule + `]}`},
		{http.MethodPut, "/v1/rules/own", fmt.Sprintf(`{"security_group_id": %q, "direction": "in", "protocol": "icmp"}`, g.ID)},
		{http.MethodPut, "/v1/rules/" + g.Rules[0].ID, rule},
		{http.MethodPatch, "/v1/rules/" + g.Rules[0].ID, `{"protocol": "udp", "port_min": null, "port_max": null}`},
		{http.MethodDelete, "/v1/rules/" + g.Rules[0].ID, ""},
		{http.MethodPut, path, `{` + home + `, "rules": []}`},
		{http.MethodPut, path, `{` + home + `, "evaluation": "ordered"}`},
		{http.MethodPatch, path, `{"evaluation": "ordered"}`},
		{http.MethodPost, "/v1/apply", fmt.Sprintf(`{"project": "acme", "documents": [{"apiVersion": "conjunct/v1", "kind": "SecurityGroup", "metadata": {"name": %q, "project": "acme", "id": %q},
			"spec": {"vpc_id": %q, "rules": [%s]}}]}`, g.Name, g.ID, g.VPCID, rule)},
	}
}

func TestA080_LockedRulesStay(t *testing.T) {
	w := under(t, "vpc-locked")
	g := w.defaultOf()
	for _, e := range edits(g) {
		p := w.do(e.method, e.path, e.body).problem(http.StatusForbidden)
		require.Equal(t, "default-group-locked", p.Code, "%s %s: %s", e.method, e.path, p.Detail)
		require.Contains(t, p.Detail, "choose a group of your own", e.path)
	}
	require.Equal(t, g, w.defaultOf())
	require.Equal(t, http.StatusOK, w.do(http.MethodPut, "/v1/security-groups/"+g.ID, w.do(http.MethodGet, "/v1/security-groups/"+g.ID, "").body).status, "sent back as it is, nothing is edited")
}

func TestA081_WarnedAndFree(t *testing.T) {
	for profile, advised := range map[string]bool{"subnet-trust": true, "isolated": true, "free": false} {
		w := under(t, "open-until-ruled")
		w.put("/v1/profiles/free", `{"name": "free", "default_group_edit": "free", "default_group": {"name": "base", "rules": [{"direction": "out", "protocol": "tcp", "port_min": 443}]}}`)
		w.do(http.MethodPatch, "/v1/projects/prj", `{"profile": "`+profile+`"}`)
		for _, e := range edits(w.defaultOf()) {
			a := w.do(e.method, e.path+"?dry_run=true", e.body)
			require.Less(t, a.status, 300, "%s %s: %s", e.method, e.path, a.body)
			said := slices.ContainsFunc(a.header.Values("Warning"), func(h string) bool {
				return strings.Contains(h, "advises against changing its default group")
			})
			require.Equal(t, advised, said, "%s: %s %s: %v", profile, e.method, e.path, a.header.Values("Warning"))
		}
	}
}

// Starter groups are the project's own: joined when somebody chooses them, edited, deleted, and not made again.
func TestA077_A078_A079_StarterGroupsAreTheProjectsOwn(t *testing.T) {
	w := under(t, "isolated")
	starters, err := w.Groups().List(t.Context(), api.Query("origin", "starter"))
	require.NoError(t, err)
	ids := make(map[string]string)
	for _, g := range starters {
		ids[g.Name] = g.ID
	}
	require.False(t, w.passes(policy.Ingress, "web-0", stranger, "tcp", 443), "they are not joined unasked")
	a := w.do(http.MethodPatch, "/v1/instances/web", `{"security_group_ids": ["`+ids["default-allow-web-protocols"]+`", "`+ids["default-allow-ssh"]+`"]}`)
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Equal(t, []string{`299 conjunct "rule \"ssh\" of security group \"default-allow-ssh\" opens SSH (tcp 22) to every IPv4 address; name the addresses that need it, as cidrs or an IP set"`},
		a.header.Values("Warning"), "A-117")
	for port, want := range map[int]bool{80: true, 443: true, 22: true, 8080: false} {
		require.Equal(t, want, w.passes(policy.Ingress, "web-0", stranger, "tcp", port), port)
	}
	require.False(t, w.passes(policy.Ingress, "web-0", neighbour, "icmp", 0), "no general traffic between VMs")
	require.False(t, w.passes(policy.Ingress, "web-0", "2001:db8::77", "tcp", 22), "SSH is of IPv4")
	require.True(t, w.passes(policy.Ingress, "web-0", "2001:db8::77", "tcp", 443))

	ssh := "/v1/security-groups/" + ids["default-allow-ssh"]
	p := w.do(http.MethodDelete, ssh, "").problem(http.StatusConflict)
	require.Equal(t, "group-attached", p.Code)
	require.Equal(t, http.StatusOK, w.do(http.MethodDelete, ssh+"?detach=true", "").status)
	require.Equal(t, http.StatusOK, w.do(http.MethodPatch, "/v1/security-groups/"+ids["default-allow-web-protocols"], `{"name": "web"}`).status)
	w.do(http.MethodPatch, "/v1/projects/prj", `{"smtp_allowed": true}`)
	require.Equal(t, map[string][]string{"web prj": {"in tcp 80 from any", "in tcp 443 from any"}}, w.made(policy.OriginStarter))
	require.Equal(t, http.StatusOK, w.do(http.MethodPatch, "/v1/instances/web", `{"security_group_ids": []}`).status)
	require.Equal(t, "default-allow-egress", w.groups("web-0"))
}

// A profile that is switched while VMs run makes what it needs, and a dry run says before what that does to them.
func TestA090_ProfilesAreSwitchedLive(t *testing.T) {
	w := under(t, "open-until-ruled")
	w.put("/v1/profiles/own", `{"name": "own", "when_no_groups": "allow"}`)
	for _, c := range []struct {
		path, body      string
		ingress, egress policy.Effect
		group           string
	}{
		{"/v1/vpcs/vpc", `{"profile": "isolated"}`, policy.EffectClosed, policy.EffectChanged, "default-allow-egress"},
		{"/v1/vpcs/vpc", `{"profile": "subnet-trust"}`, policy.EffectOpened, "", "default"},
		{"/v1/vpcs/vpc", `{"profile": "ordered"}`, policy.EffectClosed, policy.EffectClosed, ""},
		{"/v1/vpcs/vpc", `{"profile": "vpc-locked"}`, "", policy.EffectOpened, "default"},
		{"/v1/vpcs/vpc", `{"profile": null}`, policy.EffectOpened, policy.EffectChanged, ""},
		{"/v1/projects/prj", `{"profile": "isolated"}`, policy.EffectClosed, policy.EffectChanged, "default-allow-egress"},
		{"/v1/projects/prj", `{"profile": "own"}`, policy.EffectOpened, "", ""},
		{"/v1/profiles/own", `{"when_no_groups": "default_group", "default_group": {"name": "house", "rules": [{"direction": "out", "protocol": "tcp"}]}}`,
			policy.EffectClosed, policy.EffectClosed, "house"},
	} {
		before, revision := w.groups("web-0"), w.store.Revision()
		a := w.do(http.MethodPatch, c.path+"?dry_run=true", c.body)
		require.Equal(t, http.StatusOK, a.status, a.body)
		var out struct{ Preview *policy.Preview }
		a.into(&out)
		got := flips(out.Preview)
		require.Equal(t, c.ingress, got["web-0 ingress"].Effect, "%s %s: %+v", c.path, c.body, got["web-0 ingress"])
		require.Equal(t, c.egress, got["web-0 egress"].Effect, "%s %s: %+v", c.path, c.body, got["web-0 egress"])
		require.Equal(t, before, w.groups("web-0"))
		require.Equal(t, revision, w.store.Revision(), "a dry run makes no groups")
		a = w.do(http.MethodPatch, c.path, c.body)
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Equal(t, c.group, w.groups("web-0"), "%s %s", c.path, c.body)
	}
	// What no profile gives out any more is a group that may go.
	w.do(http.MethodPatch, "/v1/projects/prj", `{"profile": "ordered"}`)
	defaults, err := w.Groups().List(t.Context(), api.Query("origin", "default"))
	require.NoError(t, err)
	require.Len(t, defaults, 4)
	for _, g := range defaults {
		require.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, "/v1/security-groups/"+g.ID, "").status, g.Name)
	}
}

// A database that only lets the web tier in opens no connections at all, and gets its address all the same.
func TestA129_WithoutAnEgressRuleTheNetworkStillWorks(t *testing.T) {
	w := under(t, "subnet-trust")
	w.put("/v1/security-groups/db", `{"name": "db", "project_id": "prj", "rules": [{"direction": "in", "protocol": "tcp", "port_min": 3306, "remote": {"cidrs": ["10.0.0.0/24"]}}]}`)
	w.put("/v1/instances/web", `{"name": "web", "project_id": "prj", "security_group_ids": ["db"]}`)
	require.True(t, w.passes(policy.Ingress, "web-0", neighbour, "tcp", 3306))
	require.False(t, w.passes(policy.Ingress, "web-0", neighbour, "tcp", 22), "the default group is away")
	require.False(t, w.passes(policy.Egress, "web-0", stranger, "udp", 53), "not even DNS")
	require.False(t, w.passes(policy.Egress, "web-0", neighbour, "tcp", 3306))
	e, err := w.EffectiveRules(t.Context(), "web-0")
	require.NoError(t, err)
	var allowed []string
	for _, r := range e.Items {
		if r.Platform != nil && r.Action == policy.Allow {
			allowed = append(allowed, r.Platform.ID)
		}
	}
	require.Subset(t, allowed, []string{"dhcp-request", "dhcp-answer", "dhcpv6-request", "dhcpv6-answer", "nd-out", "nd-in", "arp"})
}
