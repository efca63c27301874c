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

// machines makes instances vm1, vm2, … of the project, each with a port of the same id.
func (w *world) machines(n int) {
	w.Helper()
	for i := 1; i <= n; i++ {
		id := fmt.Sprintf("vm%d", i)
		w.put("/v1/instances/"+id, `{"name": "`+id+`", "project_id": "prj"}`)
		w.put("/v1/ports/"+id, fmt.Sprintf(`{"instance_id": "%s", "subnet_id": "sub", "mac": "fa:16:3e:00:01:%02x", "addresses": ["10.0.0.%d"]}`, id, i, 100+i))
	}
}

// holders are the ports that have the group.
func (w *world) holders(group policy.GroupID) string {
	w.Helper()
	members, err := w.MembersOf(group).List(w.Context())
	require.NoError(w, err)
	var out []string
	for _, m := range members {
		if id := string(m.PortID); len(out) == 0 || out[len(out)-1] != id {
			out = append(out, id)
		}
	}
	return strings.Join(out, " ")
}

// groups are the port's groups in attachment order, as effective-rules shows them; each has to have a rule.
func (w *world) groups(port string) string {
	w.Helper()
	e, err := w.EffectiveRules(w.Context(), policy.PortID(port))
	require.NoError(w, err)
	var out []string
	for _, r := range e.Items {
		if r.Source.Kind == string(policy.KindGroup) && (len(out) == 0 || out[len(out)-1] != r.Source.Name) {
			out = append(out, r.Source.Name)
		}
	}
	return strings.Join(out, " ")
}

func TestA060_SeveralTargetsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.machines(4)
	w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj"}`)
	made, err := w.Attach(t.Context(), "g", []policy.Target{{InstanceID: "vm1"}, {PortID: "vm2"}, {Tag: map[string]string{"tier": "db"}}})
	require.NoError(t, err)
	require.Len(t, made, 3)
	require.Equal(t, []string{"att-ins-vm1", "att-prt-vm2"}, []string{made[0].ID, made[1].ID})
	require.Equal(t, "vm1 vm2", w.holders("g"))

	t.Run("all findings at once, and nothing done", func(t *testing.T) {
		revision := w.store.Revision()
		p := w.do(http.MethodPost, "/v1/security-groups/g/attachments", `{"items": [{"target": {"instance_id": "vm3"}}, {"target": {"instance_id": "none"}}, {"target": {"port_id": "vm3", "subnet_id": "sub"}},
			{"target": {"cidr": "10.0.0.7/24", "vpc_id": "vpc"}}]}`).problem(http.StatusUnprocessableEntity)
		require.Equal(t, []string{"/items/1/target/instance_id reference-missing", "/items/2/target target-not-exclusive", "/items/3/target/cidr cidr-host-bits"}, found(p))
		p = w.do(http.MethodPost, "/v1/security-groups/g/attachments", `{"items": [{"target": {"instance_id": "vm1"}}, {"target": {"instance_id": "vm3"}}, {"target": {"port_id": "vm2"}}, {"target": {"instance_id": "vm3"}}]}`).problem(http.StatusConflict)
		require.Equal(t, []string{"/items/0 attachment-exists", "/items/2 attachment-exists", "/items/3 attachment-exists"}, found(p))
		p = w.do(http.MethodPost, "/v1/security-groups/g/attachments", `{"items": [{"target": {"tag": {"tier": "db"}}}]}`).problem(http.StatusConflict)
		require.Equal(t, []string{"/items/0/target attachment-exists"}, found(p))
		w.do(http.MethodPost, "/v1/security-groups/g/attachments", `{"target": {"instance_id": "vm3"}, "items": []}`).problem(http.StatusUnprocessableEntity)
		w.do(http.MethodPost, "/v1/security-groups/none/attachments", `{"items": []}`).problem(http.StatusNotFound)
		require.Equal(t, revision, w.store.Revision())
	})
	t.Run("detach several, or none", func(t *testing.T) {
		p := w.do(http.MethodPost, "/v1/security-groups/g/attachments:remove", `{"items": [{"target": {"instance_id": "vm1"}}, {"target": {"instance_id": "vm4"}}, {"target": {"port_id": "vm2"}}]}`).problem(http.StatusUnprocessableEntity)
		require.Equal(t, []string{"/items/1/target not-attached"}, found(p))
		require.Equal(t, "vm1 vm2", w.holders("g"))
		require.NoError(t, w.DetachFrom(t.Context(), "g", []policy.Target{{InstanceID: "vm1"}, {Tag: map[string]string{"tier": "db"}}}))
		require.Equal(t, "vm2", w.holders("g"))
		w.do(http.MethodPost, "/v1/security-groups/g/attachments:remove", `{}`).problem(http.StatusUnprocessableEntity)
	})
	t.Run("A-062 one apply action adds and takes off", func(t *testing.T) {
		list, err := w.AttachOnly(t.Context(), "g", []policy.Target{{InstanceID: "vm1"}, {InstanceID: "vm3"}})
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.Equal(t, "vm1 vm3", w.holders("g"))
		before, err := w.Instances().Get(t.Context(), "vm1")
		require.NoError(t, err)
		_, err = w.AttachOnly(t.Context(), "g", []policy.Target{{InstanceID: "vm1"}})
		require.NoError(t, err)
		require.Equal(t, "vm1", w.holders("g"))
		after, err := w.Instances().Get(t.Context(), "vm1")
		require.NoError(t, err)
		require.Equal(t, before, after, "what stays is not written")
		p := w.do(http.MethodPut, "/v1/security-groups/g/attachments", `{"items": [{"target": {"instance_id": "vm1"}}, {"target": {"instance_id": "vm1"}}]}`).problem(http.StatusConflict)
		require.Equal(t, []string{"/items/1 attachment-exists"}, found(p))
		p = w.do(http.MethodPut, "/v1/security-groups/g/attachments", `{"items": [], "next_page_token": "x"}`).problem(http.StatusUnprocessableEntity)
		require.Equal(t, "partial-list", p.Code)
		_, err = w.AttachOnly(t.Context(), "g", nil)
		require.NoError(t, err)
		require.Empty(t, w.holders("g"))
	})
}

