package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// validations are the messages of the product's table of validations: what is sent, and how it is answered.
var validations = []struct {
	name, method, path, body string
	status                   int
	code, pointer, words     string
}{
	{"A-030 ports refused for ICMP", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "ingress", "protocol": "icmp", "port_min": 22}`,
		422, "port-not-allowed", "/port_min", "port_min/port_max may only be set for tcp, udp or sctp (protocol is icmp)"},
	{"A-030 ports refused for all", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "ingress", "protocol": "all", "port_max": 22}`,
		422, "port-not-allowed", "/port_min", "(protocol is all)"},
	{"A-029 min above max", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "ingress", "protocol": "tcp", "port_min": 443, "port_max": 80}`,
		422, "port-range", "/port_min", "port_min 443 is larger than port_max 80"},
	{"A-025 ports from 1 to 65535", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "ingress", "protocol": "udp", "port_min": 0}`,
		422, "port-range", "/port_min", "port_min 0 is outside 1 to 65535"},
	{"A-025 ports up to 65535", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "ingress", "protocol": "sctp", "port_min": 1, "port_max": 65536}`,
		422, "port-range", "/port_max", "port_max 65536 is outside 1 to 65535"},
	{"A-035 family of the CIDR", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "ingress", "protocol": "tcp", "ip_version": 4, "remote": {"cidrs": ["2001:db8::/32"]}}`,
		422, "family-mismatch", "/remote/cidrs/0", "2001:db8::/32 is IPv6 but the rule's ip_version is 4"},
	{"A-033 host bits", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "ingress", "protocol": "tcp", "remote": {"cidrs": ["10.0.0.5/24"]}}`,
		422, "cidr-host-bits", "/remote/cidrs/0", "10.0.0.5/24 has host bits set; did you mean 10.0.0.0/24 or 10.0.0.5/32?"},
	{"A-032 one remote", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "ingress", "protocol": "tcp", "remote": {"cidrs": ["10.0.0.0/8"], "security_group_id": "g"}}`,
		422, "remote-not-exclusive", "/remote", "give exactly one of any, cidrs, security_group_id, ip_set_id, subnet_id"},
	{"A-044 drop in a union", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "ingress", "protocol": "tcp", "action": "drop"}`,
		422, "action-not-in-profile", "/action", "drop needs an ordered group"},
	{"A-049 duplicate rule", http.MethodPost, "/v1/security-groups/g/rules", `{"name": "other", "description": "x", "direction": "In", "protocol": "TCP", "port_min": 22, "port_max": 22, "remote": {"any": true}}`,
		409, "rule-exists", "", `the same as rule "ssh" of the group`},
	{"A-046 rule names are unique", http.MethodPost, "/v1/security-groups/g/rules", `{"name": "ssh", "direction": "in", "protocol": "udp"}`,
		409, "name-taken", "/name", `the name "ssh" is taken`},
	{"A-057 the eleventh group", http.MethodPost, "/v1/security-groups/g11/attachments", `{"target": {"instance_id": "web"}}`,
		409, "limit-groups-per-instance", "", `instance "web" would have 11 groups, the limit is 10`},
	{"A-057 the eleventh group of a port", http.MethodPatch, "/v1/ports/web-0", `{"security_group_ids": ["g11"]}`,
		409, "limit-groups-per-port", "", `would have 11 groups, the limit is 10`},
	{"A-099 IP set in use", http.MethodDelete, "/v1/ip-sets/office", ``,
		409, "ip-set-in-use", "", `IP set "office" is used by rule from-office of security group "g"`},
	{"A-098 version frozen", http.MethodPatch, "/v1/ip-sets/office", `{"ip_version": 6}`,
		409, "ip-set-version-frozen", "", "remove its 2 entries first"},
	{"A-036 group of another project", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "in", "protocol": "tcp", "remote": {"security_group_id": "theirs"}}`,
		422, "reference-out-of-scope", "/remote/security_group_id", `security-group "theirs" belongs to project "other", not to "prj"`},
	{"A-036 group of another project on an instance", http.MethodPatch, "/v1/instances/web", `{"security_group_ids": ["theirs"]}`,
		422, "reference-out-of-scope", "/security_group_ids/0", `use one of the same project or a global one`},
	{"A-037 no such IP set", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "in", "protocol": "tcp", "remote": {"ip_set_id": "none"}}`,
		422, "reference-missing", "/remote/ip_set_id", `ip-set "none" does not exist`},
	{"A-037 family of the IP set", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "in", "protocol": "tcp", "ip_version": 6, "remote": {"ip_set_id": "office"}}`,
		422, "family-mismatch", "/remote/ip_set_id", `IP set "office" is IPv4 but the rule's ip_version is 6`},
	{"A-092 entries of the version of the set", http.MethodPost, "/v1/ip-sets/office/entries", `{"cidr": "2001:db8::/32"}`,
		422, "family-mismatch", "/cidr", `2001:db8::/32 is IPv6 but the IP set "office" is for IPv4`},
	{"an entry twice", http.MethodPost, "/v1/ip-sets/office/entries", `{"cidr": "192.0.2.77/24"}`,
		409, "entry-exists", "/cidr", "is already in the set"},
	{"A-031 profile wants a version", http.MethodPost, "/v1/security-groups/strict/rules", `{"direction": "in", "protocol": "tcp"}`,
		422, "required", "/ip_version", `profile "open-until-ruled" wants ip_version 4 or 6 in every rule`},
	{"types of ICMP only", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "in", "protocol": "tcp", "icmp_type": 8}`,
		422, "icmp-not-allowed", "/icmp_type", "(protocol is tcp)"},
	{"A-016 direction", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "sideways", "protocol": "tcp"}`,
		422, "value-invalid", "/direction", `"sideways" is not a direction; use ingress or egress`},
	{"A-017 protocol", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "in", "protocol": "http"}`,
		422, "value-invalid", "/protocol", `"http" is not a protocol; use all, tcp, udp, sctp, icmp, icmpv6 or a number 0-255`},
	{"A-041 host bits of the local CIDR", http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "out", "protocol": "tcp", "local_cidr": "10.0.0.5/24"}`,
		422, "cidr-host-bits", "/local_cidr", "has host bits set"},
	{"A-061 CIDR needs a VPC", http.MethodPost, "/v1/security-groups/g/attachments", `{"target": {"cidr": "10.0.0.0/24"}}`,
		422, "required", "/target/vpc_id", "cidr and vpc_id go together"},
	{"A-061 one target", http.MethodPost, "/v1/security-groups/g/attachments", `{"target": {"instance_id": "web", "port_id": "web-0"}}`,
		422, "target-not-exclusive", "/target", "give exactly one of instance_id, port_id, subnet_id, cidr with vpc_id, tag"},
	{"A-058 attached already", http.MethodPost, "/v1/security-groups/g1/attachments", `{"target": {"instance_id": "web"}}`,
		409, "attachment-exists", "", `instance "web" has security group "g1" already`},
	{"A-073 the default group is not chosen", http.MethodPatch, "/v1/instances/web", `{"security_group_ids": ["{default}"]}`,
		422, "default-group", "/security_group_ids/0", `security group "default-allow-egress" is its profile's default`},
	{"A-073 the default group is not attached", http.MethodPost, "/v1/security-groups/{default}/attachments", `{"target": {"subnet_id": "sub"}}`,
		422, "default-group", "/security_group_id", "can't be attached"},
	{"A-073 the default group stays", http.MethodDelete, "/v1/security-groups/{default}", ``,
		403, "default-group", "", "belongs to its profile and stays"},
	{"presets are read only", http.MethodPut, "/v1/profiles/isolated", `{"name": "isolated"}`, 403, "preset-read-only", "", "create a profile of your own"},
	{"A-057 limits have names", http.MethodPatch, "/v1/projects/prj", `{"limits": {"groups_per_instnce": 5}}`,
		422, "limit-unknown", "/limits/groups_per_instnce", "groups_per_instance"},
	{"A-057 limits are numbers", http.MethodPatch, "/v1/projects/prj", `{"limits": {"groups_per_instance": 0}}`,
		422, "limit-range", "/limits/groups_per_instance", "0 is below 1"},
	{"A-127 names have a pattern", http.MethodPost, "/v1/security-groups", `{"name": "no spaces"}`,
		422, "name-invalid", "/name", `"no spaces" does not match`},
	{"names are unique in a project", http.MethodPost, "/v1/security-groups", `{"name": "g", "project_id": "prj"}`,
		409, "name-taken", "/name", `the name "g" is taken by security-group "g"`},
	{"addresses are unique in a VPC", http.MethodPost, "/v1/ports", `{"instance_id": "web", "subnet_id": "sub", "mac": "fa:16:3e:00:00:99", "addresses": ["10.0.0.10"]}`,
		409, "address-taken", "/addresses/0", "addresses are unique inside a VPC"},
	{"addresses lie in the subnet", http.MethodPost, "/v1/ports", `{"instance_id": "web", "subnet_id": "sub", "mac": "fa:16:3e:00:00:99", "addresses": ["10.0.1.10"]}`,
		422, "address-outside-subnet", "/addresses/0", `10.0.1.10 lies in no CIDR of subnet "front"`},
	{"subnets of a VPC do not overlap", http.MethodPost, "/v1/subnets", `{"name": "again", "vpc_id": "vpc", "vlan": 99, "cidrs": ["10.0.0.128/25"]}`,
		422, "cidr-overlap", "/cidrs/0", `overlaps 10.0.0.0/24 of subnet "front"`},
	{"what is in use stays", http.MethodDelete, "/v1/subnets/sub", ``,
		409, "subnet-in-use", "", `subnet "front" is referred to by port "web-0"`},
}

