package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// TestA122_TheUsualQuestionsHaveAnAnswer asks what people ask when a group does not do what they meant: the answer names the cause, and
// what it suggests helps.
func TestA122_TheUsualQuestionsHaveAnAnswer(t *testing.T) {
	const ssh = `{"from": {"address": "198.51.100.7"}, "to": {"port_id": "web-0"}, "protocol": "tcp", "port": 22}`
	for name, c := range map[string]struct {
		rules    string // of the group "chosen"
		attached bool
		question string
		says     []string
	}{
		"is the group attached": {
			rules: `{"direction": "in", "protocol": "tcp", "port_min": 22}`, question: ssh,
			says: []string{"default-allow-egress"},
		},
		"is there any ingress rule": {
			rules: `{"direction": "out", "protocol": "all"}`, attached: true, question: ssh,
			says: []string{"no rule of the port's security groups is for ingress"},
		},
		"does the IP version match": {
			rules: `{"direction": "in", "protocol": "tcp", "port_min": 22, "ip_version": 6}`, attached: true, question: ssh,
			says: []string{"the rule is not for IPv4"},
		},
		"is the port in the range": {
			rules: `{"direction": "in", "protocol": "tcp", "port_min": 2200, "port_max": 2300}`, attached: true, question: ssh,
			says: []string{"22", "2200"},
		},
		"is the remote right": {
			rules: `{"direction": "in", "protocol": "tcp", "port_min": 22, "remote": {"cidrs": ["203.0.113.0/24"]}}`, attached: true, question: ssh,
			says: []string{"198.51.100.7 is not in 203.0.113.0/24"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.cloud()
			w.put("/v1/security-groups/chosen", `{"name": "chosen", "project_id": "prj", "rules": [`+c.rules+`]}`)
			if c.attached {
				w.do(http.MethodPatch, "/v1/instances/web", `{"security_group_ids": ["chosen"]}`)
			}
			a := w.explain(c.question)
			require.False(t, a.Allowed)
			step := a.Steps[len(a.Steps)-1]
			said := step.Because
			if step.Nearest != nil {
				said += "; " + strings.Join(step.Nearest.Misses, "; ")
			}
			if step.Suggestion != nil {
				said += "; " + strings.Join(step.Suggestion.Commands, "; ") + "; " + strings.Join(step.Suggestion.Notes, "; ")
			}
			for _, want := range c.says {
				require.Contains(t, said, want)
			}
			w.carryOut(a)
			require.True(t, w.explain(c.question).Allowed, "what is suggested helps: %s", said)
		})
	}

	t.Run("everything passes although groups are attached", func(t *testing.T) {
		w := newWorld(t)
		w.cloud()
		w.put("/v1/security-groups/chosen", `{"name": "chosen", "project_id": "prj", "rules": [{"direction": "out", "protocol": "all"}]}`)
		w.do(http.MethodPatch, "/v1/instances/web", `{"security_group_ids": ["chosen"]}`)
		w.do(http.MethodPatch, "/v1/vpcs/vpc", `{"profile": "open-until-ruled"}`)
		a := w.explain(ssh)
		require.True(t, a.Allowed)
		require.Equal(t, policy.TierProfile, a.Steps[0].Tier)
		require.Contains(t, a.Steps[0].Because, "none of the port's security groups has a rule for ingress")
	})
	t.Run("an IP set can't be deleted", func(t *testing.T) {
		w := newWorld(t)
		w.cloud()
		w.put("/v1/ip-sets/office", `{"name": "office", "project_id": "prj", "ip_version": 4, "entries": [{"cidr": "192.0.2.0/24"}]}`)
		w.put("/v1/security-groups/chosen", `{"name": "chosen", "project_id": "prj", "rules": [{"name": "from-office", "direction": "in", "protocol": "all", "remote": {"ip_set_id": "office"}}]}`)
		p := w.do(http.MethodDelete, "/v1/ip-sets/office", "").problem(http.StatusConflict)
		require.Equal(t, "ip-set-in-use", p.Code)
		require.Contains(t, p.Detail+p.Title, `rule from-office of security group "chosen"`)
	})
}
