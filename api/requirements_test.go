package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

// rule sends a rule to a group of its own and returns it as it is stored.
func (w *world) rule(body string) (r api.Rule) {
	w.Helper()
	id := fmt.Sprintf("g%d", w.store.Revision())
	w.put("/v1/security-groups/"+id, `{"name": "`+id+`", "project_id": "prj"}`)
	a := w.do(http.MethodPost, "/v1/security-groups/"+id+"/rules", body)
	require.Equal(w, http.StatusCreated, a.status, a.body)
	a.into(&r)
	return r
}

func TestRequirementsOfRules(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	t.Run("A-016 three vocabularies of directions are taken and one kept", func(t *testing.T) {
		for word, want := range map[string]policy.Direction{
			"Ingress": policy.Ingress, "In": policy.Ingress, "Inbound": policy.Ingress, "Egress": policy.Egress, "Out": policy.Egress, "OUTBOUND": policy.Egress,
		} {
			require.Equal(t, want, w.rule(`{"direction": "`+word+`", "protocol": "tcp"}`).Direction)
		}
	})
	t.Run("A-017 A-018 A-019 A-020 A-021 A-022 the words for protocols", func(t *testing.T) {
		for word, want := range map[string]policy.Protocol{
			`"TCP"`: policy.TCP, `"udp"`: policy.UDP, `"ICMP"`: policy.ICMP, `"ICMPv6"`: policy.ICMPv6, `"SCTP"`: policy.SCTP, `"IP"`: policy.All, `"All"`: policy.All,
			`"any"`: policy.All, `6`: policy.TCP, `"58"`: policy.ICMPv6, `47`: "47",
		} {
			require.Equal(t, want, w.rule(`{"direction": "in", "protocol": `+word+`}`).Protocol, word)
		}
	})
	t.Run("A-025 A-026 A-028 a port, or a range of them", func(t *testing.T) {
		for _, protocol := range []string{"tcp", "udp", "sctp"} {
			r := w.rule(`{"direction": "in", "protocol": "` + protocol + `", "port_min": 1, "port_max": 65535}`)
			require.Equal(t, []int{1, 65535}, []int{*r.PortMin, *r.PortMax})
			r = w.rule(`{"direction": "in", "protocol": "` + protocol + `", "port_min": 22}`)
			require.Equal(t, []int{22, 22}, []int{*r.PortMin, *r.PortMax})
		}
	})
	t.Run("A-034 A-048 several addresses, bare or as CIDRs", func(t *testing.T) {
		r := w.rule(`{"direction": "in", "protocol": "tcp", "remote": {"cidrs": ["192.0.2.7", "10.0.0.0/8", "2001:db8::1"]}}`)
		require.Equal(t, []string{"192.0.2.7/32", "10.0.0.0/8", "2001:db8::1/128"}, []string{r.Remote.CIDRs[0].String(), r.Remote.CIDRs[1].String(), r.Remote.CIDRs[2].String()})
	})
	t.Run("A-033 the documented prefixes", func(t *testing.T) {
		for _, c := range []string{"0.0.0.0/0", "192.0.2.0/24", "192.0.2.7/32", "::/0"} {
			require.Equal(t, c, w.rule(`{"direction": "in", "protocol": "tcp", "remote": {"cidrs": ["` + c + `"]}}`).Remote.CIDRs[0].String())
		}
	})
	t.Run("A-040 A-043 nothing more is needed", func(t *testing.T) {
		r := w.rule(`{"direction": "in", "protocol": "all"}`)
		require.True(t, r.Remote.Any)
		require.Nil(t, r.PortMin)
		require.Equal(t, policy.Allow, r.Action)
	})
	t.Run("A-041 A-042 the VM's own address beside the remote", func(t *testing.T) {
		r := w.rule(`{"direction": "out", "protocol": "all", "local_cidr": "10.0.0.10", "remote": {"cidrs": ["192.0.2.0/24"]}}`)
		require.Equal(t, "10.0.0.10/32", r.LocalCIDR.String())
	})
	t.Run("A-045 A-046 a name and a description", func(t *testing.T) {
		r := w.rule(`{"name": "allowSSHInbound", "description": "for the team: äöü, 22!", "direction": "in", "protocol": "tcp"}`)
		require.Equal(t, "allowSSHInbound", r.Name)
		require.Equal(t, "for the team: äöü, 22!", r.Description)
	})
	t.Run("A-050 A-052 rules come and go one at a time", func(t *testing.T) {
		w.put("/v1/security-groups/one", `{"name": "one", "project_id": "prj", "rules": [{"direction": "in", "protocol": "tcp"}]}`)
		a := w.do(http.MethodPost, "/v1/security-groups/one/rules", `{"direction": "in", "protocol": "udp"}`)
		var r api.Rule
		a.into(&r)
		require.NoError(t, w.Rules().Delete(t.Context(), r.ID))
		left, err := w.RulesOf("one").List(t.Context())
		require.NoError(t, err)
		require.Len(t, left, 1)
	})
}

