package store

import (
	"context"
	"maps"
	"slices"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// counterBytes is about how much one transaction of SaveCounters writes at most: counters never hold up a change for long.
const counterBytes = 512 << 10

// counters is the prefix of what SaveCounters writes. It lies beside the prefix of the objects, not below: nobody who watches
// objects hears of counters.
func (l layout) counters() string { return string(l[:len(l)-1]) + "-counters/" }

// Counters returns everything that SaveCounters has written and not deleted.
func (s *Store) Counters(ctx context.Context) (map[string][]byte, error) {
	out := make(map[string][]byte)
	prefix := s.layout.counters()
	_, err := s.scan(ctx, prefix, 0, func(name string, value []byte, _ int64) error {
		out[name[len(prefix):]] = value
		return nil
	})
	return out, err
}

// SaveCounters writes values under names that mean nothing to the store, outside of the objects and of what is said about them:
// no revision of an object moves and no batch tells of it. A nil value deletes. One value is written whole or not at
// all; of several, some may be written when there is an error.
func (s *Store) SaveCounters(ctx context.Context, values map[string][]byte) error {
	var ops []clientv3.Op
	size := 0
	commit := func() error {
		_, err := s.client.Txn(ctx).Then(ops...).Commit()
		ops, size = nil, 0
		return translate("save counters", err)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key, value := s.layout.counters()+name, values[name]
		if value == nil {
			ops = append(ops, clientv3.OpDelete(key))
		} else {
			ops = append(ops, clientv3.OpPut(key, string(value)))
		}
		if size += len(key) + len(value); size >= counterBytes {
			if err := commit(); err != nil {
				return err
			}
		}
	}
	if len(ops) == 0 {
		return nil
	}
	return commit()
}