func TestA10_Validations(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.put("/v1/projects/other", `{"name": "other"}`)
	w.put("/v1/projects/s0", `{"name": "s0", "profile": "open-until-ruled"}`)
	w.put("/v1/security-groups/strict", `{"name": "strict", "project_id": "s0"}`)
	w.put("/v1/security-groups/theirs", `{"name": "theirs", "project_id": "other"}`)
	w.put("/v1/ip-sets/office", `{"name": "office", "project_id": "prj", "ip_version": 4, "entries": [{"cidr": "192.0.2.0/24"}, {"cidr": "198.51.100.7"}]}`)
	w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj", "rules": [
		{"name": "ssh", "direction": "ingress", "protocol": "tcp", "port_min": 22}, {"name": "from-office", "direction": "ingress", "protocol": "udp", "remote": {"ip_set_id": "office"}}]}`)
	var ten []string
	for _, n := range strings.Fields("g1 g2 g3 g4 g5 g6 g7 g8 g9 g10 g11") {
		w.put("/v1/security-groups/"+n, `{"name": "`+n+`", "project_id": "prj"}`)
		ten = append(ten, `"`+n+`"`)
	}
	w.put("/v1/instances/web", `{"name": "web", "project_id": "prj", "security_group_ids": [`+strings.Join(ten[:10], ",")+`]}`)
	var defaults struct{ Items []struct{ ID string } }
	w.do(http.MethodGet, "/v1/security-groups?project_id=prj&name=default-allow-egress", "").into(&defaults)
	require.Len(t, defaults.Items, 1)
	fill := strings.NewReplacer("{default}", defaults.Items[0].ID)

	for _, v := range validations {
		t.Run(v.name, func(t *testing.T) {
			before := w.store.Revision()
			a := w.do(v.method, fill.Replace(v.path), fill.Replace(v.body))
			p := a.problem(v.status)
			require.Equal(t, v.code, p.Code, a.body)
			require.Equal(t, "urn:conjunct:problem:"+v.code, p.Type)
			if v.status == http.StatusUnprocessableEntity || v.status == http.StatusConflict {
				require.Len(t, p.Errors, 1, a.body)
				require.Equal(t, v.pointer, p.Errors[0].Pointer)
				require.Contains(t, p.Errors[0].Message, v.words)
			} else {
				require.Contains(t, p.Detail, v.words)
			}
			require.Equal(t, before, w.store.Revision())
		})
	}
}

func TestA049_ADuplicateNamesTheRuleThatExists(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/security-groups/g", `{"name": "g"}`)
	w.put("/v1/rules/first", `{"security_group_id": "g", "direction": "in", "protocol": "tcp", "remote": {"cidrs": ["10.0.0.0/8", "192.0.2.0/24"]}}`)
	p := w.do(http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "in", "protocol": "tcp", "remote": {"cidrs": ["192.0.2.0/24", "10.0.0.0/8"]}}`).problem(http.StatusConflict)
	require.Len(t, p.Conflicts, 1)
	require.Equal(t, "first", p.Conflicts[0].ID)
}