func TestA054_TheDocumentedExamplesWorkAsWritten(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.put("/v1/security-groups/web", `{"name": "web", "project_id": "prj"}`)
	w.put("/v1/security-groups/examples", `{"name": "examples", "project_id": "prj", "rules": [
		{"direction": "Inbound", "protocol": "TCP", "port_min": 22, "port_max": 22, "ip_version": 4, "remote": {"cidrs": ["0.0.0.0/0"]}},
		{"direction": "Inbound", "protocol": "TCP", "port_min": 80, "port_max": 80, "ip_version": 4, "remote": {"cidrs": ["0.0.0.0/0"]}},
		{"direction": "Inbound", "protocol": "TCP", "port_min": 443, "port_max": 443, "ip_version": 4, "remote": {"cidrs": ["0.0.0.0/0"]}},
		{"direction": "Inbound", "protocol": "All", "ip_version": 4, "remote": {"cidrs": ["10.0.0.0/8"]}},
		{"direction": "Inbound", "protocol": "ICMP", "ip_version": 4, "remote": {"cidrs": ["0.0.0.0/0"]}},
		{"direction": "Inbound", "protocol": "TCP", "port_min": 3306, "port_max": 3306, "ip_version": 4, "remote": {"security_group_id": "web"}}]}`)
	w.put("/v1/instances/web", `{"name": "web", "project_id": "prj", "security_group_ids": ["examples"]}`)
	w.put("/v1/instances/peer", `{"name": "peer", "project_id": "prj", "security_group_ids": ["web"]}`)
	w.put("/v1/vpcs/vpc", `{"name": "main", "project_id": "prj"}`)
	w.put("/v1/subnets/sub-peer", `{"name": "peers", "vpc_id": "vpc", "cidrs": ["192.168.0.0/24"], "vlan": 77}`)
	w.put("/v1/ports/peer-0", `{"instance_id": "peer", "subnet_id": "sub-peer", "mac": "fa:16:3e:00:00:09", "addresses": ["192.168.0.9"]}`)
	const stranger = "198.51.100.7"
	for _, c := range []struct {
		from, protocol, port string
		allowed              bool
	}{
		{stranger, "tcp", "22", true}, {stranger, "tcp", "80", true}, {stranger, "tcp", "443", true}, {stranger, "icmp", "", true},
		{stranger, "tcp", "3306", false}, {stranger, "udp", "53", false}, {"10.200.0.1", "udp", "53", true}, {"192.168.0.9", "tcp", "3306", true}, {"192.168.0.8", "tcp", "3306", false},
	} {
		port := ""
		if c.port != "" {
			port = `, "port": ` + c.port
		}
		var a api.Answer
		w.do(http.MethodPost, "/v1/explain", `{"from": {"address": "`+c.from+`"}, "to": {"port_id": "web-0"}, "protocol": "`+c.protocol+`"`+port+`}`).into(&a)
		ingress := a.Steps[len(a.Steps)-1]
		require.Equal(t, c.allowed, ingress.Allowed, "%+v: %s", c, ingress.Because)
	}
}

func TestRequirementsOfGroupsAndMembers(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.put("/v1/security-groups/a", `{"name": "a", "project_id": "prj", "tags": {"team": "net"}, "rules": [{"direction": "in", "protocol": "tcp"}, {"direction": "out", "protocol": "tcp"}]}`)
	w.put("/v1/security-groups/b", `{"name": "b", "project_id": "prj", "rules": [{"direction": "in", "protocol": "udp", "remote": {"security_group_id": "a"}}]}`)
	members := func(group policy.GroupID) int {
		m, err := w.MembersOf(group).List(t.Context())
		require.NoError(t, err)
		return len(m)
	}
	t.Run("A-013 both directions in one group", func(t *testing.T) {
		rules, err := w.RulesOf("a").List(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, rules[0].Direction, rules[1].Direction)
	})
	t.Run("A-091 tags", func(t *testing.T) {
		g, err := w.Groups().Get(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, map[string]string{"team": "net"}, g.Tags)
	})
	t.Run("A-002 A-055 A-056 A-066 groups chosen at creation and changed afterwards", func(t *testing.T) {
		w.put("/v1/instances/two", `{"name": "two", "project_id": "prj", "security_group_ids": ["a", "b"]}`)
		w.put("/v1/ports/two-0", `{"instance_id": "two", "subnet_id": "sub", "mac": "fa:16:3e:00:00:02", "addresses": ["10.0.0.2"]}`)
		w.put("/v1/instances/web", `{"name": "web", "project_id": "prj", "security_group_ids": ["a"]}`)
		require.Equal(t, 3, members("a"))
		a := w.do(http.MethodPatch, "/v1/instances/two", `{"security_group_ids": ["b"]}`)
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Equal(t, 2, members("a"))
		require.Equal(t, 1, members("b"))
	})
	t.Run("A-060 A-062 A-063 several at once with the group, and one taken off again", func(t *testing.T) {
		text := `{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: c, id: c}, spec: {rules: [{direction: in, protocol: tcp}]}}`
		for _, vm := range []string{"web", "two"} {
			text += "\n---\n" + `{apiVersion: conjunct/v1, kind: Attachment, metadata: {name: c-` + vm + `}, spec: {security_group_id: c, target: {instance_id: ` + vm + `}}}`
		}
		r, err := w.Apply(t.Context(), w.manifest(text, ""))
		require.NoError(t, err)
		require.Equal(t, []api.Outcome{api.Created, api.Created, api.Created}, results(r))
		require.Equal(t, 3, members("c"))
		require.NoError(t, w.AttachmentsOf("c").Delete(t.Context(), "att-ins-web"))
		require.Equal(t, 1, members("c"))
	})
	t.Run("A-105 a deletion that fails says why", func(t *testing.T) {
		p := w.do(http.MethodDelete, "/v1/security-groups/a", "").problem(http.StatusConflict)
		require.Contains(t, p.Detail, `security group "a" is the remote of rule`)
		require.Contains(t, p.Detail, `security group "a" is attached to instance "web"`)
	})
	t.Run("A-061 a group for a segment reaches ports that come later", func(t *testing.T) {
		w.put("/v1/security-groups/segment", `{"name": "segment", "project_id": "prj"}`)
		a := w.do(http.MethodPost, "/v1/security-groups/segment/attachments", `{"target": {"cidr": "10.0.0.128/25", "vpc_id": "vpc"}}`)
		require.Equal(t, http.StatusCreated, a.status, a.body)
		require.Zero(t, members("segment"))
		w.put("/v1/ports/late", `{"instance_id": "web", "subnet_id": "sub", "mac": "fa:16:3e:00:00:0a", "addresses": ["10.0.0.200"]}`)
		require.Equal(t, 1, members("segment"))
	})
}

