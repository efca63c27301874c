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

// manyLines are n different addresses, one a line.
func manyLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "10.%d.%d.%d\n", i>>16, i>>8&255, i&255)
	}
	return b.String()
}

// Ten thousand entries are one call and one revision. What is more than a transaction takes is refused whole.
func TestA096_TenThousandEntriesAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("writes tens of thousands of entries")
	}
	w := newWorld(t)
	w.put("/v1/ip-sets/s", `{"name": "s", "ip_version": 4, "entries": [{"cidr": "10.0.0.5"}]}`)
	r, err := w.AddEntries(t.Context(), "s", strings.NewReader(manyLines(10_000)+"nonsense\n10.0.0.7\n"))
	require.NoError(t, err)
	require.Equal(t, []int{9_999, 2, 1}, []int{len(r.Added), len(r.Skipped), len(r.Invalid)})
	require.Equal(t, []api.BulkLine{
		{Line: 6, Value: "10.0.0.5", Message: "10.0.0.5/32 is in the set already"},
		{Line: 10_002, Value: "10.0.0.7", Message: "10.0.0.7/32 stands in line 8 already"},
	}, r.Skipped)
	require.Equal(t, 10_001, r.Invalid[0].Line)
	for _, e := range r.Added {
		require.Equal(t, r.Added[0].Revision, e.Revision, "all at one revision")
	}
	pages := 0
	seen := map[policy.CIDR]bool{}
	for token := ""; ; pages++ {
		a := w.do(http.MethodGet, "/v1/ip-sets/s/entries?page_size=1000&page_token="+token, "")
		var page api.Page[api.Entry]
		a.into(&page)
		for _, e := range page.Items {
			seen[e.CIDR] = true
		}
		if token = page.NextPageToken; token == "" {
			break
		}
	}
	require.Equal(t, 9, pages)
	require.Len(t, seen, 10_000)

	t.Run("more than a transaction takes", func(t *testing.T) {
		revision := w.store.Revision()
		p := w.do(http.MethodPost, "/v1/ip-sets/s/entries:bulk", manyLines(50_000), "Content-Type", "text/plain").problem(http.StatusUnprocessableEntity)
		require.Equal(t, "transaction-too-large", p.Code)
		require.Contains(t, p.Detail, "40000 entries would change, 20000 can at once; send them in parts")
		require.Equal(t, revision, w.store.Revision())
		entries, err := w.EntriesOf("s").List(t.Context(), api.Query("page_size", "1000"))
		require.NoError(t, err)
		require.Len(t, entries, 10_000, "nothing is half done")
	})
	t.Run("removed at once", func(t *testing.T) {
		before, err := w.IPSets().Get(t.Context(), "s")
		require.NoError(t, err)
		r, err := w.RemoveEntries(t.Context(), "s", strings.NewReader("# a list\n"+manyLines(9_000)+"10.0.0.0\n192.0.2.1\n2001:db8::1\n"))
		require.NoError(t, err)
		require.Equal(t, []int{9_000, 2, 1}, []int{len(r.Removed), len(r.Skipped), len(r.Invalid)})
		require.Equal(t, api.BulkLine{Line: 9_003, Value: "192.0.2.1", Message: "192.0.2.1/32 is not in the set"}, r.Skipped[1])
		after, err := w.IPSets().Get(t.Context(), "s")
		require.NoError(t, err)
		require.Len(t, after.Entries, 1_000)
		require.Greater(t, after.Revision, before.Revision)
		_, err = w.IPSets().Patch(t.Context(), "s", map[string]any{"description": "x"}, api.IfMatch(before.Revision))
		require.ErrorIs(t, err, policy.ErrStale, "the set has changed with its entries")
	})
}

func TestA094_A097_EntriesOneByOne(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/ip-sets/s", `{"name": "s", "ip_version": 4}`)
	w.put("/v1/ip-sets/other", `{"name": "other", "ip_version": 4, "entries": [{"cidr": "10.0.0.0/8"}]}`)
	made, err := w.EntriesOf("s").Create(t.Context(), &api.Entry{CIDR: cidr(t, "10.0.0.0/8"), Description: "private"})
	require.NoError(t, err)
	require.Equal(t, "private", made.Description)
	_, err = w.EntriesOf("s").Create(t.Context(), &api.Entry{CIDR: cidr(t, "192.0.2.7")})
	require.NoError(t, err)
	for _, word := range []string{made.ID, "10.0.0.0/8", "10.1.2.3/8"} {
		e, err := w.EntriesOf("s").Get(t.Context(), word)
		require.NoError(t, err, word)
		require.Equal(t, made, e)
	}
	require.NoError(t, w.EntriesOf("s").Delete(t.Context(), "192.0.2.7"))
	require.NoError(t, w.EntriesOf("s").Delete(t.Context(), "10.0.0.0/8"))
	require.ErrorIs(t, w.EntriesOf("s").Delete(t.Context(), "10.0.0.0/8"), &policy.NotFound{})
	require.ErrorIs(t, w.EntriesOf("s").Delete(t.Context(), "10.0.0.0/9"), &policy.NotFound{})
	left, err := w.EntriesOf("other").List(t.Context())
	require.NoError(t, err)
	require.Len(t, left, 1, "another set keeps the prefix")
}

func TestA092_A098_A100_SetsOfBothVersions(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/ip-sets/four", `{"name": "four", "ip_version": 4, "entries": [{"cidr": "10.0.0.0/8"}, {"cidr": "10.1.0.0/16"}]}`)
	w.put("/v1/ip-sets/six", `{"name": "six", "ip_version": 6, "description": "IPv6", "entries": [{"cidr": "2001:db8::/32"}, {"cidr": "::1"}]}`)
	for version, want := range map[string]string{"4": "four", "6": "six"} {
		sets, err := w.IPSets().List(t.Context(), api.Query("ip_version", version))
		require.NoError(t, err)
		require.Len(t, sets, 1)
		require.Equal(t, want, sets[0].ID)
	}
	p := w.do(http.MethodPatch, "/v1/ip-sets/four", `{"ip_version": 6}`).problem(http.StatusConflict)
	require.Equal(t, "ip-set-version-frozen", p.Code)
	require.Contains(t, p.Detail, "remove its 2 entries first")
	before, err := w.IPSets().Get(t.Context(), "four")
	require.NoError(t, err)
	renamed, err := w.IPSets().Patch(t.Context(), "four", map[string]any{"name": "IPv4-lists", "description": "x"})
	require.NoError(t, err)
	require.Equal(t, before.Entries, renamed.Entries)
	require.Equal(t, before.Number, renamed.Number)
	_, err = w.RemoveEntries(t.Context(), "four", strings.NewReader("10.0.0.0/8\n10.1.0.0/16"))
	require.NoError(t, err)
	six, err := w.IPSets().Patch(t.Context(), "four", map[string]any{"ip_version": 6})
	require.NoError(t, err)
	require.Equal(t, 6, six.IPVersion)
}
