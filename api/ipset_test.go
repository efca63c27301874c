package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

func TestA096_BulkAddsWhatItCan(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/ip-sets/s", `{"name": "s", "ip_version": 4, "entries": [{"cidr": "192.0.2.7"}]}`)
	text := strings.Join([]string{
		"# offices", "10.0.0.0/8", "", "192.0.2.7/32 known already", "10.1.2.3/16 the branch  # a comment", "nonsense", "2001:db8::/32", "10.1.0.0/16", "198.51.100.1",
	}, "\n")
	r, err := w.AddEntries(t.Context(), "s", strings.NewReader(text))
	require.NoError(t, err)
	var added []string
	for _, e := range r.Added {
		require.NotZero(t, e.Revision)
		added = append(added, e.CIDR.String()+" "+e.Description)
	}
	require.Equal(t, []string{"10.0.0.0/8 ", "10.1.0.0/16 the branch", "198.51.100.1/32 "}, added)
	require.Equal(t, []api.BulkLine{
		{Line: 4, Value: "192.0.2.7/32", Message: "192.0.2.7/32 is in the set already"},
		{Line: 8, Value: "10.1.0.0/16", Message: "10.1.0.0/16 stands in line 5 already"},
	}, r.Skipped)
	require.Equal(t, []int{6, 7}, []int{r.Invalid[0].Line, r.Invalid[1].Line})
	require.Contains(t, r.Invalid[0].Message, `"nonsense" is neither an address nor a CIDR`)
	require.Contains(t, r.Invalid[1].Message, `the IP set "s" is for IPv4`)

	t.Run("as JSON", func(t *testing.T) {
		a := w.do(http.MethodPost, "/v1/ip-sets/s/entries:bulk", `{"entries": [{"cidr": "203.0.113.0/24", "description": "x"}, {"cidr": "10.0.0.0/8"}, {"cidr": ""}]}`)
		require.Equal(t, http.StatusOK, a.status, a.body)
		var r api.BulkResult
		a.into(&r)
		require.Len(t, r.Added, 1)
		require.Equal(t, 2, r.Skipped[0].Line)
		require.Equal(t, 3, r.Invalid[0].Line)
		w.do(http.MethodPost, "/v1/ip-sets/s/entries:bulk", `{}`).problem(http.StatusUnprocessableEntity)
		w.do(http.MethodPost, "/v1/ip-sets/none/entries:bulk", `{"entries": []}`).problem(http.StatusNotFound)
	})
	t.Run("dry", func(t *testing.T) {
		before := w.store.Revision()
		r, err := w.AddEntries(t.Context(), "s", strings.NewReader("172.16.0.0/12"), api.DryRun())
		require.NoError(t, err)
		require.Len(t, r.Added, 1)
		require.Equal(t, before, w.store.Revision())
	})
	entries, err := w.EntriesOf("s").List(t.Context())
	require.NoError(t, err)
	require.Len(t, entries, 5)
}

func TestA095_EntriesAreMaskedAndBareAddressesTaken(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/ip-sets/six", `{"name": "six", "ip_version": 6}`)
	for in, want := range map[string]string{"2001:db8::1": "2001:db8::1/128", "2001:db8:1::7/48": "2001:db8:1::/48", "::/0": "::/0"} {
		e, err := w.EntriesOf("six").Create(t.Context(), &api.Entry{CIDR: cidr(t, in)})
		require.NoError(t, err)
		require.Equal(t, want, e.CIDR.String())
		got, err := w.EntriesOf("six").Get(t.Context(), e.ID)
		require.NoError(t, err)
		require.Equal(t, e, got)
		require.NoError(t, w.EntriesOf("six").Delete(t.Context(), e.ID))
		require.ErrorIs(t, w.EntriesOf("six").Delete(t.Context(), e.ID), &policy.NotFound{})
	}
}

func cidr(t *testing.T, s string) policy.CIDR {
	p, err := policy.ParsePrefix(s)
	require.NoError(t, err)
	return policy.CIDR(p)
}

func TestAListReplacesTheEntriesAndKeepsThoseThatAreTheSame(t *testing.T) {
	w := newWorld(t)
	set, err := w.IPSets().Put(t.Context(), "s", &api.IPSet{IPSet: policy.IPSet{Name: "s", IPVersion: 4}, Entries: []api.Entry{{CIDR: cidr(t, "10.0.0.0/8")}, {CIDR: cidr(t, "192.0.2.1")}}})
	require.NoError(t, err)
	kept := map[string]string{}
	for _, e := range set.Entries {
		kept[e.CIDR.String()] = e.ID
	}
	again, err := w.IPSets().Put(t.Context(), "s", &api.IPSet{IPSet: policy.IPSet{Name: "s", IPVersion: 4}, Entries: []api.Entry{{CIDR: cidr(t, "10.9.9.9/8"), Description: "private"}, {CIDR: cidr(t, "192.0.2.2")}}})
	require.NoError(t, err)
	require.Len(t, again.Entries, 2)
	for _, e := range again.Entries {
		switch e.CIDR.String() {
		case "10.0.0.0/8":
			require.Equal(t, kept["10.0.0.0/8"], e.ID)
			require.Equal(t, "private", e.Description)
		default:
			require.Equal(t, "192.0.2.2/32", e.CIDR.String())
		}
	}
	stays, err := w.IPSets().Put(t.Context(), "s", &api.IPSet{IPSet: policy.IPSet{Name: "s", IPVersion: 4, Description: "x"}})
	require.NoError(t, err)
	require.Equal(t, again.Entries, stays.Entries)

	p := w.do(http.MethodPut, "/v1/ip-sets/s", `{"name": "s", "ip_version": 4, "entries": [{"cidr": "10.0.0.0/8"}, {"cidr": "2001:db8::/32"}, {"cidr": "10.1.1.1/8"}]}`).problem(http.StatusUnprocessableEntity)
	require.Equal(t, []string{"/entries/1/cidr family-mismatch"}, found(p))
	p = w.do(http.MethodPut, "/v1/ip-sets/s", `{"name": "s", "ip_version": 4, "entries": [{"cidr": "10.0.0.0/8"}, {"cidr": "10.1.1.1/8"}]}`).problem(http.StatusConflict)
	require.Equal(t, []string{"/entries/1/cidr entry-exists"}, found(p))

	empty, err := w.IPSets().Put(t.Context(), "s", &api.IPSet{IPSet: policy.IPSet{Name: "s", IPVersion: 6}, Entries: []api.Entry{}})
	require.NoError(t, err, "the version may change together with the entries")
	require.Empty(t, empty.Entries)
}
