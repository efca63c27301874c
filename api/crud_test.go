package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// nouns has, for every resource that can be written, a body and a change of it.
var nouns = []struct {
	path, prefix string
	body         string // {n} is replaced by a number, so that several can be made
	patch        string // a merge patch
	changed      string // what the body has after the patch
}{
	{"profiles", "prf-", `{"name": "f{n}", "default_group": {"name": "base", "rules": [{"direction": "out", "protocol": "all"}]}, "max_groups_per_instance": {n}}`, `{"smtp_guard": true}`, `"smtp_guard":true`},
	{"projects", "prj-", `{"name": "p{n}", "profile": "isolated", "smtp_allowed": false, "limits": {"groups_per_instance": 5}}`, `{"smtp_allowed": true}`, `"smtp_allowed":true`},
	{"vpcs", "vpc-", `{"name": "v{n}", "project_id": "prj", "profile": null}`, `{"profile": "open-until-ruled"}`, `"profile":"open-until-ruled"`},
	{"subnets", "sub-", `{"name": "s{n}", "vpc_id": "vpc", "cidrs": ["10.{n}.0.0/24"], "vlan": 1{n}}`, `{"vlan": 400}`, `"vlan":400`},
	{"hypervisors", "hv-", `{"name": "h{n}", "connect": null}`, `{"connect": "tcp:192.0.2.1:6640"}`, `"connect":"tcp:192.0.2.1:6640"`},
	{"instances", "ins-", `{"name": "i{n}", "project_id": "prj", "tags": {"tier": "web"}, "security_group_ids": []}`, `{"tags": {"tier": null, "env": "prod"}}`, `"tags":{"env":"prod"}`},
	{"ports", "prt-", `{"instance_id": "web", "subnet_id": "sub", "mac": "fa:16:3e:00:01:0{n}", "addresses": ["10.0.0.1{n}"], "allowed_address_pairs": [{"cidr": "10.9.0.0/24"}], "roles": ["router"], "hypervisor_id": null}`, `{"addresses": ["10.0.0.200"]}`, `"addresses":["10.0.0.200"]`},
	{"security-groups", "sg-", `{"name": "g{n}", "project_id": "prj", "rules": [{"name": "ssh", "direction": "ingress", "protocol": "tcp", "port_min": 22}]}`, `{"description": "for admins"}`, `"description":"for admins"`},
	{"ip-sets", "ips-", `{"name": "x{n}", "project_id": null, "ip_version": 4, "entries": [{"cidr": "192.0.2.0/24", "description": "office"}]}`, `{"description": "offices"}`, `"description":"offices"`},
}

func numbered(body string, n int) string { return strings.ReplaceAll(body, "{n}", fmt.Sprint(n)) }

