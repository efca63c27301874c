package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
)

func TestListsArePaged(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 7 {
		id := fmt.Sprintf("p%d", i)
		w.put("/v1/projects/"+id, fmt.Sprintf(`{"name": %q}`, id))
		want = append(want, id)
	}
	var got []string
	token, pages := "", 0
	for {
		var page api.Page[api.Project]
		w.do(http.MethodGet, "/v1/projects?page_size=3&page_token="+token, "").into(&page)
		pages++
		for _, p := range page.Items {
			got = append(got, p.ID)
		}
		if token = page.NextPageToken; token == "" {
			break
		}
		if pages == 1 { // What comes and goes in between moves nothing.
			require.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, "/v1/projects/p1", "").status)
		}
	}
	require.Equal(t, 3, pages)
	require.Equal(t, want, got)

	all, err := w.Projects().List(t.Context(), api.Query("page_size", "2"))
	require.NoError(t, err)
	require.Len(t, all, 6)
	require.Equal(t, `{"items":[]}`+"\n", w.do(http.MethodGet, "/v1/vpcs", "").body)
}

func TestListsRefuseParametersThatTheyDoNotHave(t *testing.T) {
	w := newWorld(t)
	for query, code := range map[string]string{
		"page_size=0": "parameter-invalid", "page_size=1001": "parameter-invalid", "page_size=x": "parameter-invalid",
		"page_token=%21": "parameter-invalid", "naem=x": "unknown-parameter", "name=a&name=b": "repeated-parameter",
		"%zz": "malformed",
	} {
		p := w.do(http.MethodGet, "/v1/projects?"+query, "").problem(http.StatusBadRequest)
		require.Equal(t, code, p.Code, query)
	}
}

func TestListsAreFilteredByField(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.put("/v1/security-groups/global", `{"name": "global"}`)
	w.put("/v1/security-groups/own", `{"name": "own", "project_id": "prj", "rules": [
		{"name": "a", "direction": "ingress", "protocol": "tcp", "port_min": 80, "remote": {"security_group_id": "global"}},
		{"name": "b", "direction": "egress", "protocol": "all"}]}`)
	w.put("/v1/instances/db", `{"name": "db", "project_id": "prj", "security_group_ids": ["own"]}`)
	for query, want := range map[string]int{
		"/v1/security-groups?project_id=":               1,
		"/v1/security-groups?project_id=prj&name=own":   1,
		"/v1/security-groups?name=nobody":               0,
		"/v1/rules?security_group_id=own":               2,
		"/v1/rules?direction=ingress":                   4, // with those of the starter groups
		"/v1/rules?remote_security_group_id=global":     1,
		"/v1/rules?protocol=tcp&direction=egress":       0,
		"/v1/instances?security_group_id=own":           1,
		"/v1/ports?instance_id=web":                     1,
		"/v1/ports?address=2001:db8::10":                1,
		"/v1/ports?mac=fa:16:3e:00:00:01&state=unbound": 1,
		"/v1/ports?state=active":                        0,
		"/v1/subnets?vpc_id=vpc":                        1,
		"/v1/profiles?name=isolated":                    1,
		"/v1/tokens?role=admin":                         1,
		"/v1/vpcs?project_id=prj":                       1,
		"/v1/ports?hypervisor_id=":                      1,
		"/v1/ports?subnet_id=sub&iface_id=web-0":        1,
		"/v1/ip-sets?name=x":                            0,
		"/v1/hypervisors?state=ready":                   0,
		"/v1/security-groups/own/rules":                 2,
		"/v1/security-groups/own/attachments":           1,
		"/v1/security-groups/own/members":               0,
	} {
		var page struct{ Items []any }
		w.do(http.MethodGet, query, "").into(&page)
		require.Len(t, page.Items, want, query)
	}
}
