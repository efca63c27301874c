package store

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

func conflictOf(t *testing.T, err error) *policy.Conflict {
	t.Helper()
	var c *policy.Conflict
	require.ErrorAs(t, err, &c)
	return c
}

func holderIDs(c *policy.Conflict) (out []string) {
	for _, h := range c.Holders {
		out = append(out, string(h.Kind)+"/"+h.ID)
	}
	return out
}

func TestReferenceToNothing(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	_, err := s.Update(t.Context(), put(instance("j", "web", "none")))
	var invalid *policy.Invalid
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "/security_group_ids/1", invalid.Findings[0].Pointer)
	require.Equal(t, "reference-missing", invalid.Findings[0].Code)
}

func TestForwardAndMutualReferencesInOneTransaction(t *testing.T) {
	s := inside.open(t)
	mustUpdate(t, s, put(
		instance("i", "a", "b"), rule("ra", "a", 22, policy.Remote{GroupID: "b"}), rule("rb", "b", 22, policy.Remote{GroupID: "a"}),
		group("a"), group("b"), project("p"),
	))
	consistent(t, s)
}

func TestDeleteInUseListsAllHolders(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	mustUpdate(t, s, put(port("p1", "i", 1), port("p2", "i", 2), rule("r1", "db", 5432, policy.Remote{GroupID: "web"}),
		rule("own", "web", 80, policy.Remote{GroupID: "web"})))

	_, err := s.Update(t.Context(), remove(policy.KindGroup, "web"))
	c := conflictOf(t, err)
	require.Equal(t, "security-group-in-use", c.Code)
	require.Equal(t, []string{"instance/i", "rule/r1"}, holderIDs(c))
	require.Equal(t, "web", c.Object.ID)

	_, err = s.Update(t.Context(), remove(policy.KindSubnet, "s"))
	require.Equal(t, []string{"port/p1", "port/p2"}, holderIDs(conflictOf(t, err)))
	consistent(t, s)
}

func TestDeleteTogetherWithAllHolders(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	mustUpdate(t, s, put(port("p1", "i", 1), rule("r1", "db", 5432, policy.Remote{GroupID: "web"})))
	mustUpdate(t, s, func(tx policy.Tx) error {
		return errors.Join(tx.Delete(policy.KindGroup, "web"), tx.Delete(policy.KindRule, "r1"), tx.Put(instance("i")))
	})
	require.False(t, exists(s, policy.KindGroup, "web"))
	consistent(t, s)

	// A holder that keeps its reference in the same transaction is told so.
	_, err := s.Update(t.Context(), func(tx policy.Tx) error {
		return errors.Join(tx.Delete(policy.KindGroup, "db"), tx.Put(instance("i", "db")))
	})
	var invalid *policy.Invalid
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "/instance/i/security_group_ids/0", invalid.Findings[0].Pointer)
}

func TestOwnedObjectsGoWithTheirOwner(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	before := keys(t, s)
	mustUpdate(t, s, put(
		group("g"), rule("r1", "g", 1, policy.Remote{Any: true}), rule("r2", "g", 2, policy.Remote{GroupID: "g"}),
		&policy.Attachment{Meta: policy.Meta{ID: "a1"}, GroupID: "g", Target: policy.Target{SubnetID: "s"}},
		ipset("set"), entry("e1", "set", "192.0.2.0/24"),
	))
	mustUpdate(t, s, func(tx policy.Tx) error {
		// What the transaction itself puts below the owner goes too.
		return errors.Join(tx.Put(rule("r3", "g", 3, policy.Remote{Any: true})), tx.Delete(policy.KindGroup, "g"), tx.Delete(policy.KindIPSet, "set"))
	})
	for _, k := range []policy.Kind{policy.KindRule, policy.KindAttachment, policy.KindEntry} {
		require.Zero(t, count(s, k), k)
	}
	require.Subset(t, append(before, "number/rule", "number/attachment", "number/ip-set"), keys(t, s))
	consistent(t, s)
}