func TestA063_InstancesAreNamedWhileTheGroupIsCreated(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.machines(3)
	a := w.do(http.MethodPost, "/v1/security-groups", `{"name": "made", "project_id": "prj", "rules": [{"direction": "in", "protocol": "tcp"}],
		"attachments": [{"target": {"instance_id": "vm1"}}, {"target": {"subnet_id": "sub"}}]}`)
	require.Equal(t, http.StatusCreated, a.status, a.body)
	var g api.Group
	a.into(&g)
	require.Equal(t, "vm1 vm2 vm3 web-0", w.holders(policy.GroupID(g.ID)))
	require.NotContains(t, a.body, "attachments")

	body := `{"name": "own", "project_id": "prj", "attachments": [{"target": {"instance_id": "vm2"}}]}`
	w.put("/v1/security-groups/own", body)
	revision := w.store.Revision()
	w.put("/v1/security-groups/own", body)
	require.Equal(t, revision, w.store.Revision(), "the same again changes nothing")
	w.put("/v1/security-groups/own", `{"name": "own", "project_id": "prj"}`)
	require.Equal(t, "vm2", w.holders("own"))
	w.put("/v1/security-groups/own", `{"name": "own", "project_id": "prj", "attachments": []}`)
	require.Empty(t, w.holders("own"))

	p := w.do(http.MethodPut, "/v1/security-groups/bad", `{"name": "bad", "project_id": "prj", "attachments": [{"target": {"instance_id": "vm1"}}, {"target": {"instance_id": "none"}}]}`).problem(http.StatusUnprocessableEntity)
	require.Equal(t, []string{"/attachments/1/target/instance_id reference-missing"}, found(p))
	w.do(http.MethodGet, "/v1/security-groups/bad", "").problem(http.StatusNotFound)
	w.do(http.MethodPut, "/v1/security-groups/bad", `{"name": "bad", "attachments": null}`).problem(http.StatusUnprocessableEntity)
}

