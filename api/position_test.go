package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

// ordered makes an ordered group of rules for TCP ports, which are their names and ids: r22 for 22.
func (w *world) ordered(group string, ports ...int) {
	w.Helper()
	var rules []string
	for _, p := range ports {
		rules = append(rules, fmt.Sprintf(`{"id": "r%d", "name": "r%d", "direction": "in", "protocol": "tcp", "port_min": %d}`, p, p, p))
	}
	w.put("/v1/security-groups/"+group, `{"name": "`+group+`", "evaluation": "ordered", "rules": [`+strings.Join(rules, ",")+`]}`)
}

// order is the group's rules as they are tried, with their positions: r22@10.
func (w *world) order(group policy.GroupID) string {
	w.Helper()
	rules, err := w.RulesOf(group).List(w.Context(), api.Query("page_size", "2"))
	require.NoError(w, err)
	g, err := w.Groups().Get(w.Context(), string(group))
	require.NoError(w, err)
	require.Equal(w, keys(rules), keys(g.Rules), "both lists are in the order of evaluation")
	var out []string
	for _, r := range rules {
		at := "none"
		if r.Position != nil {
			at = fmt.Sprint(*r.Position)
		}
		out = append(out, r.Label()+"@"+at)
	}
	return strings.Join(out, " ")
}

func TestA005_ARuleComesBesideAnother(t *testing.T) {
	w := newWorld(t)
	w.ordered("g", 22, 80, 443)
	require.Equal(t, "r22@10 r80@20 r443@30", w.order("g"))
	create := func(name string, options ...api.Option) *api.Rule {
		port := 1000 + len(name)
		r, err := w.RulesOf("g").Create(t.Context(), &api.Rule{Rule: policy.Rule{Name: name, Direction: policy.Egress, Protocol: policy.TCP, PortMin: &port}}, options...)
		require.NoError(t, err)
		return r
	}
	require.Empty(t, create("last").Renumbered)
	create("between", api.Before("r80"))
	create("first", api.Before("r22"))
	create("behind-last", api.After("r443"))
	require.Equal(t, "first@5 r22@10 between@15 r80@20 r443@30 behind-last@35 last@40", w.order("g"))

	t.Run("a move touches the rule alone", func(t *testing.T) {
		before, err := w.Rules().Get(t.Context(), "r80")
		require.NoError(t, err)
		moved, err := w.Rules().Patch(t.Context(), "r80", map[string]any{}, api.Before("r22"))
		require.NoError(t, err)
		require.Empty(t, moved.Renumbered)
		require.Equal(t, before.Number, moved.Number)
		require.Equal(t, "first@5 r80@7 r22@10 between@15 r443@30 behind-last@35 last@40", w.order("g"))
		still, err := w.Rules().Get(t.Context(), "r22")
		require.NoError(t, err)
		require.Less(t, still.Revision, moved.Revision)
		_, err = w.Rules().Patch(t.Context(), "r80", map[string]any{"position": 25})
		require.NoError(t, err)
		require.Contains(t, w.order("g"), "between@15 r80@25 r443@30")
	})
	t.Run("a rule that is there already stays as it is", func(t *testing.T) {
		revision := w.store.Revision()
		a := w.do(http.MethodPatch, "/v1/rules/r80?before=r443", `{}`)
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Equal(t, revision, w.store.Revision())
	})
	t.Run("a change without a position leaves it", func(t *testing.T) {
		w.put("/v1/rules/r80", `{"name": "r80", "direction": "in", "protocol": "tcp", "port_min": 8080}`)
		w.put("/v1/rules/r80", `{"name": "r80", "direction": "in", "protocol": "tcp", "port_min": 8080, "position": null}`)
		require.Contains(t, w.order("g"), "r80@25")
	})
}

func TestA005_WithoutAGapTheFewestMove(t *testing.T) {
	w := newWorld(t)
	w.ordered("g", 1, 2, 3, 4)
	for i, id := range []string{"r1", "r2", "r3", "r4"} { // As a caller may number them.
		_, err := w.Rules().Patch(t.Context(), id, map[string]any{"position": i + 1})
		require.NoError(t, err)
	}
	dry, err := w.RulesOf("g").Create(t.Context(), &api.Rule{Rule: policy.Rule{Name: "x", Direction: policy.Egress, Protocol: policy.UDP}}, api.After("r3"), api.DryRun())
	require.NoError(t, err)
	require.Equal(t, []api.Renumbered{{ID: "r4", Position: 23}}, dry.Renumbered)
	require.Equal(t, "r1@1 r2@2 r3@3 r4@4", w.order("g"))

	r, err := w.RulesOf("g").Create(t.Context(), &api.Rule{Rule: policy.Rule{Name: "x", Direction: policy.Egress, Protocol: policy.UDP}}, api.After("r3"))
	require.NoError(t, err)
	require.Equal(t, []api.Renumbered{{ID: "r4", Position: 23}}, r.Renumbered)
	require.Equal(t, "r1@1 r2@2 r3@3 x@13 r4@23", w.order("g"))
	shown, err := w.Rules().Get(t.Context(), r.ID)
	require.NoError(t, err)
	require.Empty(t, shown.Renumbered, "only the answer to the change has it")
	_, err = w.Rules().Put(t.Context(), r.ID, r) // What was answered can be sent back.
	require.NoError(t, err)
}

