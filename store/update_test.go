package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

func TestUpdateFillsInWhatTheStoreAloneKnows(t *testing.T) {
	onBoth(t, func(t *testing.T, c cluster) {
		s := c.open(t)
		populate(t, s)
		rev := mustUpdate(t, s, put(port("p1", "i", 1)))
		p := get[*policy.Port](t, s, "p1")
		require.Equal(t, rev, p.Revision)
		require.Equal(t, rev, s.Revision())
		require.NotZero(t, p.Number)
		require.Equal(t, "p1", p.IfaceID)
		require.Equal(t, p.CreatedAt, p.UpdatedAt)
		require.Equal(t, time.UTC, p.CreatedAt.Location())
		consistent(t, s)
	})
}

func TestUpdateKeepsNumberAndCreation(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	before := get[*policy.Group](t, s, "web")
	g := group("web")
	g.Description, g.Number, g.CreatedAt = "other", 4711, time.Unix(1, 0)
	mustUpdate(t, s, put(g))
	after := get[*policy.Group](t, s, "web")
	require.Equal(t, "other", after.Description)
	require.Equal(t, before.Number, after.Number)
	require.Equal(t, before.CreatedAt, after.CreatedAt)
	require.True(t, after.UpdatedAt.After(before.UpdatedAt))
	require.Greater(t, after.Revision, before.Revision)
	require.EqualValues(t, 4711, g.Number, "what the caller put is the caller's")
}

func TestPutOfTheSameChangesNothing(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	before := get[*policy.Instance](t, s, "i")
	written := keys(t, s)
	rev := mustUpdate(t, s, put(instance("i", "web")))
	require.Equal(t, s.Revision(), rev)
	require.Same(t, before, get[*policy.Instance](t, s, "i"))
	require.Equal(t, written, keys(t, s))

	// Beside a change, the rest stays at its revision.
	g := group("db")
	g.Description = "other"
	mustUpdate(t, s, put(instance("i", "web"), g))
	require.Same(t, before, get[*policy.Instance](t, s, "i"))
	// Written and put back is the same too.
	mustUpdate(t, s, put(instance("i", "db"), instance("i", "web")))
	require.Same(t, before, get[*policy.Instance](t, s, "i"))
	consistent(t, s)
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	before, rev := keys(t, s), s.Revision()
	boom := errors.New("boom")
	_, err := s.Update(t.Context(), func(tx policy.Tx) error {
		require.NoError(t, tx.Put(group("g1")))
		require.NoError(t, tx.Delete(policy.KindInstance, "i"))
		_, ok := tx.Snapshot().Get(policy.KindGroup, "g1")
		require.True(t, ok, "a transaction sees its own writes")
		_, ok = tx.Snapshot().Get(policy.KindInstance, "i")
		require.False(t, ok)
		return boom
	})
	require.ErrorIs(t, err, boom)
	require.Equal(t, before, keys(t, s))
	require.Equal(t, rev, s.Revision())
	mustUpdate(t, s, func(tx policy.Tx) error {
		_, ok := tx.Snapshot().Get(policy.KindGroup, "g1")
		require.False(t, ok, "nothing is left in the workspace")
		_, ok = tx.Snapshot().Get(policy.KindInstance, "i")
		require.True(t, ok)
		return nil
	})
}

func TestUpdateSurvivesAPanic(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	require.Panics(t, func() {
		_, _ = s.Update(t.Context(), func(tx policy.Tx) error {
			_ = tx.Put(group("g1"))
			panic("boom")
		})
	})
	mustUpdate(t, s, put(group("g2")))
	require.False(t, exists(s, policy.KindGroup, "g1"))
	consistent(t, s)
}

func TestStaleRevision(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	read := get[*policy.Group](t, s, "web").Clone().(*policy.Group)
	mine := read.Clone().(*policy.Group)
	mine.Description = "mine"
	mustUpdate(t, s, put(mine))

	read.Description = "theirs"
	_, err := s.Update(t.Context(), put(read))
	require.ErrorIs(t, err, policy.ErrStale)
	require.Equal(t, "mine", get[*policy.Group](t, s, "web").Description)

	gone := group("gone")
	gone.Revision = read.Revision
	_, err = s.Update(t.Context(), put(gone))
	require.ErrorIs(t, err, policy.ErrStale, "what was deleted meanwhile has changed too")
}

func TestDeleteOfNothing(t *testing.T) {
	s := inside.open(t)
	_, err := s.Update(t.Context(), remove(policy.KindGroup, "none"))
	var missing *policy.NotFound
	require.ErrorAs(t, err, &missing)
	require.Equal(t, policy.NotFound{Kind: policy.KindGroup, ID: "none"}, *missing)
}