func TestEveryNounIsCreatedReadListedReplacedPatchedAndDeleted(t *testing.T) {
	for _, noun := range nouns {
		t.Run(noun.path, func(t *testing.T) {
			w := newWorld(t)
			w.cloud()
			collection := "/v1/" + noun.path

			made := w.do(http.MethodPost, collection, numbered(noun.body, 3))
			require.Equal(t, http.StatusCreated, made.status, made.body)
			var meta policy.Meta
			made.into(&meta)
			require.True(t, strings.HasPrefix(meta.ID, noun.prefix), meta.ID)
			require.NotZero(t, meta.Revision)
			require.False(t, meta.CreatedAt.IsZero())
			require.Equal(t, collection+"/"+meta.ID, made.header.Get("Location"))
			require.Equal(t, fmt.Sprintf(`"%d"`, meta.Revision), made.header.Get("ETag"))
			require.NotEmpty(t, made.header.Get("Conjunct-Revision"))

			item := collection + "/" + meta.ID
			read := w.do(http.MethodGet, item, "")
			require.Equal(t, http.StatusOK, read.status)
			require.JSONEq(t, made.body, read.body)

			var page struct{ Items []json.RawMessage }
			w.do(http.MethodGet, collection, "").into(&page)
			require.Contains(t, ids(t, page.Items), meta.ID)

			// What was read can be sent back, and changes nothing.
			before := w.store.Revision()
			back := w.do(http.MethodPut, item, read.body)
			require.Equal(t, http.StatusOK, back.status, back.body)
			require.JSONEq(t, read.body, back.body)
			require.Equal(t, before, w.store.Revision())

			patched := w.do(http.MethodPatch, item, noun.patch, "Content-Type", "application/merge-patch+json")
			require.Equal(t, http.StatusOK, patched.status, patched.body)
			require.Contains(t, patched.body, noun.changed)
			require.NotEqual(t, read.header.Get("ETag"), patched.header.Get("ETag"))

			put := w.do(http.MethodPut, collection+"/mine", numbered(noun.body, 4))
			require.Equal(t, http.StatusCreated, put.status, put.body)
			require.Equal(t, collection+"/mine", put.header.Get("Location"))
			require.Contains(t, put.body, `"id":"mine"`)

			for _, id := range []string{meta.ID, "mine"} {
				gone := w.do(http.MethodDelete, collection+"/"+id, "")
				require.Equal(t, http.StatusNoContent, gone.status, gone.body)
				require.Equal(t, "not-found", w.do(http.MethodGet, collection+"/"+id, "").problem(http.StatusNotFound).Code)
				w.do(http.MethodDelete, collection+"/"+id, "").problem(http.StatusNotFound)
				w.do(http.MethodPatch, collection+"/"+id, noun.patch).problem(http.StatusNotFound)
			}
		})
	}
}

func ids(t *testing.T, items []json.RawMessage) (out []string) {
	for _, i := range items {
		var meta policy.Meta
		require.NoError(t, json.Unmarshal(i, &meta))
		out = append(out, meta.ID)
	}
	return out
}

func TestPutWithTheSameBodyIsIdempotent(t *testing.T) {
	for _, noun := range nouns {
		t.Run(noun.path, func(t *testing.T) {
			w := newWorld(t)
			w.cloud()
			first := w.do(http.MethodPut, "/v1/"+noun.path+"/mine", numbered(noun.body, 5))
			require.Equal(t, http.StatusCreated, first.status, first.body)
			again := w.do(http.MethodPut, "/v1/"+noun.path+"/mine", numbered(noun.body, 5))
			require.Equal(t, http.StatusOK, again.status, again.body)
			require.JSONEq(t, first.body, again.body)
		})
	}
}

func TestIfMatchRefusesWhatHasChanged(t *testing.T) {
	for _, noun := range nouns {
		t.Run(noun.path, func(t *testing.T) {
			w := newWorld(t)
			w.cloud()
			item := "/v1/" + noun.path + "/mine"
			read := w.do(http.MethodPut, item, numbered(noun.body, 6))
			stale := read.header.Get("ETag")
			patched := w.do(http.MethodPatch, item, noun.patch, "If-Match", stale)
			require.Equal(t, http.StatusOK, patched.status, patched.body)
			fresh := patched.header.Get("ETag")

			require.Equal(t, "stale", w.do(http.MethodPut, item, read.body, "If-Match", stale).problem(http.StatusPreconditionFailed).Code)
			w.do(http.MethodPatch, item, noun.patch, "If-Match", stale).problem(http.StatusPreconditionFailed)
			w.do(http.MethodDelete, item, "", "If-Match", stale).problem(http.StatusPreconditionFailed)
			w.do(http.MethodPut, "/v1/"+noun.path+"/none", numbered(noun.body, 7), "If-Match", "*").problem(http.StatusPreconditionFailed)
			require.Equal(t, "exists", w.do(http.MethodPut, item, read.body, "If-None-Match", "*").problem(http.StatusPreconditionFailed).Code)

			require.Equal(t, http.StatusNotModified, w.do(http.MethodGet, item, "", "If-None-Match", fresh).status)
			require.Equal(t, http.StatusOK, w.do(http.MethodGet, item, "", "If-None-Match", stale).status)
			require.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, item, "", "If-Match", `"1", `+fresh).status)
		})
	}
}