// Positions that callers give may be equal; the older rule is tried first then, also in another process.
func TestA005_TiesGoByAge(t *testing.T) {
	w := newWorld(t)
	w.ordered("g", 1, 2, 3)
	for _, id := range []string{"r3", "r1", "r2"} {
		_, err := w.Rules().Patch(t.Context(), id, map[string]any{"position": 7})
		require.NoError(t, err)
	}
	require.Equal(t, "r1@7 r2@7 r3@7", w.order("g"))
	_, err := w.Rules().Patch(t.Context(), "r3", map[string]any{}, api.Before("r2"))
	require.NoError(t, err)
	require.Equal(t, "r1@7 r3@17 r2@27", w.order("g"))
}

func TestA005_WhereARuleMayBePut(t *testing.T) {
	w := newWorld(t)
	w.ordered("g", 1, 2)
	w.put("/v1/security-groups/union", `{"name": "union", "evaluation": "union", "rules": [{"id": "u1", "direction": "in", "protocol": "udp"}]}`)
	body := `{"direction": "in", "protocol": "udp"}`
	for _, c := range []struct {
		method, path, body string
		status             int
		finding            string
	}{
		{http.MethodPost, "/v1/security-groups/g/rules?before=none", body, 422, "?before reference-missing"},
		{http.MethodPost, "/v1/security-groups/g/rules?after=u1", body, 422, "?after reference-missing"},
		{http.MethodPost, "/v1/security-groups/g/rules?before=r1&after=r2", body, 400, "?after parameter-invalid"},
		{http.MethodPost, "/v1/security-groups/g/rules?before=", body, 400, "?before parameter-invalid"},
		{http.MethodPost, "/v1/security-groups/g/rules?before=r1", `{"direction": "in", "protocol": "udp", "position": 3}`, 422, "/position position-not-exclusive"},
		{http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "in", "protocol": "udp", "position": 0}`, 422, "/position position-range"},
		{http.MethodPost, "/v1/security-groups/g/rules", `{"direction": "in", "protocol": "udp", "position": 1000000001}`, 422, "/position position-range"},
		{http.MethodPatch, "/v1/rules/r1?before=r1", `{}`, 422, "?before reference-missing"},
		{http.MethodPatch, "/v1/rules/u1?before=r1", `{}`, 422, "/position position-not-allowed"},
		{http.MethodPatch, "/v1/rules/u1", `{"position": 1}`, 422, "/position position-not-allowed"},
		{http.MethodPut, "/v1/rules/r1?after=r2", `{"direction": "in", "protocol": "udp", "position": 99}`, 422, "/position position-not-exclusive"},
	} {
		p := w.do(c.method, c.path, c.body).problem(c.status)
		require.Equal(t, []string{c.finding}, found(p), "%s %s", c.method, c.path)
	}
}

// A list says the order of an ordered group. What did not move keeps its position.
func TestA005_AListOfRulesIsInItsOrder(t *testing.T) {
	w := newWorld(t)
	w.ordered("g", 1, 2, 3, 4, 5)
	list := func(rules ...string) {
		t.Helper()
		var in []api.Rule
		for _, name := range rules {
			name, at, explicit := strings.Cut(name, "@")
			var port int
			_, err := fmt.Sscanf(name, "r%d", &port)
			require.NoError(t, err)
			r := tcp(port)
			r.Name = name
			if explicit {
				r.Position = new(int)
				_, err := fmt.Sscan(at, r.Position)
				require.NoError(t, err)
			}
			in = append(in, r)
		}
		before := w.ids("g")
		_, err := w.ReplaceRules(t.Context(), "g", in)
		require.NoError(t, err)
		for name, id := range w.ids("g") {
			if was, ok := before[name]; ok {
				require.Equal(t, was, id, "%s keeps its id and number", name)
			}
		}
	}
	list("r5", "r1", "r2", "r3", "r4")
	require.Equal(t, "r5@5 r1@10 r2@20 r3@30 r4@40", w.order("g"))
	list("r1", "r2", "r9", "r3", "r4", "r5")
	require.Equal(t, "r1@10 r2@20 r9@25 r3@30 r4@40 r5@50", w.order("g"))
	revision := w.store.Revision()
	list("r1", "r2", "r9", "r3", "r4", "r5")
	require.Equal(t, revision, w.store.Revision(), "the same list changes nothing")
	list("r4", "r1")
	require.Equal(t, "r4@5 r1@10", w.order("g"))
	list("r4@5", "r7", "r1@10", "r8", "r6@1") // As read, with more in between: positions count, the others stay where they are listed.
	require.Equal(t, "r6@1 r4@5 r7@7 r1@10 r8@20", w.order("g"))
}

// ids are the rules of a group by name.
func (w *world) ids(group policy.GroupID) map[string]string {
	rules, err := w.RulesOf(group).List(w.Context())
	require.NoError(w, err)
	out := map[string]string{}
	for _, r := range rules {
		out[r.Name] = fmt.Sprintf("%s %d", r.ID, r.Number)
	}
	return out
}

func TestA005_AGroupChangesItsEvaluation(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/security-groups/g", `{"name": "g", "evaluation": "union", "rules": [{"id": "a", "name": "a", "direction": "in", "protocol": "tcp"}, {"id": "b", "name": "b", "direction": "in", "protocol": "udp"}]}`)
	a := w.do(http.MethodPatch, "/v1/security-groups/g", `{"evaluation": "ordered"}`)
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Equal(t, "a@10 b@20", w.order("g"))
	w.put("/v1/rules/rest", `{"security_group_id": "g", "name": "rest", "direction": "in", "protocol": "all", "action": "drop"}`)
	w.put("/v1/rules/late", `{"security_group_id": "g", "direction": "in", "protocol": "sctp", "action": "drop"}`)

	p := w.do(http.MethodPatch, "/v1/security-groups/g", `{"evaluation": "union"}`).problem(http.StatusConflict)
	require.Equal(t, "evaluation-drop-rules", p.Code)
	require.Contains(t, p.Detail, `group "g" has 2: rest, late; remove them first`)
	require.Equal(t, []policy.Holder{{Kind: policy.KindRule, ID: "rest", Name: "rest"}, {Kind: policy.KindRule, ID: "late", Name: "late"}}, p.Conflicts)
	require.Equal(t, "a@10 b@20 rest@30 late@40", w.order("g"))

	for _, id := range []string{"rest", "late"} {
		require.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, "/v1/rules/"+id, "").status)
	}
	a = w.do(http.MethodPatch, "/v1/security-groups/g", `{"evaluation": "union"}`)
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Equal(t, "a@none b@none", w.order("g"))
	w.put("/v1/security-groups/g", `{"name": "g", "evaluation": "ordered", "rules": [{"name": "b", "direction": "in", "protocol": "udp"}, {"name": "a", "direction": "in", "protocol": "tcp"}]}`)
	require.Equal(t, "b@10 a@20", w.order("g"))
}

// Whoever adds rules at the same place at the same time gets a place each, and the order is what every one of them asked for.
func TestA005_RacingInsertions(t *testing.T) {
	w := newWorld(t)
	w.ordered("g", 1, 2)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			port := 100 + i
			_, err := w.RulesOf("g").Create(t.Context(), &api.Rule{Rule: policy.Rule{Direction: policy.Ingress, Protocol: policy.TCP, PortMin: &port}}, api.Before("r2"))
			require.NoError(t, err)
		})
	}
	all.Wait()
	rules, err := w.RulesOf("g").List(t.Context())
	require.NoError(t, err)
	require.Len(t, rules, 10)
	require.Equal(t, []string{"r1", "r2"}, []string{rules[0].ID, rules[9].ID})
	seen := map[int]bool{}
	for _, r := range rules {
		require.False(t, seen[*r.Position], "no two have the same")
		seen[*r.Position] = true
	}
}

// An ordered group that is read and sent back as a union loses the positions that it was read with.
func TestA005_AnOrderedGroupIsSentBackAsAUnion(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/security-groups/g", `{"name": "g", "evaluation": "ordered", "rules": [{"id": "a", "direction": "in", "protocol": "tcp", "port_min": 80}, {"id": "b", "direction": "in", "protocol": "udp"}]}`)
	read := w.do(http.MethodGet, "/v1/security-groups/g", "").body
	p := w.do(http.MethodPut, "/v1/security-groups/g", strings.Replace(strings.Replace(read, `"evaluation":"ordered"`, `"evaluation":"union"`, 1), `"position":20`, `"position":25`, 1)).
		problem(http.StatusUnprocessableEntity)
	require.Equal(t, []string{"/rules/1/position position-not-allowed"}, found(p), "a position that is not the old one is meant")
	require.Contains(t, p.Errors[0].Message, "leave it out")
	a := w.do(http.MethodPut, "/v1/security-groups/g", strings.Replace(read, `"evaluation":"ordered"`, `"evaluation":"union"`, 1))
	require.Equal(t, http.StatusOK, a.status, a.body)
	var g api.Group
	a.into(&g)
	require.Equal(t, policy.Union, g.Evaluation)
	for _, r := range g.Rules {
		require.Nil(t, r.Position)
	}
}
