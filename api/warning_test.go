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