func TestA099_AnIPSetInUseNamesTheRulesAndTheirGroups(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/ip-sets/s", `{"name": "s", "ip_version": 4}`)
	for _, g := range []string{"a", "b"} {
		w.put("/v1/security-groups/"+g, `{"name": "`+g+`", "rules": [{"id": "rule-`+g+`", "direction": "in", "protocol": "tcp", "remote": {"ip_set_id": "s"}}]}`)
	}
	p := w.do(http.MethodDelete, "/v1/ip-sets/s", "").problem(http.StatusConflict)
	var named []string
	for _, c := range p.Conflicts {
		named = append(named, string(c.Kind)+" "+c.ID)
	}
	require.Equal(t, []string{"rule rule-a", "rule rule-b", "security-group a", "security-group b"}, named)
	for _, g := range []string{"a", "b"} {
		require.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, "/v1/rules/rule-"+g, "").status)
	}
	require.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, "/v1/ip-sets/s", "").status)
}

// Every finding of a request comes in one answer, each at its place.
func TestAllFindingsComeAtOnce(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/projects/prj", `{"name": "prj"}`)
	p := w.do(http.MethodPost, "/v1/security-groups", `{"name": "no spaces", "project_id": "prj", "rules": [
		{"direction": "in", "protocol": "icmp", "port_min": 1}, {"direction": "in", "protocol": "tcp"}, {"direction": "in", "protocol": "udp", "port_min": 9, "port_max": 1, "action": "drop"}]}`).
		problem(http.StatusUnprocessableEntity)
	require.Equal(t, "invalid", p.Code)
	require.ElementsMatch(t, []string{"/name name-invalid", "/rules/0/port_min port-not-allowed", "/rules/2/port_min port-range", "/rules/2/action action-not-in-profile"}, found(p))
}

