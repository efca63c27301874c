package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
)

// What rules may say, and what that allows to the VM of the cloud, 10.0.0.10: each with one packet that passes and one that
// does not.
func TestRequirementsOfRuleFieldsAsExplained(t *testing.T) {
	const (
		in  = `"from": {"address": "192.0.2.7"}, "to": {"port_id": "web-0"}`
		out = `"from": {"port_id": "web-0"}, "to": {"address": "192.0.2.7"}`
		far = `"from": {"address": "198.51.100.7"}, "to": {"port_id": "web-0"}`
	)
	for _, c := range []struct{ name, rule, passes, refused string }{
		{"A-021 IP is every packet whatever its transport", `"direction": "in", "protocol": "ip"`, in + `, "protocol": "47"`, out + `, "protocol": "47"`},
		{"A-022 all is every protocol", `"direction": "in", "protocol": "all"`, in + `, "protocol": "sctp", "port": 9`, out + `, "protocol": "tcp", "port": 9`},
		{"A-026 one number is a single port", `"direction": "in", "protocol": "tcp", "port_min": 22`, in + `, "protocol": "tcp", "port": 22`, in + `, "protocol": "tcp", "port": 23`},
		{"A-026 equal ends are a single port", `"direction": "in", "protocol": "tcp", "port_min": 22, "port_max": 22`, in + `, "protocol": "tcp", "port": 22`, in + `, "protocol": "tcp", "port": 21`},
		{"A-028 a pair of ends", `"direction": "in", "protocol": "sctp", "port_min": 1000, "port_max": 1100`, in + `, "protocol": "sctp", "port": 1100`, in + `, "protocol": "sctp", "port": 1101`},
		{"A-028 the destination port alone", `"direction": "in", "protocol": "udp", "port_min": 53`, in + `, "protocol": "udp", "port": 53, "src_port": 9999`, in + `, "protocol": "udp", "port": 9999, "src_port": 53`},
		{"A-039 the remote of ingress is the source", `"direction": "in", "protocol": "tcp", "remote": {"cidrs": ["192.0.2.0/24"]}`, in + `, "protocol": "tcp", "port": 1`, far + `, "protocol": "tcp", "port": 1`},
		{"A-039 the remote of egress is the destination", `"direction": "out", "protocol": "tcp", "remote": {"cidrs": ["192.0.2.0/24"]}`, out + `, "protocol": "tcp", "port": 1`, in + `, "protocol": "tcp", "port": 1`},
		{"A-042 a source and a destination", `"direction": "in", "protocol": "ip", "remote": {"cidrs": ["192.0.2.0/24"]}, "local_cidr": "10.0.0.10/32"`, in + `, "protocol": "4"`, far + `, "protocol": "4"`},
		{"A-042 a destination that is not the VM's", `"direction": "in", "protocol": "tcp", "local_cidr": "10.0.0.64/26"`, "", in + `, "protocol": "tcp", "port": 1`},
		{"A-043 all needs nothing more", `"direction": "out", "protocol": "all"`, out + `, "protocol": "icmp", "icmp_type": 8`, in + `, "protocol": "icmp", "icmp_type": 8`},
		{"A-048 several addresses in one rule", `"direction": "in", "protocol": "tcp", "remote": {"cidrs": ["192.0.2.7", "203.0.113.0/24", "2001:db8:9::/48"]}`, in + `, "protocol": "tcp", "port": 1`, far + `, "protocol": "tcp", "port": 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.cloud()
			w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj", "rules": [{`+c.rule+`}]}`)
			w.put("/v1/instances/web", `{"name": "web", "project_id": "prj", "security_group_ids": ["g"]}`)
			for question, want := range map[string]bool{c.passes: true, c.refused: false} {
				if question == "" {
					continue
				}
				r := w.do(http.MethodPost, "/v1/explain", `{`+question+`}`)
				require.Equal(t, http.StatusOK, r.status, "%s: %s", question, r.body)
				var a api.Answer
				r.into(&a)
				require.Equal(t, want, a.Allowed, question)
			}
		})
	}
	t.Run("A-047 the service is shown", func(t *testing.T) {
		w := newWorld(t)
		for i, c := range []struct{ rule, want string }{
			{`"protocol": "tcp", "port_min": 22`, "SSH"}, {`"protocol": "tcp", "port_min": 80`, "HTTP"}, {`"protocol": "tcp", "port_min": 81`, "Custom"}, {`"protocol": "all"`, "All"},
		} {
			id := fmt.Sprintf("g%d", i)
			w.put("/v1/security-groups/"+id, `{"name": "`+id+`", "rules": [{"direction": "in", `+c.rule+`, "service": "ignored"}]}`)
			g, err := w.Groups().Get(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, c.want, g.Rules[0].Service)
		}
	})
}
