package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
)

// found is a finding without its words.
func found(p *api.Problem) (out []string) {
	for _, f := range p.Errors {
		out = append(out, f.Pointer+" "+f.Code)
	}
	return out
}

func TestBodiesAreReadStrictly(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	for _, c := range []struct {
		name, path, body string
		want             []string
	}{
		{"a typo must not open a firewall", "/v1/security-groups", `{"name": "g", "rules": [{"direction": "ingress", "protokol": "tcp"}]}`, []string{"/rules/0/protokol unknown-field"}},
		{"another case is another name", "/v1/projects", `{"Name": "p"}`, []string{"/Name unknown-field"}},
		{"the last of two does not win", "/v1/security-groups", `{"name": "g", "rules": [{"direction": "ingress", "protocol": "tcp", "protocol": "all"}]}`, []string{"/rules/0/protocol repeated-field"}},
		{"all at once", "/v1/subnets", `{"name": 7, "vpc_id": true, "cidrs": "10.0.0.0/8", "vlan": "x", "extra/field": 1}`,
			[]string{"/name wrong-type", "/vpc_id wrong-type", "/cidrs wrong-type", "/vlan wrong-type", "/extra~1field unknown-field"}},
		{"numbers are whole", "/v1/subnets", `{"vlan": 1.5}`, []string{"/vlan wrong-type"}},
		{"an object is required", "/v1/projects", `[]`, []string{" wrong-type"}},
		{"values that can't be read", "/v1/ports", `{"mac": "no", "addresses": ["10.0.0.300", 7], "allowed_address_pairs": [{"cidr": "x", "mca": 1}]}`,
			[]string{"/mac value-invalid", "/addresses/0 value-invalid", "/addresses/1 wrong-type", "/allowed_address_pairs/0/cidr value-invalid", "/allowed_address_pairs/0/mca unknown-field"}},
		{"IPv4 as IPv6", "/v1/subnets", `{"cidrs": ["::ffff:10.0.0.0/104"]}`, []string{"/cidrs/0 value-invalid"}},
		{"null is no list of rules", "/v1/security-groups", `{"name": "g", "rules": null}`, []string{"/rules null-not-allowed"}},
		{"null is no list of entries", "/v1/ip-sets", `{"name": "s", "entries": null}`, []string{"/entries null-not-allowed"}},
		{"null is no item", "/v1/security-groups", `{"name": "g", "rules": [null]}`, []string{"/rules/0 null-not-allowed"}},
		{"an empty remote variable does not mean anywhere", "/v1/security-groups",
			`{"name": "g", "rules": [{"direction": "in", "protocol": "tcp", "remote": {"security_group_id": ""}}, {"direction": "in", "protocol": "udp", "remote": {"ip_set_id": null}},
			  {"direction": "in", "protocol": "icmp", "remote": {"any": false}}, {"direction": "in", "protocol": "sctp", "remote": null}]}`,
			[]string{"/rules/0/remote/security_group_id value-required", "/rules/1/remote/ip_set_id value-required", "/rules/2/remote/any value-required", "/rules/3/remote null-not-allowed"}},
		{"tags are text", "/v1/instances", `{"name": "i", "tags": {"a": 1}}`, []string{"/tags/a wrong-type"}},
		{"reported where it is not reported", "/v1/projects", `{"name": "p", "hits": {}}`, []string{"/hits unknown-field"}},
		{"times", "/v1/tokens", `{"name": "t", "role": "viewer", "expires_at": "tomorrow"}`, []string{"/expires_at value-invalid"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := w.do(http.MethodPost, c.path, c.body).problem(http.StatusUnprocessableEntity)
			require.Equal(t, c.want, found(p), p.Errors)
		})
	}
}

func TestUnknownFieldsComeWithASuggestion(t *testing.T) {
	w := newWorld(t)
	for field, want := range map[string]string{"Name": "name", "smtp-allowed": "smtp_allowed", "profil": "profile", "naem": "name"} {
		p := w.do(http.MethodPost, "/v1/projects", `{"`+field+`": "x"}`).problem(http.StatusUnprocessableEntity)
		require.Contains(t, p.Errors[0].Message, `did you mean "`+want+`"?`)
	}
	p := w.do(http.MethodPost, "/v1/projects", `{"colour": "x"}`).problem(http.StatusUnprocessableEntity)
	require.NotContains(t, p.Errors[0].Message, "did you mean")
}

func TestBodiesThatAreNoJSONAreMalformed(t *testing.T) {
	w := newWorld(t)
	for _, body := range []string{`{`, `{"name": "p"} x`, `{"name": "p",}`, ` `, `nonsense`} {
		for _, method := range []string{http.MethodPut, http.MethodPatch} {
			require.Equal(t, "malformed", w.do(method, "/v1/projects/p", body, "Content-Type", "application/json").problem(http.StatusBadRequest).Code, body)
		}
	}
}

func TestBodiesOfAnotherTypeAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, header := range []string{"text/plain", "application/xml", "application/json; charset=latin1", "nonsense/;"} {
		w.do(http.MethodPost, "/v1/projects", `{"name": "p"}`, "Content-Type", header).problem(http.StatusUnsupportedMediaType)
	}
	a := w.do(http.MethodPost, "/v1/projects", `{"name": "p"}`, "Content-Type", "application/json; charset=UTF-8")
	require.Equal(t, http.StatusCreated, a.status, a.body)
	w.do(http.MethodPut, "/v1/projects/q", `{"name": "q"}`, "Content-Type", "application/merge-patch+json").problem(http.StatusUnsupportedMediaType)
}