func TestPresetsExistAndStay(t *testing.T) {
	s := inside.open(t)
	require.Empty(t, keys(t, s), "an empty store has no keys")
	require.True(t, exists(s, policy.KindProfile, string(policy.ProfileIsolated)))

	preset, _ := policy.Preset(policy.ProfileIsolated)
	var forbidden *policy.Forbidden
	_, err := s.Update(t.Context(), put(preset))
	require.ErrorAs(t, err, &forbidden)
	_, err = s.Update(t.Context(), remove(policy.KindProfile, preset.ID))
	require.ErrorAs(t, err, &forbidden)

	named := preset.Clone().(*policy.Profile)
	named.ID = "own"
	_, err = s.Update(t.Context(), put(named))
	var taken *policy.Conflict
	require.ErrorAs(t, err, &taken)
	require.Equal(t, "name-taken", taken.Code)

	named.Name = "own"
	v := vpc("v")
	v.Profile = "own"
	mustUpdate(t, s, put(named, v))
	v2 := vpc("v2")
	v2.Profile = policy.ProfileIsolated
	mustUpdate(t, s, put(v2))
	consistent(t, s)
}

func TestFindingsNameTheirObject(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	bad := group("bad")
	bad.Evaluation = "never"
	_, err := s.Update(t.Context(), put(bad))
	var invalid *policy.Invalid
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "/evaluation", invalid.Findings[0].Pointer)

	_, err = s.Update(t.Context(), put(bad, instance("j", "none")))
	require.ErrorAs(t, err, &invalid)
	var pointers []string
	for _, f := range invalid.Findings {
		pointers = append(pointers, f.Pointer)
	}
	require.Equal(t, []string{"/security-group/bad/evaluation", "/instance/j/security_group_ids/0"}, pointers)

	for _, id := range []string{"", "a/b", "../x", "ü"} {
		_, err = s.Update(t.Context(), put(group(id)))
		require.ErrorAs(t, err, &invalid, id)
		require.Equal(t, "id-invalid", invalid.Findings[0].Code)
	}
}

func TestDryRunLeavesNothing(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	before, rev := keys(t, s), s.Revision()
	require.NoError(t, s.DryRun(t.Context(), put(group("g1"), rule("r1", "g1", 22, policy.Remote{GroupID: "g1"}))))

	var conflict *policy.Conflict
	same := group("g1")
	same.Name = "web"
	require.ErrorAs(t, s.DryRun(t.Context(), put(same)), &conflict)
	require.Equal(t, "name-taken", conflict.Code)
	require.ErrorAs(t, s.DryRun(t.Context(), remove(policy.KindGroup, "web")), &conflict)
	require.Equal(t, "security-group-in-use", conflict.Code)
	var invalid *policy.Invalid
	require.ErrorAs(t, s.DryRun(t.Context(), put(rule("r1", "none", 22, policy.Remote{Any: true}))), &invalid)
	require.NoError(t, s.DryRun(t.Context(), func(tx policy.Tx) error {
		require.NoError(t, tx.Put(group("g2")))
		o, _ := tx.Snapshot().Get(policy.KindGroup, "g2")
		require.Zero(t, o.(*policy.Group).Number)
		return nil
	}))

	require.Equal(t, before, keys(t, s))
	require.Equal(t, rev, s.Revision())
	require.Equal(t, 2, count(s, policy.KindGroup))
}

func TestTenThousandEntriesAtOnce(t *testing.T) { manyEntries(t, inside, 10_000) }

// An operator's etcd has taken on our limits, so that what is beyond the usual 128 operations does for it.
func TestManyEntriesAtOnceOutside(t *testing.T) { manyEntries(t, outside, 1000) }

func manyEntries(t *testing.T, c cluster, n int) {
	s := c.open(t)
	objects := []policy.Object{ipset("set")}
	for i := range n {
		objects = append(objects, entry(fmt.Sprintf("e%d", i), "set", fmt.Sprintf("10.%d.%d.0/24", i/256, i%256)))
	}
	rev := mustUpdate(t, s, put(objects...))
	require.Equal(t, n, count(s, policy.KindEntry))
	require.Equal(t, rev, get[*policy.Entry](t, s, fmt.Sprintf("e%d", n-1)).Revision)
	consistent(t, s)
	mustUpdate(t, s, remove(policy.KindIPSet, "set"))
	require.Zero(t, count(s, policy.KindEntry))
	require.Equal(t, []string{"number/ip-set"}, keys(t, s))
}

func TestTransactionTooLarge(t *testing.T) {
	s := inside.open(t)
	s.operations = 300
	objects := []policy.Object{ipset("set")}
	for n := range 99 {
		objects = append(objects, entry(fmt.Sprintf("e%d", n), "set", fmt.Sprintf("10.0.%d.0/24", n)))
	}
	mustUpdate(t, s, put(objects...)) // Two keys for the set and three for each entry.
	fewer := keys(t, s)
	objects[0], objects = ipset("more"), append(objects, entry("e99", "set", "10.0.99.0/24"))
	for n, o := range objects[1:] {
		objects[n+1] = entry("more-"+o.Base().ID, "more", o.(*policy.Entry).CIDR.String())
	}
	_, err := s.Update(t.Context(), put(objects...))
	var invalid *policy.Invalid
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "transaction-too-large", invalid.Findings[0].Code)
	require.Subset(t, append(fewer, "number/ip-set"), keys(t, s))

	long := group("long")
	long.Description = string(slices.Repeat([]byte("x"), MaxRequest))
	_, err = s.Update(t.Context(), put(long))
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "transaction-too-large", invalid.Findings[0].Code)
}

func TestUpdateOfAContextThatEnded(t *testing.T) {
	s := inside.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Update(ctx, put(group("g")))
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, exists(s, policy.KindGroup, "g"))
}
