package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// fence is a key of this process that each of its commits compares. Writing it bars every commit that is still on its way:
// what has not been made by then never will be. It is written only when the answer to a commit got lost, and never deleted,
// which would lift the bar.
type fence struct {
	name     string
	revision atomic.Int64 // of the key; 0 while it does not exist
}

func newFence(l layout) *fence {
	return &fence{name: l.fence(rand.Text())}
}

// raise moves the revision on, never back.
func (f *fence) raise(revision int64) {
	for {
		old := f.revision.Load()
		if old >= revision || f.revision.CompareAndSwap(old, revision) {
			return
		}
	}
}

// refusals are answers of etcd that leave no doubt that nothing was changed.
var refusals = []error{
	rpctypes.ErrTooManyOps, rpctypes.ErrRequestTooLarge, rpctypes.ErrNoSpace, rpctypes.ErrTooManyRequests,
	rpctypes.ErrNoLeader, rpctypes.ErrPermissionDenied, rpctypes.ErrInvalidAuthToken, rpctypes.ErrUserEmpty,
}

func refused(err error) bool {
	for _, r := range refusals {
		if isEtcd(err, r) {
			return true
		}
	}
	return oversized(err)
}

// settle finds out whether a commit without an answer was made, and sees to it that it won't be any more when it was not. A line
// that breaks again is tried again until the context ends; asking twice changes nothing.
func (s *Store) settle(ctx context.Context, p *plan, lost error) (revision int64, made bool, err error) {
	for try := 0; ; try++ {
		if revision, err = s.bar(ctx, p); err == nil {
			return revision, revision != 0, nil
		}
		if refused(err) || !pause(ctx, try) {
			return 0, false, fmt.Errorf("%w; it is not known whether the change was made", translate("commit", errors.Join(lost, err)))
		}
	}
}

// bar writes the fence, and then looks at what came before it: the revision at which the commit was made, 0 for one that never will be.
func (s *Store) bar(ctx context.Context, p *plan) (int64, error) {
	r, err := s.client.Put(ctx, s.fence.name, "")
	if err != nil {
		return 0, err
	}
	s.fence.raise(r.Header.Revision)
	return s.successor(ctx, p, p.changed[0], r.Header.Revision)
}

// successor is the revision at which the write was made, 0 if it was not made up to the revision at. A write can only be the first
// change of its key since the object was read, so that this one tells. (An object that was created and, within the
// seconds since, deleted by somebody else counts as not created.)
func (s *Store) successor(ctx context.Context, p *plan, w *write, at int64) (int64, error) {
	name, before := s.layout.object(w.key), int64(0)
	if w.before != nil {
		before = w.before.Base().Revision
	}
	r, err := s.client.Get(ctx, name, clientv3.WithRev(at), clientv3.WithKeysOnly())
	if err != nil {
		return 0, err
	}
	if (len(r.Kvs) == 0 && before == 0) || (len(r.Kvs) == 1 && r.Kvs[0].ModRevision == before) {
		return 0, nil
	}
	first, err := s.firstEvent(ctx, name, p.revision+1)
	if err != nil {
		return 0, err
	}
	if w.after == nil {
		if first.Type == clientv3.EventTypeDelete { // By whom makes no difference.
			return first.Kv.ModRevision, nil
		}
		return 0, nil
	}
	want, err := encode(w.after)
	if err != nil || first.Type == clientv3.EventTypeDelete || string(want) != string(first.Kv.Value) {
		return 0, err
	}
	return first.Kv.ModRevision, nil
}

// firstEvent is what first happened to a key from a revision on.
func (s *Store) firstEvent(ctx context.Context, name string, from int64) (*clientv3.Event, error) {
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	for r := range s.client.Watch(watching, name, clientv3.WithRev(from)) {
		if err := r.Err(); err != nil {
			return nil, err
		}
		if len(r.Events) > 0 {
			return r.Events[0], nil
		}
	}
	return nil, fmt.Errorf("watch %s: %w", name, context.Cause(ctx))
}
