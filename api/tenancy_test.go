package api_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

// tenant is a world with two projects, seen by a user of prj.
type tenant struct {
	*world
	secret string
}

func newTenant(t *testing.T) *tenant {
	w := newWorld(t)
	w.tenants()
	u := &tenant{w, w.ofRoles()[policy.RoleUser]}
	w.put("/v1/instances/t-here", `{"name": "t-here", "project_id": "rival", "security_group_ids": ["g-sg", "t-sg"]}`)
	w.put("/v1/ports/t-here", `{"instance_id": "t-here", "subnet_id": "g-sub", "mac": "fa:16:3e:00:01:01", "addresses": ["10.2.0.66"]}`)
	w.put("/v1/ports/o-here", `{"instance_id": "o-vm", "subnet_id": "g-sub", "mac": "fa:16:3e:00:01:02", "addresses": ["10.2.0.67"]}`)
	return u
}

func (u *tenant) ask(method, path, body string, headers ...string) answer {
	u.Helper()
	return u.do(method, path, body, append([]string{"Authorization", bearer(u.secret)}, headers...)...)
}

// What is another project's is answered just as what does not exist: the same status, headers and words, but for the id.
func TestA085_WhatIsHiddenCannotBeToldFromWhatDoesNotExist(t *testing.T) {
	u := newTenant(t)
	changing := regexp.MustCompile(`"request_id":"[^"]*"|sg[r]?-[0-9a-z]{16}|"(created|updated)_at":"[^"]*"`)
	same := func(method, path, body string, headers ...string) {
		t.Helper()
		var got [2]answer
		for i, mark := range []string{"t-", "n-"} { // n- is nowhere.
			fill := func(s string) string { return strings.ReplaceAll(s, "X-", mark) }
			got[i] = u.ask(method, fill(path), fill(body), headers...)
			got[i].body = changing.ReplaceAllString(regexp.MustCompile(`\b`+mark).ReplaceAllString(got[i].body, "X-"), "…")
			got[i].header.Del("X-Request-Id")
			got[i].header.Del("Date")
			got[i].header.Del("Content-Length")
			got[i].header.Del("Location")
		}
		require.Equal(t, got[1].status, got[0].status, "%s %s %s: %s", method, path, body, got[0].body)
		require.Equal(t, got[1].body, got[0].body, "%s %s %s", method, path, body)
		require.Equal(t, got[1].header, got[0].header, "%s %s %s", method, path, body)
		require.NotContains(t, got[0].body, "rival")
	}
	for _, item := range []string{"/vpcs/X-vpc", "/subnets/X-sub", "/instances/X-vm", "/ports/X-port", "/security-groups/X-sg", "/rules/X-rule", "/ip-sets/X-set"} {
		path := "/v1" + item
		same(http.MethodGet, path, "")
		same(http.MethodGet, path, "", "If-None-Match", "*")
		same(http.MethodPatch, path, `{"name": "x"}`)
		same(http.MethodPatch, path, `{"nonsense": 1}`)
		same(http.MethodPatch, path+"?dry_run=true", `{"name": "x"}`, "If-Match", "*")
		same(http.MethodDelete, path, "")
		same(http.MethodDelete, path+"?dry_run=true", "", "If-Match", `"1"`)
	}
	for _, path := range []string{
		"/security-groups/X-sg/rules", "/security-groups/X-sg/members", "/security-groups/X-sg/attachments", "/ip-sets/X-set/entries",
		"/security-groups/X-sg/attachments/att-ins-X-vm", "/security-groups/g-sg/attachments/att-ins-X-here", "/ports/X-port/effective-rules",
		"/ports/X-port?wait=active&timeout=0s", "/limits?project_id=X-x", "/hypervisors/X-hv/flows",
		"/instances?security_group_id=X-sg", "/ports?instance_id=X-vm", "/ports?subnet_id=X-sub", "/ports?address=10.2.0.66", "/rules?security_group_id=X-sg",
		"/security-groups?project_id=X-x", "/rules?remote_security_group_id=X-sg", "/subnets?vpc_id=X-vpc",
	} {
		same(http.MethodGet, "/v1"+path, "")
	}
	same(http.MethodDelete, "/v1/security-groups/X-sg?references=remove&detach=true", "")
	same(http.MethodDelete, "/v1/security-groups/g-sg/attachments/att-ins-X-here", "")
	same(http.MethodPost, "/v1/security-groups/X-sg/rules", `{"direction": "in", "protocol": "tcp"}`)
	same(http.MethodPut, "/v1/security-groups/X-sg/rules", `{"items": []}`)
	same(http.MethodPost, "/v1/ip-sets/X-set/entries", `{"cidr": "192.0.2.1"}`)
	same(http.MethodPost, "/v1/ip-sets/X-set/entries:bulk", `{"entries": [{"cidr": "192.0.2.1"}]}`)
	for _, remote := range []string{`{"security_group_id": "X-sg"}`, `{"ip_set_id": "X-set"}`, `{"subnet_id": "X-sub"}`} {
		rule := `{"direction": "in", "protocol": "tcp", "ip_version": 6, "port_min": 0, "remote": ` + remote + `}`
		same(http.MethodPost, "/v1/security-groups/o-sg/rules", rule)
		same(http.MethodPost, "/v1/security-groups/o-sg/rules?dry_run=true", rule)
		same(http.MethodPost, "/v1/security-groups", `{"name": "x", "rules": [`+rule+`]}`)
		same(http.MethodPatch, "/v1/rules/o-rule", `{"remote": `+remote+`}`)
	}
	same(http.MethodPatch, "/v1/rules/o-rule", `{"security_group_id": "X-sg"}`)
	same(http.MethodPut, "/v1/security-groups/o-sg/rules?dry_run=true", `{"items": [{"id": "X-rule", "direction": "in", "protocol": "udp"}]}`)
	for _, target := range []string{`{"instance_id": "X-vm"}`, `{"port_id": "X-port"}`, `{"subnet_id": "X-sub"}`, `{"cidr": "10.3.0.0/24", "vpc_id": "X-vpc"}`} {
		same(http.MethodPost, "/v1/security-groups/o-sg/attachments", `{"target": `+target+`}`)
		same(http.MethodPost, "/v1/security-groups/g-sg/attachments", `{"target": `+target+`}`)
		same(http.MethodPost, "/v1/security-groups/X-sg/attachments", `{"target": `+target+`}`)
	}
	same(http.MethodPatch, "/v1/instances/o-vm", `{"security_group_ids": ["X-sg"]}`)
	same(http.MethodPatch, "/v1/ports/o-port?dry_run=true", `{"security_group_ids": ["o-sg", "X-sg"]}`)
	for _, body := range []string{
		`{"from": {"port_id": "X-here"}, "to": {"port_id": "o-here"}, "protocol": "tcp", "port": 80}`,
		`{"from": {"port_id": "o-here"}, "to": {"port_id": "X-port"}, "protocol": "tcp", "port": 80}`,
	} {
		same(http.MethodPost, "/v1/explain", body)
	}
	for _, body := range []string{
		`{"name": "x", "project_id": "X-x"}`, `{"name": "x", "project_id": "X-x", "nonsense": 1}`,
	} {
		same(http.MethodPost, "/v1/security-groups", body)
	}
	for _, doc := range []string{
		`{"apiVersion": "conjunct/v1", "kind": "SecurityGroup", "metadata": {"name": "x", "project": "X-x"}}`,
		`{"apiVersion": "conjunct/v1", "kind": "SecurityGroup", "metadata": {"name": "x"}, "spec": {"rules": [{"direction": "in", "protocol": "tcp", "remote": {"security_group_id": "X-sg"}}]}}`,
		`{"apiVersion": "conjunct/v1", "kind": "SecurityGroup", "metadata": {"name": "x"}, "spec": {"rules": [{"direction": "in", "protocol": "tcp", "remote": {"subnet_id": "X-vpc/X-sub"}}]}}`,
		`{"apiVersion": "conjunct/v1", "kind": "Attachment", "metadata": {"name": "x"}, "spec": {"security_group_id": "o-sg", "target": {"instance_id": "X-vm"}}}`,
		`{"apiVersion": "compute.evroclabs.net/v1alpha1", "kind": "VirtualMachine", "metadata": {"name": "X-vm"}}`,
		`{"apiVersion": "conjunct/v1", "kind": "VPC", "metadata": {"name": "X-vpc"}}`,
	} {
		same(http.MethodPost, "/v1/apply", `{"documents": [`+doc+`]}`)
		same(http.MethodPost, "/v1/apply?dry_run=true", `{"documents": [`+doc+`]}`)
		same(http.MethodPost, "/v1/delete", `{"documents": [`+doc+`]}`)
	}
}