func TestBodiesHaveALimit(t *testing.T) {
	w := newWorld(t, func(o *api.Options) { o.BodyLimit = 1000 })
	body := `{"name": "` + strings.Repeat("x", 1000) + `"}`
	require.Equal(t, "too-large", w.do(http.MethodPost, "/v1/projects", body).problem(http.StatusRequestEntityTooLarge).Code)
}

func TestTheIDOfABodyIsThatOfThePath(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	p := w.do(http.MethodPut, "/v1/projects/a", `{"id": "b", "name": "a"}`).problem(http.StatusUnprocessableEntity)
	require.Equal(t, []string{"/id id-mismatch"}, found(p))
	w.do(http.MethodPatch, "/v1/projects/prj", `{"id": "b"}`).problem(http.StatusUnprocessableEntity)
	w.put("/v1/security-groups/g", `{"name": "g"}`)
	for path, body := range map[string]string{
		"/v1/security-groups/g/rules":       `{"security_group_id": "h", "direction": "in", "protocol": "tcp"}`,
		"/v1/security-groups/g/attachments": `{"security_group_id": "h", "target": {"instance_id": "web"}}`,
	} {
		p := w.do(http.MethodPost, path, body).problem(http.StatusUnprocessableEntity)
		require.Equal(t, []string{"/security_group_id id-mismatch"}, found(p))
	}
	p = w.do(http.MethodPut, "/v1/security-groups/g", `{"name": "g", "rules": [{"security_group_id": "h", "direction": "in", "protocol": "tcp"}]}`).problem(http.StatusUnprocessableEntity)
	require.Equal(t, []string{"/rules/0/security_group_id id-mismatch"}, found(p))
	p = w.do(http.MethodPut, "/v1/projects/white%20space", `{"name": "a"}`).problem(http.StatusUnprocessableEntity)
	require.Equal(t, []string{"/id id-invalid"}, found(p))
	require.Contains(t, p.Errors[0].Message, `"white space"`)
}

func TestMergePatches(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj", "tags": {"a": "1", "b": "2"}, "rules": [{"direction": "in", "protocol": "tcp", "port_min": 22}]}`)
	w.put("/v1/rules/r", `{"security_group_id": "g", "direction": "in", "protocol": "tcp", "port_min": 80, "port_max": 90, "remote": {"cidrs": ["10.0.0.0/8"]}, "local_cidr": "10.0.0.0/24"}`)

	t.Run("what is not named stays", func(t *testing.T) {
		a := w.do(http.MethodPatch, "/v1/security-groups/g", `{"tags": {"a": null, "c": "3"}}`)
		require.Contains(t, a.body, `"tags":{"b":"2","c":"3"}`)
		require.Contains(t, a.body, `"port_min":22`)
	})
	t.Run("null takes away", func(t *testing.T) {
		a := w.do(http.MethodPatch, "/v1/rules/r", `{"local_cidr": null, "port_max": null}`)
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Contains(t, a.body, `"local_cidr":null`)
		require.Contains(t, a.body, `"port_max":80`)
	})
	t.Run("a remote is replaced by another kind", func(t *testing.T) {
		a := w.do(http.MethodPatch, "/v1/rules/r", `{"remote": {"security_group_id": "g"}}`)
		require.Contains(t, a.body, `"remote":{"security_group_id":"g"}`)
		a = w.do(http.MethodPatch, "/v1/rules/r", `{"remote": {"security_group_id": null, "subnet_id": "sub"}}`)
		require.Contains(t, a.body, `"remote":{"subnet_id":"sub"}`)
		a = w.do(http.MethodPatch, "/v1/rules/r", `{"remote": {}}`)
		require.Contains(t, a.body, `"remote":{"subnet_id":"sub"}`)
	})
	t.Run("emptying the remote does not open the rule, taking it away does", func(t *testing.T) {
		p := w.do(http.MethodPatch, "/v1/rules/r", `{"remote": {"subnet_id": null}}`).problem(http.StatusUnprocessableEntity)
		require.Contains(t, p.Errors[0].Message, `give {"any": true}, or null for the remote`)
		require.Contains(t, w.do(http.MethodPatch, "/v1/rules/r?dry_run=true", `{"remote": null}`).body, `"remote":{"any":true}`)
		require.Contains(t, w.do(http.MethodGet, "/v1/rules/r", "").body, `"remote":{"subnet_id":"sub"}`)
		require.Contains(t, w.do(http.MethodPatch, "/v1/rules/r", `{"remote": {"any": true}}`).body, `"remote":{"any":true}`)
	})
	t.Run("a rule stays in its group", func(t *testing.T) {
		w.put("/v1/security-groups/h", `{"name": "h", "project_id": "prj"}`)
		p := w.do(http.MethodPatch, "/v1/rules/r", `{"security_group_id": "h"}`).problem(http.StatusConflict)
		require.Equal(t, "immutable", p.Code)
	})
	t.Run("strictness holds", func(t *testing.T) {
		for patch, want := range map[string]string{
			`{"naem": "x"}`:                  "/naem unknown-field",
			`{"name": 7}`:                    "/name wrong-type",
			`{"name": "x", "name": "y"}`:     "/name repeated-field",
			`{"tags": {"a": "x", "a": "y"}}`: "/tags/a repeated-field",
			`{"rules": null}`:                "/rules null-not-allowed",
			`{"rules": [{"direction": "sideways", "protocol": "tcp"}]}`: "/rules/0/direction value-invalid",
			`{"name": null}`: "/name required",
		} {
			p := w.do(http.MethodPatch, "/v1/security-groups/g", patch).problem(http.StatusUnprocessableEntity)
			require.Equal(t, []string{want}, found(p), patch)
		}
		w.do(http.MethodPatch, "/v1/security-groups/g", `"text"`).problem(http.StatusBadRequest)
	})
}