func TestUniqueValues(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	mustUpdate(t, s, put(port("p1", "i", 1), rule("r1", "web", 22, policy.Remote{Any: true})))
	named := func(o *policy.Group, name string) *policy.Group { o.Name = name; return o }
	clash := port("p2", "i", 2)
	clash.Addresses = port("", "", 1).Addresses
	iface := port("p2", "i", 2)
	iface.IfaceID = "p1"
	for _, c := range []struct {
		name, code, pointer string
		fn                  func(policy.Tx) error
	}{
		{"name", "name-taken", "/name", put(named(group("x"), "web"))},
		{"name twice in one transaction", "name-taken", "/name", put(named(group("x"), "n"), named(group("y"), "n"))},
		{"address", "address-taken", "/addresses/0", put(clash)},
		{"iface_id", "iface-id-taken", "/iface_id", put(iface)},
		{"vlan", "vlan-in-use", "/vlan", put(subnet("s2", "v", 0, "192.168.0.0/16"))},
		{"rule", "rule-exists", "", put(rule("r2", "web", 22, policy.Remote{Any: true}))},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Update(t.Context(), c.fn)
			got := conflictOf(t, err)
			require.Equal(t, c.code, got.Code)
			require.Equal(t, c.pointer, got.Pointer)
			require.Len(t, got.Holders, 1)
			require.NotContains(t, got.Message, "%!")
		})
	}
	consistent(t, s)
}

func TestUniqueValuesMoveWithinATransaction(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	web, db := group("web"), group("db")
	web.Name, db.Name = "db", "web"
	mustUpdate(t, s, put(web, db))
	consistent(t, s)
	require.Equal(t, "db", get[*policy.Group](t, s, "web").Name)
	for _, name := range []string{"web", "db"} {
		g := group("another")
		g.Name = name
		_, err := s.Update(t.Context(), put(g))
		require.Equal(t, "name-taken", conflictOf(t, err).Code)
	}

	// A name that is free again is taken, also by what is created where the holder is deleted.
	mustUpdate(t, s, func(tx policy.Tx) error {
		g := group("third")
		g.Name = "web"
		return errors.Join(tx.Delete(policy.KindGroup, "db"), tx.Put(g))
	})
	consistent(t, s)
	mustUpdate(t, s, put(group("db2")))
	consistent(t, s)
}

func TestDeleteAndPutInOneTransactionReplaces(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	mustUpdate(t, s, put(rule("r1", "db", 22, policy.Remote{Any: true})))
	number := get[*policy.Group](t, s, "db").Number
	mustUpdate(t, s, func(tx policy.Tx) error {
		return errors.Join(tx.Delete(policy.KindGroup, "db"), tx.Put(group("db")), tx.Put(rule("r2", "db", 22, policy.Remote{Any: true})))
	})
	require.False(t, exists(s, policy.KindRule, "r1"))
	require.True(t, exists(s, policy.KindRule, "r2"))
	require.Equal(t, number, get[*policy.Group](t, s, "db").Number)
	consistent(t, s)
}

func TestEveryConflictIsReported(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	x, y := group("x"), group("y")
	x.Name, y.Name = "web", "db"
	_, err := s.Update(t.Context(), put(x, y))
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok)
	require.Len(t, joined.Unwrap(), 2)
}

func TestLongUniqueValuesAreKeptApart(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	var cidrs []policy.CIDR
	for n := range 100 {
		cidrs = append(cidrs, entry("", "", fmt.Sprintf("10.%d.0.0/16", n)).CIDR)
	}
	mustUpdate(t, s, put(rule("r1", "web", 22, policy.Remote{CIDRs: cidrs}), rule("r2", "web", 22, policy.Remote{CIDRs: cidrs[1:]})))
	_, err := s.Update(t.Context(), put(rule("r3", "web", 22, policy.Remote{CIDRs: cidrs})))
	require.Equal(t, []string{"rule/r1"}, holderIDs(conflictOf(t, err)))
	for _, k := range keys(t, s) {
		require.Less(t, len(k), 300)
	}
	consistent(t, s)
}
