package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// Counters are kept, deleted and read back, also many of them, and nobody who watches objects hears of it.
func TestCounters(t *testing.T) {
	s := inside.open(t)
	before := s.Revision()
	_, batches, err := s.SnapshotAndWatch(t.Context())
	require.NoError(t, err)

	large := make([]byte, counterBytes)
	require.NoError(t, s.SaveCounters(t.Context(), map[string][]byte{"hv1/a": []byte("1"), "hv1/b": large, "hv2/a": large, "hv3/a": {}}))
	got, err := s.Counters(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"hv1/a": []byte("1"), "hv1/b": large, "hv2/a": large, "hv3/a": nil}, got)
	require.NoError(t, s.SaveCounters(t.Context(), map[string][]byte{"hv1/a": []byte("2"), "hv1/b": nil, "never": nil}))
	require.NoError(t, s.SaveCounters(t.Context(), nil))
	got, err = s.Counters(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"hv1/a": []byte("2"), "hv2/a": large, "hv3/a": nil}, got)

	require.Equal(t, before, s.Revision())
	revision, err := s.Update(t.Context(), func(tx policy.Tx) error {
		return tx.Put(&policy.Project{Meta: policy.Meta{ID: "p"}, Name: "p"})
	})
	require.NoError(t, err)
	require.Equal(t, revision, (<-batches).Revision, "the first that is heard of is the next change of an object")
	wrong, err := s.Fsck(t.Context())
	require.NoError(t, err)
	require.Empty(t, wrong)
}