// Nothing that a user can read names the other project or anything of it.
func TestA085_NothingThatAUserReadsNamesAnotherProject(t *testing.T) {
	u := newTenant(t)
	u.do(http.MethodPost, "/v1/security-groups/g-sg/attachments", `{"target": {"subnet_id": "t-sub"}}`)
	u.do(http.MethodPost, "/v1/security-groups/g-sg/attachments", `{"target": {"tag": {"customer": "rival"}}}`)
	u.put("/v1/instances/o-vm", `{"name": "o-vm", "project_id": "prj", "security_group_ids": ["g-sg", "o-sg"]}`)
	paths := []string{"/v1/status", "/v1/limits", "/v1/ports/o-here/effective-rules", "/v1/security-groups/g-sg/members", "/v1/security-groups/g-sg/attachments", "/v1/security-groups/g-sg/rules"}
	for _, kind := range []string{"projects", "vpcs", "subnets", "instances", "ports", "security-groups", "rules", "ip-sets", "profiles"} {
		paths = append(paths, "/v1/"+kind, "/v1/"+kind+"?page_size=1", "/v1/"+kind+"?page_token="+base64.RawURLEncoding.EncodeToString([]byte("p")))
	}
	for _, path := range paths {
		a := u.ask(http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, a.status, "%s: %s", path, a.body)
		require.NotContains(t, a.body, "rival", path)
		require.NotContains(t, a.body, `"t-`, path)
		require.NotContains(t, a.body, `g-hv`, path)
		var page struct {
			Next string `json:"next_page_token"`
		}
		a.into(&page)
		key, err := base64.RawURLEncoding.DecodeString(page.Next)
		require.NoError(t, err)
		require.NotContains(t, string(key), "t-", path)
	}
	for _, path := range []string{"/v1/hypervisors", "/v1/tokens"} {
		u.ask(http.MethodGet, path, "").problem(http.StatusForbidden)
	}
	members, err := u.as(u.secret).MembersOf("g-sg").List(t.Context())
	require.NoError(t, err)
	require.Len(t, members, 2, "own ports alone")

	a := u.ask(http.MethodPost, "/v1/explain", `{"from": {"address": "10.2.0.66"}, "to": {"port_id": "o-here"}, "protocol": "tcp", "port": 80}`)
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.NotContains(t, a.body, "t-")
	require.Len(t, u.steps(a), 1, "the other end is an address")
}