func TestA055_GroupsAreChosenWhenAVMIsCreated(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	for _, g := range []string{"a", "b", "c"} {
		w.put("/v1/security-groups/"+g, `{"name": "`+g+`", "project_id": "prj", "rules": [{"direction": "in", "protocol": "tcp"}]}`)
	}
	w.put("/v1/instances/vm", `{"name": "vm", "project_id": "prj", "security_group_ids": ["b", "a"]}`)
	w.put("/v1/ports/vm", `{"instance_id": "vm", "subnet_id": "sub", "mac": "fa:16:3e:00:01:01", "addresses": ["10.0.0.101"], "security_group_ids": ["c", "a"]}`)
	require.Equal(t, "b a c", w.groups("vm"), "the instance's as listed, then the port's, each once")
	p := w.do(http.MethodPost, "/v1/instances", `{"name": "bad", "project_id": "prj", "security_group_ids": ["a", "none", "a"]}`).problem(http.StatusUnprocessableEntity)
	require.ElementsMatch(t, []string{"/security_group_ids/1 reference-missing", "/security_group_ids/2 duplicate"}, found(p))
}

// The order of a port's groups is that of the lists, then that in which the attachments were made, and stays so.
func TestA056_AttachmentOrderIsKept(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	for _, g := range []string{"a", "b", "c", "d", "e"} {
		w.put("/v1/security-groups/"+g, `{"name": "`+g+`", "project_id": "prj", "rules": [{"direction": "in", "protocol": "tcp"}]}`)
	}
	w.put("/v1/instances/web", `{"name": "web", "project_id": "prj", "tags": {"tier": "web"}}`)
	w.put("/v1/security-groups/d/attachments", `{"items": [{"target": {"tag": {"tier": "web"}}}]}`)
	w.put("/v1/security-groups/c/attachments", `{"items": [{"target": {"cidr": "10.0.0.0/28", "vpc_id": "vpc"}}, {"target": {"subnet_id": "sub"}}]}`)
	w.put("/v1/security-groups/b/attachments", `{"items": [{"target": {"port_id": "web-0"}}]}`)
	w.put("/v1/security-groups/a/attachments", `{"items": [{"target": {"instance_id": "web"}}]}`)
	w.put("/v1/security-groups/e/attachments", `{"items": [{"target": {"instance_id": "web"}}]}`)
	require.Equal(t, "a e b d c", w.groups("web-0"))
	a := w.do(http.MethodPatch, "/v1/instances/web", `{"security_group_ids": ["e", "a"]}`)
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Equal(t, "e a b d c", w.groups("web-0"))

	t.Run("a group from two sides stays when one goes", func(t *testing.T) {
		w.put("/v1/security-groups/d/attachments", `{"items": [{"target": {"tag": {"tier": "web"}}}, {"target": {"port_id": "web-0"}}]}`)
		require.Equal(t, "e a b d c", w.groups("web-0"))
		require.NoError(t, w.AttachmentsOf("d").Delete(t.Context(), "att-prt-web-0"))
		require.Equal(t, "e a b d c", w.groups("web-0"))
		require.NoError(t, w.DetachFrom(t.Context(), "d", []policy.Target{{Tag: map[string]string{"tier": "web"}}}))
		require.Equal(t, "e a b c", w.groups("web-0"))
	})
	t.Run("what a target was goes with it, or stands in the way", func(t *testing.T) {
		p := w.do(http.MethodDelete, "/v1/subnets/sub", "").problem(http.StatusConflict)
		require.Contains(t, p.Detail, "attachment")
		require.NoError(t, w.Ports().Delete(t.Context(), "web-0"))
		require.NoError(t, w.Instances().Delete(t.Context(), "web"))
		for _, g := range []policy.GroupID{"a", "b", "e"} {
			list, err := w.AttachmentsOf(g).List(t.Context())
			require.NoError(t, err)
			require.Empty(t, list, "those of the instance and the port went with them")
		}
	})
}

