package store

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

func TestKeyset(t *testing.T) {
	a, b := key{policy.KindPort, "a"}, key{policy.KindPort, "b"}
	var s keyset
	require.Zero(t, s.len())
	require.Empty(t, slices.Collect(s.all()))
	s = s.with(a).with(a)
	require.Equal(t, []key{a}, slices.Collect(s.all()))
	s = s.with(b)
	require.ElementsMatch(t, []key{a, b}, slices.Collect(s.all()))
	require.True(t, s.has(a) && s.has(b))
	s = s.without(a)
	require.Equal(t, 1, s.len())
	require.False(t, s.has(a))
	require.Zero(t, s.without(b).len())
	require.Zero(t, keyset{}.with(a).without(a).len())
	require.Equal(t, 1, keyset{}.with(a).without(b).len())
}
