package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// tenants makes projects prj and rival and, of each kind, an object of prj (o-), of none (g-) and of rival (t-).
func (w *world) tenants() {
	w.put("/v1/projects/prj", `{"name": "acme"}`)
	w.put("/v1/projects/rival", `{"name": "rival"}`)
	w.put("/v1/hypervisors/g-hv", `{"name": "g-hv"}`)
	w.put("/v1/profiles/g-prf", `{"name": "g-prf"}`)
	for i, p := range []struct{ mark, project string }{{"o", `"prj"`}, {"g", "null"}, {"t", `"rival"`}} {
		fill := func(text string) string {
			return strings.NewReplacer("P-", p.mark+"-", "PROJECT", p.project, "N", fmt.Sprint(i+1)).Replace(text)
		}
		for _, o := range [][2]string{
			{"/v1/vpcs/P-vpc", `{"name": "P-vpc", "project_id": PROJECT}`},
			{"/v1/subnets/P-sub", `{"name": "P-sub", "vpc_id": "P-vpc", "cidrs": ["10.N.0.0/24"], "vlan": N}`},
			{"/v1/ip-sets/P-set", `{"name": "P-set", "project_id": PROJECT, "ip_version": 4}`},
			{"/v1/security-groups/P-sg", `{"name": "P-sg", "project_id": PROJECT}`},
			{"/v1/rules/P-rule", `{"security_group_id": "P-sg", "direction": "in", "protocol": "tcp", "port_min": 80}`},
			{"/v1/instances/P-vm", `{"name": "P-vm", "project_id": PROJECT}`},
			{"/v1/ports/P-port", `{"instance_id": "P-vm", "subnet_id": "P-sub", "mac": "fa:16:3e:00:00:0N", "addresses": ["10.N.0.10"]}`},
		} {
			w.put(fill(o[0]), fill(o[1]))
		}
	}
}

// cell is how the verbs are tried on a kind; P- is the mark of the scope. Creation has a container whose scope counts.
type cell struct {
	item           string
	post, body     string
	patch, attach  string
	noneOfItsRoute policy.Rights // verbs that no route has
}

var cells = map[policy.Kind]cell{
	policy.KindProject:    {item: "/v1/projects/PROJECT", post: "/v1/projects", body: `{"name": "fresh"}`, patch: `{"smtp_allowed": true}`},
	policy.KindVPC:        {item: "/v1/vpcs/P-vpc", post: "/v1/vpcs", body: `{"name": "fresh", "project_id": OWNER}`, patch: `{"name": "other"}`},
	policy.KindSubnet:     {item: "/v1/subnets/P-sub", post: "/v1/subnets", body: `{"name": "fresh", "vpc_id": "P-vpc", "cidrs": ["10.9.0.0/24"], "vlan": 99}`, patch: `{"name": "other"}`},
	policy.KindHypervisor: {item: "/v1/hypervisors/g-hv", post: "/v1/hypervisors", body: `{"name": "fresh"}`, patch: `{"name": "other"}`},
	policy.KindInstance:   {item: "/v1/instances/P-vm", post: "/v1/instances", body: `{"name": "fresh", "project_id": OWNER}`, patch: `{"name": "other"}`, attach: `{"security_group_ids": ["g-sg"]}`},
	policy.KindPort: {item: "/v1/ports/P-port", post: "/v1/ports", patch: `{"iface_id": "other"}`, attach: `{"security_group_ids": ["g-sg"]}`,
		body: `{"instance_id": "P-vm", "subnet_id": "P-sub", "mac": "fa:16:3e:00:00:77", "addresses": []}`},
	policy.KindGroup:      {item: "/v1/security-groups/P-sg", post: "/v1/security-groups", body: `{"name": "fresh", "project_id": OWNER}`, patch: `{"description": "other"}`},
	policy.KindRule:       {item: "/v1/rules/P-rule", post: "/v1/security-groups/P-sg/rules", body: `{"direction": "in", "protocol": "udp"}`, patch: `{"description": "other"}`},
	policy.KindAttachment: {item: "/v1/security-groups/P-sg/attachments/ATT", post: "/v1/security-groups/P-sg/attachments", body: `{"target": {"cidr": "10.1.0.0/25", "vpc_id": "o-vpc"}}`, noneOfItsRoute: policy.MayChange},
	policy.KindIPSet:      {item: "/v1/ip-sets/P-set", post: "/v1/ip-sets", body: `{"name": "fresh", "project_id": OWNER, "ip_version": 4}`, patch: `{"description": "other"}`},
	policy.KindEntry:      {item: "/v1/ip-sets/P-set/entries/ENTRY", post: "/v1/ip-sets/P-set/entries", body: `{"cidr": "192.0.2.9"}`, noneOfItsRoute: policy.MayChange},
	policy.KindProfile:    {item: "/v1/profiles/g-prf", post: "/v1/profiles", body: `{"name": "fresh"}`, patch: `{"smtp_guard": true}`},
	policy.KindToken:      {item: "/v1/tokens/TOKEN", post: "/v1/tokens", body: `{"name": "fresh", "role": "viewer"}`, noneOfItsRoute: policy.MayChange},
}

