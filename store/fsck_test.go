package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"conjunct/policy"
)

func TestFsckFindsEveryFaultAndOpenRepairsTheIndex(t *testing.T) {
	web := key{policy.KindGroup, "web"}
	ins := key{policy.KindInstance, "i"}
	name := func(s *Store) string { return s.layout.unique(policy.Uniques(group("web"))[0]) }
	for _, c := range []struct {
		name   string
		damage func(*Store) clientv3.Op
		finds  string
		heals  bool
	}{
		{"unique key missing", func(s *Store) clientv3.Op { return clientv3.OpDelete(name(s)) }, "of security-group/web is missing", true},
		{"unique key of nobody", func(s *Store) clientv3.Op {
			return clientv3.OpPut(s.layout.unique(policy.Unique{Scope: "vlan", Value: "7"}), "subnet/x")
		},
			`unique/vlan/7 ("subnet/x") has no object`, true},
		{"unique key of another", func(s *Store) clientv3.Op { return clientv3.OpPut(name(s), "security-group/db") },
			`says "security-group/db" and should say "security-group/web"`, true},
		{"reference missing", func(s *Store) clientv3.Op { return clientv3.OpDelete(s.layout.reference(web, ins)) }, "of instance/i is missing", true},
		{"reference of nobody", func(s *Store) clientv3.Op {
			return clientv3.OpPut(s.layout.reference(web, key{policy.KindRule, "x"}), "")
		}, "security-group/web/rule/x", true},
		{"number counted back", func(s *Store) clientv3.Op { return clientv3.OpPut(s.layout.number(policy.KindGroup), "1") }, "was not given out", false},
		{"number given twice", func(s *Store) clientv3.Op {
			twin := get[*policy.Group](t, s, "db").Clone().(*policy.Group)
			twin.Number = get[*policy.Group](t, s, "web").Number
			b, _ := encode(twin)
			return clientv3.OpPut(s.layout.object(keyOf(twin)), string(b))
		}, "have the same number", false},
		{"object gone from under a reference", func(s *Store) clientv3.Op { return clientv3.OpDelete(s.layout.object(web)) },
			"instance/i refers by /security_group_ids/0 to security-group/web, which does not exist", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := inside.open(t)
			populate(t, s)
			consistent(t, s)
			r, err := s.client.Do(t.Context(), c.damage(s))
			require.NoError(t, err)
			seen(t, s, r)
			found, err := s.Fsck(context.Background())
			require.NoError(t, err)
			require.NotEmpty(t, found)
			require.Contains(t, strings.Join(found, "\n"), c.finds)

			again := inside.openAt(t, string(s.layout))
			found, err = again.Fsck(context.Background())
			require.NoError(t, err)
			if c.heals {
				require.Empty(t, found)
			} else {
				require.Contains(t, strings.Join(found, "\n"), c.finds)
			}
		})
	}
}

// seen waits until the store's own view is as new as an answer of etcd, whatever the answer changed.
func seen(t *testing.T, s *Store, r clientv3.OpResponse) {
	t.Helper()
	rev := int64(0)
	if r.Put() != nil {
		rev = r.Put().Header.Revision
	} else {
		rev = r.Del().Header.Revision
	}
	for known := int64(0); known < rev; time.Sleep(time.Millisecond) {
		s.workspace.Lock()
		known = s.workspace.snapshot.Revision
		s.workspace.Unlock()
	}
}

// An index key that no object explains can't be got past by trying again, and does not make a caller wait for ever.
func TestUpdateGivesUpOnABrokenIndex(t *testing.T) {
	s := inside.open(t)
	s.patience = 10 * time.Millisecond
	populate(t, s)
	_, err := s.client.Put(t.Context(), s.layout.unique(policy.Uniques(group("g"))[0]), "security-group/ghost")
	require.NoError(t, err)
	_, err = s.Update(t.Context(), put(group("g")))
	require.ErrorIs(t, err, policy.ErrUnavailable)
	require.ErrorContains(t, err, "has to be checked")
	mustUpdate(t, inside.openAt(t, string(s.layout)), put(group("g")))
}