// Whoever is stopped by the limit hears what it is and who raises it; lowering it takes nothing away.
func TestA057_TheLimitIsRaisedAndLowered(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	var ids []string
	for i := range 12 {
		id := fmt.Sprintf("g%d", i)
		w.put("/v1/security-groups/"+id, `{"name": "`+id+`", "project_id": "prj", "rules": [{"direction": "in", "protocol": "icmp"}]}`)
		ids = append(ids, `"`+id+`"`)
	}
	give := func(n int) answer {
		return w.do(http.MethodPatch, "/v1/instances/web", `{"security_group_ids": [`+strings.Join(ids[:n], ", ")+`]}`)
	}
	require.Equal(t, http.StatusOK, give(10).status)
	p := give(11).problem(http.StatusConflict)
	require.Equal(t, "limit-groups-per-instance", p.Code)
	require.Contains(t, p.Detail, `instance "web" would have 11 groups, the limit is 10 (profile isolated); detach one first, or have an administrator raise limits.groups_per_instance of project "acme"`)
	w.do(http.MethodPatch, "/v1/projects/prj", `{"limits": {"groups_per_instance": 11}}`)
	require.Equal(t, http.StatusOK, give(11).status)
	require.Contains(t, give(12).problem(http.StatusConflict).Detail, "the limit is 11 (project acme)")

	require.Equal(t, http.StatusOK, w.do(http.MethodPatch, "/v1/projects/prj", `{"limits": {"groups_per_instance": 2}}`).status)
	require.Len(t, strings.Fields(w.groups("web-0")), 11, "what is there stays")
	require.Equal(t, http.StatusOK, w.do(http.MethodPatch, "/v1/instances/web", `{"name": "renamed"}`).status)
	require.Equal(t, http.StatusOK, give(9).status, "fewer is no more than it had")
	require.Contains(t, give(10).problem(http.StatusConflict).Detail, "would have 10 groups, the limit is 2 (project acme)")
	w.do(http.MethodPost, "/v1/security-groups/g11/attachments", `{"target": {"subnet_id": "sub"}}`).problem(http.StatusConflict)
}