func TestRequirementsOfIPSets(t *testing.T) {
	w := newWorld(t)
	t.Run("A-092 A-094 A-097 A-101 a set, its entries, and the rules that use it", func(t *testing.T) {
		w.cloud()
		w.put("/v1/ip-sets/office", `{"name": "office", "description": "where we sit", "ip_version": 4}`)
		w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj", "rules": [{"direction": "in", "protocol": "tcp", "port_min": 22, "remote": {"ip_set_id": "office"}}]}`)
		w.put("/v1/instances/web", `{"name": "web", "project_id": "prj", "security_group_ids": ["g"]}`)
		allowed := func() bool {
			var a api.Answer
			w.do(http.MethodPost, "/v1/explain", `{"from": {"address": "192.0.2.77"}, "to": {"port_id": "web-0"}, "protocol": "tcp", "port": 22}`).into(&a)
			return a.Allowed
		}
		require.False(t, allowed(), "a set without entries allows nobody")
		e, err := w.EntriesOf("office").Create(t.Context(), &api.Entry{CIDR: cidr(t, "192.0.2.0/24"), Description: "first floor"})
		require.NoError(t, err)
		require.True(t, allowed())
		require.NoError(t, w.EntriesOf("office").Delete(t.Context(), e.ID))
		require.False(t, allowed())
	})
}

func TestRequirementsOfManifests(t *testing.T) {
	w := newWorld(t)
	_, err := w.Apply(t.Context(), w.manifest(tierCloud, ""))
	require.NoError(t, err)
	t.Run("A-027 A-123 A-124 A-127 the documented fields, in mixed case", func(t *testing.T) {
		_, err := w.Apply(t.Context(), w.manifest(`
apiVersion: networking.evroclabs.net/v1alpha1
kind: SecurityGroup
metadata: {name: mixedCaseSG}
spec:
  rules:
    - {direction: Ingress, name: oneAddress, port: 80, protocol: TCP, remote: {address: {IPAddressOrCIDR: 192.0.2.7}}}
    - {direction: Ingress, name: aRange, port: 1000-1100, protocol: UDP, remote: {securityGroupRef: {name: mixedCaseSG}}}
    - {direction: Egress, name: aSubnet, port: "443", protocol: TCP, remote: {subnetRef: {name: front}}}
    - {direction: Egress, name: ping, protocol: ICMP, remote: {address: {IPAddressOrCIDR: "::/0"}}}
    - {direction: Egress, name: overlay, protocol: All, remote: {subnetRef: {name: front}}}
`, ""))
		require.NoError(t, err)
		gs, err := w.Groups().List(t.Context(), api.Query("name", "mixedCaseSG"))
		require.NoError(t, err)
		require.Len(t, gs, 1)
		rules := gs[0].Rules
		require.Len(t, rules, 5)
		require.Equal(t, "192.0.2.7/32", rules[0].Remote.CIDRs[0].String())
		require.Equal(t, []int{1000, 1100}, []int{*rules[1].PortMin, *rules[1].PortMax})
		require.Equal(t, policy.GroupID(gs[0].ID), rules[1].Remote.GroupID)
		require.Equal(t, 443, *rules[2].PortMin)
		require.True(t, strings.HasPrefix(string(rules[2].Remote.SubnetID), "sub-"))
		require.Equal(t, policy.All, rules[4].Protocol)
	})
}