// Every cell of the table is tried over HTTP, as every role. What changes something is a dry run.
func TestEveryCellOfTheTableOfRights(t *testing.T) {
	w := newWorld(t)
	w.tenants()
	secrets := w.ofRoles()
	var made struct{ ID string }
	ids := map[policy.Scope]map[string]string{}
	for scope, mark := range map[policy.Scope]string{policy.ScopeOwn: "o", policy.ScopeGlobal: "g", policy.ScopeOther: "t"} {
		owner := map[policy.Scope]string{policy.ScopeOwn: "prj", policy.ScopeOther: "rival"}[scope]
		ids[scope] = map[string]string{"P-": mark + "-", "PROJECT": owner, "OWNER": "null", "TOKEN": idOfSecret(w.secret)}
		if owner != "" {
			ids[scope]["OWNER"] = `"` + owner + `"`
		}
		w.do(http.MethodPost, "/v1/security-groups/"+mark+"-sg/attachments", `{"target": {"subnet_id": "o-sub"}}`).into(&made)
		ids[scope]["ATT"] = made.ID
		w.do(http.MethodPost, "/v1/ip-sets/"+mark+"-set/entries", `{"cidr": "192.0.2.1"}`).into(&made)
		ids[scope]["ENTRY"] = made.ID
	}
	tried := map[policy.Kind]bool{}
	for _, row := range policy.AccessTable {
		c, ok := cells[row.Kind]
		require.True(t, ok, "%s: the test does not try the kind", row.Kind)
		tried[row.Kind] = true
		for role, secret := range secrets {
			var pairs []string
			for old, replacement := range ids[row.Scope] {
				pairs = append(pairs, old, replacement)
			}
			fill := strings.NewReplacer(pairs...).Replace
			ask := func(verb policy.Rights, method, path, body string) {
				w.judge(row, role, verb, w.do(method, fill(path), fill(body), "Authorization", bearer(secret)))
			}
			ask(policy.MaySee, http.MethodGet, c.item, "")
			if w.server.Access()["POST "+template(c.post)].Kind != "" && c.noneOfItsRoute&policy.MayCreate == 0 {
				ask(policy.MayCreate, http.MethodPost, c.post+"?dry_run=true", c.body)
			}
			if c.noneOfItsRoute&policy.MayChange == 0 {
				ask(policy.MayChange, http.MethodPatch, c.item+"?dry_run=true", c.patch)
			}
			if c.noneOfItsRoute&policy.MayDelete == 0 {
				w.judge(row, role, policy.MayDelete, w.do(http.MethodDelete, fill(c.item)+"?dry_run=true", "", "Authorization", bearer(secret)))
			}
			if c.attach != "" {
				ask(policy.MayAttach, http.MethodPatch, c.item+"?dry_run=true", c.attach)
			}
			if row.Kind == policy.KindGroup {
				mark := ids[row.Scope]["P-"]
				if row.Scope == policy.ScopeGlobal {
					mark = "o-"
				}
				ask(policy.MayAttach, http.MethodPost, "/v1/security-groups/P-sg/attachments?dry_run=true", `{"target": {"instance_id": "`+mark+`vm"}}`)
			}
		}
	}
	require.Len(t, tried, len(policy.Kinds()), "every kind is in the table")
	require.Len(t, cells, len(tried))
}

func template(path string) string {
	parts := strings.Split(path, "/")
	for i := 3; i < len(parts); i += 2 {
		parts[i] = "{id}"
	}
	return strings.Join(parts, "/")
}

// judge holds an answer against the cell. Deletions that the role may make can still be in conflict with the state.
func (w *world) judge(row policy.AccessRow, role policy.Role, verb policy.Rights, a answer) {
	w.Helper()
	rights := row.Of(role)
	if row.Scope == policy.ScopeOwn && role != policy.RoleUser {
		return // The others have no project; the row of others' is theirs.
	}
	what := fmt.Sprintf("%s %s %s as %s: %d %s", verb, row.Scope, row.Kind, role, a.status, a.body)
	switch {
	case verb == policy.MayCreate && a.status == http.StatusCreated && !rights.Has(verb):
		require.Contains(w, a.body, `"project_id":"prj"`, "%s: A-087 without a project, it is the user's own", what)
	case rights.Has(verb):
		if verb == policy.MayDelete {
			require.Contains(w, []int{http.StatusOK, http.StatusNoContent, http.StatusConflict}, a.status, what)
			return
		}
		require.Less(w, a.status, 300, what)
	case rights.Has(policy.MaySee) || verb == policy.MayCreate && a.status == http.StatusForbidden:
		require.Equal(w, http.StatusForbidden, a.status, what)
	default:
		require.Equal(w, http.StatusNotFound, a.status, what)
	}
}

// Every question of the table is asked as every role.
func TestEveryQuestionOfTheTable(t *testing.T) {
	w := newWorld(t)
	w.tenants()
	secrets := w.ofRoles()
	for route, access := range w.server.Access() {
		if access.Question == "" {
			continue
		}
		method, path, _ := strings.Cut(route, " ")
		body := map[string]string{"/v1/explain": `{}`, "/v1/apply": `{"documents": []}`, "/v1/delete": `{"documents": []}`}[path]
		if path == "/v1/watch" {
			path += "?since=x"
		}
		for role, secret := range secrets {
			a := w.do(method, path, body, "Authorization", bearer(secret))
			require.Equal(t, !role.MayAsk(access.Question), a.status == http.StatusForbidden, "%s as %s: %d", route, role, a.status)
		}
	}
}