// A revision that a group had before a rule was taken out is not its revision afterwards, whichever rule that was.
func TestIfMatchSeesThatARuleOrAnEntryIsGone(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	w.put("/v1/security-groups/g", `{"name": "g", "project_id": "prj"}`)
	w.put("/v1/rules/old", `{"security_group_id": "g", "direction": "ingress", "protocol": "tcp", "port_min": 1}`)
	w.put("/v1/rules/young", `{"security_group_id": "g", "direction": "ingress", "protocol": "tcp", "port_min": 2}`)
	before := w.do(http.MethodGet, "/v1/security-groups/g", "").header.Get("ETag")
	require.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, "/v1/rules/old", "").status)
	w.do(http.MethodPatch, "/v1/security-groups/g", `{"description": "x"}`, "If-Match", before).problem(http.StatusPreconditionFailed)

	w.put("/v1/ip-sets/s", `{"name": "s", "ip_version": 4, "entries": [{"cidr": "10.0.0.0/8"}, {"cidr": "11.0.0.0/8"}]}`)
	var set struct{ Entries []struct{ ID string } }
	a := w.do(http.MethodGet, "/v1/ip-sets/s", "")
	a.into(&set)
	require.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, "/v1/ip-sets/s/entries/"+set.Entries[0].ID, "").status)
	w.do(http.MethodPatch, "/v1/ip-sets/s", `{"description": "x"}`, "If-Match", a.header.Get("ETag")).problem(http.StatusPreconditionFailed)
}

func TestDryRunStoresNothingAndAnswersAsIfItHad(t *testing.T) {
	for _, noun := range nouns {
		t.Run(noun.path, func(t *testing.T) {
			w := newWorld(t)
			w.cloud()
			item := "/v1/" + noun.path + "/mine"
			w.put(item, numbered(noun.body, 3))
			before, revision := w.everything(), w.store.Revision()

			made := w.do(http.MethodPost, "/v1/"+noun.path+"?dry_run=true", numbered(noun.body, 4))
			require.Equal(t, http.StatusCreated, made.status, made.body)
			patched := w.do(http.MethodPatch, item+"?dry_run=true", noun.patch)
			require.Equal(t, http.StatusOK, patched.status, patched.body)
			require.Contains(t, patched.body, noun.changed)
			deleted := http.StatusNoContent
			if noun.path == "ports" {
				deleted = http.StatusOK // That a port would go is worth saying.
			}
			require.Equal(t, deleted, w.do(http.MethodDelete, item+"?dry_run=true", "").status)
			// What would be refused is refused.
			w.do(http.MethodPost, "/v1/"+noun.path+"?dry_run=true", `{"name": "no spaces!"}`).problem(http.StatusUnprocessableEntity)
			w.do(http.MethodDelete, "/v1/"+noun.path+"/none?dry_run=true", "").problem(http.StatusNotFound)

			require.Equal(t, revision, w.store.Revision())
			require.Equal(t, before, w.everything())
		})
	}
}

// everything is all that the store holds, as text.
func (w *world) everything() string {
	var b strings.Builder
	w.store.View(func(s *policy.Snapshot) {
		for _, k := range policy.Kinds() {
			all := make([]policy.Object, 0, s.Len(k))
			for o := range s.All(k) {
				all = append(all, o)
			}
			lines := make(map[string]policy.Object, len(all))
			for _, o := range all {
				lines[o.Base().ID] = o
			}
			text, err := json.Marshal(lines) // Keys of maps are sorted.
			require.NoError(w, err)
			b.Write(text)
		}
	})
	return b.String()
}