func (u *tenant) steps(a answer) []api.AnswerStep {
	var out api.Answer
	a.into(&out)
	return out.Steps
}

func TestA085_AUserWatchesOwnObjectsAlone(t *testing.T) {
	u := newTenant(t)
	since := u.store.Revision()
	u.put("/v1/security-groups/t-two", `{"name": "t-two", "project_id": "rival", "rules": [{"direction": "in", "protocol": "tcp"}]}`)
	u.put("/v1/security-groups/o-two", `{"name": "o-two", "project_id": "prj", "rules": [{"id": "o-two-rule", "direction": "in", "protocol": "tcp"}]}`)
	require.NoError(t, u.Groups().Delete(t.Context(), "t-two"))
	require.NoError(t, u.Groups().Delete(t.Context(), "o-two"))
	u.put("/v1/hypervisors/hv9", `{"name": "hv9"}`)
	u.put("/v1/ports/t-here", `{"instance_id": "t-here", "subnet_id": "g-sub", "mac": "fa:16:3e:00:01:01", "addresses": ["10.2.0.68"]}`)
	u.put("/v1/security-groups/g-two", `{"name": "g-two"}`)
	var text strings.Builder
	for e, err := range u.as(u.secret).Watch(t.Context(), since) {
		require.NoError(t, err)
		b, err := json.Marshal(e)
		require.NoError(t, err)
		text.Write(b)
		if e.Changes[0].ID == "g-two" {
			break
		}
	}
	require.NotContains(t, text.String(), "rival")
	require.NotContains(t, text.String(), `"t-`)
	require.NotContains(t, text.String(), "hv9")
	require.Equal(t, 2, strings.Count(text.String(), `"id":"o-two","object":`), "created and deleted")
}

func TestA090_ATokenThatEndsEndsItsWatchesAndWaits(t *testing.T) {
	u := newTenant(t)
	stream := make(chan error, 1)
	client := u.as(u.secret)
	since := u.store.Revision()
	go func() {
		var last error
		for _, err := range client.Watch(t.Context(), since) {
			last = err
		}
		stream <- last
	}()
	wait := make(chan answer, 1)
	go func() { wait <- u.ask(http.MethodGet, "/v1/ports/o-port?wait=active&timeout=10m", "") }()
	require.Eventually(t, func() bool {
		return strings.Contains(u.do(http.MethodGet, "/metrics", "").body, "conjunct_http_watchers 1")
	}, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, u.Tokens().Delete(t.Context(), idOfSecret(u.secret)))
	require.NoError(t, <-stream, "the stream just ends")
	a := <-wait
	require.Equal(t, http.StatusUnauthorized, a.status, a.body)
	u.ask(http.MethodGet, "/v1/ports/o-port", "").problem(http.StatusUnauthorized)
}

func TestA090_ATokenThatExpiresEndsItsWatches(t *testing.T) {
	u := newTenant(t)
	end := time.Now().Add(2 * time.Second)
	token, err := u.Tokens().Create(t.Context(), &api.Token{Name: "short", Role: policy.RoleUser, ProjectID: "prj", ExpiresAt: &end})
	require.NoError(t, err)
	for _, err := range u.as(token.Secret).Watch(t.Context(), u.store.Revision()) {
		require.NoError(t, err)
	}
	var p *api.Problem
	_, err = u.as(token.Secret).Groups().List(t.Context())
	require.ErrorAs(t, err, &p)
	require.Equal(t, "token-expired", p.Code)
}
