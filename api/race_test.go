package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

// at runs n functions side by side and returns their errors.
func at(n int, do func(i int) error) []error {
	out := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { out[i] = do(i) })
	}
	all.Wait()
	return out
}

// Adding to a list never loses what another request adds.
func TestAttachmentsMadeAtTheSameTimeAreAllThere(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	const n = 10
	for i := range n {
		w.put(fmt.Sprintf("/v1/security-groups/g%d", i), fmt.Sprintf(`{"name": "g%d", "project_id": "prj"}`, i))
	}
	for _, err := range at(n, func(i int) error {
		_, err := w.AttachmentsOf(policy.GroupID(fmt.Sprintf("g%d", i))).Create(t.Context(), &api.Attachment{Target: policy.Target{InstanceID: "web"}})
		return err
	}) {
		require.NoError(t, err)
	}
	web, err := w.Instances().Get(t.Context(), "web")
	require.NoError(t, err)
	require.Len(t, web.SecurityGroupIDs, n)
}

func TestANameIsGivenOnce(t *testing.T) {
	w := newWorld(t)
	made := 0
	for _, err := range at(8, func(int) error {
		_, err := w.Groups().Create(t.Context(), &api.Group{Group: policy.Group{Name: "same"}})
		return err
	}) {
		if err == nil {
			made++
		} else {
			require.ErrorIs(t, err, &policy.Conflict{})
		}
	}
	require.Equal(t, 1, made)
}

// Of those who read the same revision, one writes.
func TestIfMatchLetsOneThrough(t *testing.T) {
	w := newWorld(t)
	p, err := w.Projects().Put(t.Context(), "p", &api.Project{Name: "p"})
	require.NoError(t, err)
	through := 0
	for _, err := range at(8, func(i int) error {
		_, err := w.Projects().Patch(t.Context(), "p", map[string]any{"limits": map[string]int{policy.LimitGroups: i + 1}}, api.IfMatch(p.Revision))
		return err
	}) {
		if err == nil {
			through++
		} else {
			require.True(t, errors.Is(err, policy.ErrStale), err)
		}
	}
	require.Equal(t, 1, through)
}

// An IP set of ten thousand, in one request each way.
func TestTenThousandEntries(t *testing.T) {
	w := newWorld(t)
	w.put("/v1/ip-sets/s", `{"name": "s", "ip_version": 4}`)
	var lines strings.Builder
	const n = 10000
	for i := range n {
		fmt.Fprintf(&lines, "10.%d.%d.%d\n", i>>16, i>>8&255, i&255)
	}
	w.HTTP = http.DefaultClient // Validating every entry against the document takes longer than all the rest.
	r, err := w.AddEntries(t.Context(), "s", strings.NewReader(lines.String()))
	require.NoError(t, err)
	require.Len(t, r.Added, n)
	set, err := w.IPSets().Get(t.Context(), "s")
	require.NoError(t, err)
	require.Len(t, set.Entries, n)
	set.Entries = set.Entries[:n-1]
	set, err = w.IPSets().Put(t.Context(), "s", set, api.IfMatch(set.Revision))
	require.NoError(t, err)
	require.Len(t, set.Entries, n-1)
}
