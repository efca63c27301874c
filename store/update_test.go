package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

func TestUpdateGivesMeta(t *testing.T) {
	s := open1(t)
	populate(t, s)
	rev := mustUpdate(t, s, put(port("p1", "i", 1)))
	p := get[*policy.Port](t, s, "p1")
	require.Equal(t, rev, p.Revision)
	require.Equal(t, rev, s.Revision())
	require.NotZero(t, p.Number)
	require.Equal(t, "p1", p.IfaceID)
	require.False(t, p.CreatedAt.IsZero())
	consistent(t, s)
}

func TestPutOfTheSameChangesNothing(t *testing.T) {
	s := open1(t)
	populate(t, s)
	before := get[*policy.Instance](t, s, "i")
	rev := mustUpdate(t, s, put(instance("i", "web")))
	require.Equal(t, s.Revision(), rev)
	require.Same(t, before, get[*policy.Instance](t, s, "i"))
}