// Ten groups count over all that gives a port groups, whoever would add the eleventh.
func TestA057_TheLimitCountsEveryAttachment(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.put("/v1/projects/prj", `{"name": "acme", "limits": {"groups_per_instance": 3}}`)
	w.machines(2)
	for _, g := range []string{"a", "b", "c", "d"} {
		w.put("/v1/security-groups/"+g, `{"name": "`+g+`", "project_id": "prj"}`)
	}
	w.put("/v1/instances/vm1", `{"name": "vm1", "project_id": "prj", "security_group_ids": ["a", "b"]}`)
	w.put("/v1/instances/vm2", `{"name": "vm2", "project_id": "prj", "security_group_ids": ["a", "b"], "tags": {"tier": "db"}}`)
	_, err := w.Attach(t.Context(), "c", []policy.Target{{SubnetID: "sub"}})
	require.NoError(t, err)
	_, err = w.Attach(t.Context(), "c", []policy.Target{{CIDR: new(cidr(t, "10.0.0.0/24")), VPCID: "vpc"}})
	require.NoError(t, err, "a group that comes up twice counts once")

	over := func(method, path, body, pointer string, ports ...string) {
		t.Helper()
		p := w.do(method, path, body).problem(http.StatusConflict)
		var named []string
		for _, c := range p.Conflicts {
			named = append(named, c.ID)
		}
		require.Equal(t, ports, named, p.Detail)
		for i := range ports {
			require.Equal(t, pointer, p.Errors[i].Pointer)
			require.Equal(t, "limit-groups-per-port", p.Errors[i].Code)
			require.Contains(t, p.Errors[i].Message, "would have 4 groups, the limit is 3")
		}
	}
	for _, target := range []string{`{"subnet_id": "sub"}`, `{"cidr": "10.0.0.96/27", "vpc_id": "vpc"}`} {
		over(http.MethodPost, "/v1/security-groups/d/attachments", `{"target": `+target+`}`, "", "vm1", "vm2")
		over(http.MethodPost, "/v1/security-groups/d/attachments", `{"items": [{"target": `+target+`}]}`, "/items/0", "vm1", "vm2")
	}
	over(http.MethodPost, "/v1/security-groups/d/attachments", `{"target": {"tag": {"tier": "db"}}}`, "", "vm2")
	over(http.MethodPatch, "/v1/ports/vm1", `{"security_group_ids": ["d"]}`, "", "vm1")
	over(http.MethodPatch, "/v1/instances/vm1", `{"security_group_ids": ["a", "b", "d"]}`, "", "vm1")
	over(http.MethodPost, "/v1/security-groups", `{"name": "new", "project_id": "prj", "attachments": [{"target": {"instance_id": "web"}}, {"target": {"instance_id": "vm1"}}]}`, "/attachments/1", "vm1")

	t.Run("a port that comes later is refused", func(t *testing.T) {
		over(http.MethodPut, "/v1/ports/late", `{"instance_id": "vm1", "subnet_id": "sub", "mac": "fa:16:3e:00:01:99", "addresses": ["10.0.0.199"], "security_group_ids": ["d"]}`, "", "late")
	})
	t.Run("what has too many may change otherwise", func(t *testing.T) {
		w.put("/v1/projects/prj", `{"name": "acme", "limits": {"groups_per_instance": 1}}`)
		for _, body := range []string{`{"hypervisor_id": null}`, `{"allowed_address_pairs": [{"cidr": "10.0.0.77/32"}]}`} {
			a := w.do(http.MethodPatch, "/v1/ports/vm1", body)
			require.Equal(t, http.StatusOK, a.status, a.body)
		}
		a := w.do(http.MethodPatch, "/v1/instances/vm1", `{"security_group_ids": ["b"]}`)
		require.Equal(t, http.StatusOK, a.status, a.body)
	})
}
