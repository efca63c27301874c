package store

import (
	"context"
	"fmt"
	"strconv"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// GenerationID returns a number that is greater than all that any process got before. It fences a new master of a switch
// against the one before (OpenFlow's generation_id).
//
// Switches remember the greatest one until they restart, longer than a store may live: after a backup was brought back, or the
// store was begun anew, its numbers must still be greater. So a number is the time in milliseconds, or one more than the last one where
// the clock says less.
func (s *Store) GenerationID(ctx context.Context) (uint64, error) {
	name := s.layout.generation()
	for {
		got, err := s.client.Get(ctx, name)
		if err != nil {
			return 0, translate("read the generation id", err)
		}
		var last uint64
		unchanged := clientv3.Compare(clientv3.ModRevision(name), "=", 0)
		if len(got.Kvs) > 0 {
			if last, err = strconv.ParseUint(string(got.Kvs[0].Value), 10, 64); err != nil {
				return 0, fmt.Errorf("read the generation id: %w", err)
			}
			unchanged = clientv3.Compare(clientv3.ModRevision(name), "=", got.Kvs[0].ModRevision)
		}
		next := max(last+1, uint64(max(0, s.clock().UnixMilli())))
		done, err := s.client.Txn(ctx).If(unchanged).Then(clientv3.OpPut(name, strconv.FormatUint(next, 10))).Commit()
		if err != nil {
			return 0, translate("take a generation id", err)
		}
		if done.Succeeded {
			return next, nil
		}
	}
}
