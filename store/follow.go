package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"conjunct/policy"
)

const followPause = 200 * time.Millisecond // before a broken watch is started again

// follow applies what etcd reports to workspace and mirror until the context ends. A watch that breaks is started again
// where it broke off; one that has fallen behind etcd's history is replaced by loading everything.
func (s *Store) follow(ctx context.Context) {
	next := s.Revision() + 1
	for ctx.Err() == nil {
		err := s.followFrom(ctx, &next)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, rpctypes.ErrCompacted):
			s.log.Warn("fell behind etcd's history, loading everything", "revision", next-1)
			err = s.reload(ctx, &next)
		}
		if errors.Is(err, errUnreadable) {
			s.log.Error("the store holds what this version can't read; nothing is applied any more", "error", err)
			s.mirror.halt(fmt.Errorf("%w: %w", policy.ErrUnavailable, err))
			return
		}
		if err != nil {
			s.log.Warn("lost the watch of etcd, starting it again", "revision", next-1, "error", err)
			select {
			case <-time.After(followPause):
			case <-ctx.Done():
			}
		}
	}
}

// followFrom watches from *next on and keeps *next behind the last revision that was applied.
func (s *Store) followFrom(ctx context.Context, next *int64) error {
	watching, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	for r := range s.client.Watch(watching, string(s.layout), clientv3.WithPrefix(), clientv3.WithRev(*next), clientv3.WithProgressNotify()) {
		if err := r.Err(); err != nil {
			return err
		}
		for revision, events := range byRevision(r.Events) {
			b, err := s.batch(revision, events, s.known)
			if err != nil {
				return err
			}
			s.applyBatch(b)
			*next = revision + 1
		}
		if r.IsProgressNotify() {
			*next = r.Header.Revision + 1
		}
	}
	return errors.New("etcd closed the watch")
}

// known is the object as the mirror, which only follow writes, has it.
func (s *Store) known(k key, _ *clientv3.Event) (o policy.Object, err error) {
	s.View(func(v *policy.Snapshot) { o, _ = v.Get(k.kind, k.id) })
	return o, nil
}

// applyBatch brings workspace and mirror to the batch's revision. A revision without changes of objects is one for the
// workspace alone, whose transactions compare the revisions of index keys too.
func (s *Store) applyBatch(b policy.Batch) {
	s.workspace.Lock()
	s.workspace.apply(b)
	s.workspace.Unlock()
	if len(b.Changes) > 0 {
		s.mirror.apply(b)
	}
}

// reload loads everything and applies the difference as one batch.
func (s *Store) reload(ctx context.Context, next *int64) error {
	var known *policy.Snapshot
	s.View(func(v *policy.Snapshot) { known = v.Clone() })
	loaded, err := s.load(ctx, known.DefaultProfile, 0)
	if err != nil {
		return err
	}
	s.applyBatch(difference(known, loaded))
	*next = loaded.Revision + 1
	return nil
}

// byRevision groups events, which come in the order of revisions. etcd never splits a revision between two answers.
func byRevision(events []*clientv3.Event) iter.Seq2[int64, []*clientv3.Event] {
	return func(yield func(int64, []*clientv3.Event) bool) {
		for len(events) > 0 {
			revision, n := events[0].Kv.ModRevision, 1
			for n < len(events) && events[n].Kv.ModRevision == revision {
				n++
			}
			if !yield(revision, events[:n]) {
				return
			}
			events = events[n:]
		}
	}
}

// batch is what the events of one revision did to objects; before tells what an object was.
func (s *Store) batch(revision int64, events []*clientv3.Event, before func(key, *clientv3.Event) (policy.Object, error)) (policy.Batch, error) {
	b := policy.Batch{Revision: revision}
	for _, e := range events {
		k, ok := s.layout.parseObject(string(e.Kv.Key))
		if !ok {
			continue
		}
		c := policy.Change{Kind: k.kind, ID: k.id}
		var err error
		if c.Before, err = before(k, e); err != nil {
			return b, err
		}
		if e.Type == clientv3.EventTypePut {
			if c.Object, err = decode(k, e.Kv.Value, e.Kv.ModRevision); err != nil {
				return b, err
			}
		}
		b.Changes = append(b.Changes, c)
	}
	return b, nil
}
