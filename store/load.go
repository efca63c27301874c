package store

import (
	"context"
	"maps"

	clientv3 "go.etcd.io/etcd/client/v3"

	"conjunct/policy"
)

// loadPage is how many keys one answer of etcd has. For each answer etcd counts all keys that are left, so that small pages
// of a large store cost more than they save.
const loadPage = 100_000

// load reads all objects at one revision of etcd; 0 is the newest.
func (s *Store) load(ctx context.Context, defaultProfile policy.ProfileName, revision int64) (*policy.Snapshot, error) {
	snapshot := policy.NewSnapshot(defaultProfile)
	snapshot.Revision = revision
	for _, kind := range policy.Kinds() {
		revision, err := s.scan(ctx, string(s.layout)+string(kind)+"/", snapshot.Revision, func(name string, value []byte, modified int64) error {
			k, _ := s.layout.parseObject(name)
			o, err := decode(k, value, modified)
			if err == nil {
				snapshot.Put(o)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		snapshot.Revision = revision
	}
	return snapshot, nil
}

// scan reads all keys below a prefix, page by page, at the revision; 0 is the newest. It returns the revision that it read at.
func (s *Store) scan(ctx context.Context, prefix string, revision int64, each func(name string, value []byte, modified int64) error) (int64, error) {
	from := prefix
	for {
		page, err := s.client.Get(ctx, from, clientv3.WithRange(clientv3.GetPrefixRangeEnd(prefix)),
			clientv3.WithRev(revision), clientv3.WithLimit(loadPage))
		if err != nil {
			return 0, translate("load "+prefix, err)
		}
		if revision == 0 {
			revision = page.Header.Revision
		}
		for _, kv := range page.Kvs {
			if err := each(string(kv.Key), kv.Value, kv.ModRevision); err != nil {
				return 0, err
			}
			from = string(kv.Key) + "\x00"
		}
		if !page.More {
			return revision, nil
		}
	}
}

// stateOf makes the workspace's state of a snapshot.
func stateOf(l layout, snapshot *policy.Snapshot) *state {
	s := newState(l, snapshot.DefaultProfile)
	for _, kind := range policy.Kinds() {
		for o := range snapshot.All(kind) {
			if k := keyOf(o); !isPreset(k) {
				s.set(k, o)
			}
		}
	}
	s.snapshot.Revision = snapshot.Revision
	return s
}

// difference is the batch that leads from one snapshot to a later one.
func difference(from, to *policy.Snapshot) policy.Batch {
	b := policy.Batch{Revision: to.Revision}
	for _, kind := range policy.Kinds() {
		old := make(map[string]policy.Object, from.Len(kind))
		for o := range from.All(kind) {
			old[o.Base().ID] = o
		}
		for o := range to.All(kind) {
			before := old[o.Base().ID]
			delete(old, o.Base().ID)
			if before == nil || before.Base().Revision != o.Base().Revision {
				b.Changes = append(b.Changes, policy.Change{Kind: kind, ID: o.Base().ID, Object: o, Before: before})
			}
		}
		for id := range maps.Keys(old) {
			b.Changes = append(b.Changes, policy.Change{Kind: kind, ID: id, Before: old[id]})
		}
	}
	return b
}
