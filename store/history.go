package store

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"conjunct/policy"
)

// Since returns the batches after a revision, from etcd's history and then as they come. It returns ErrCompacted when the history
// does not reach back that far (the embedded etcd keeps it for Retention) or the store never had that revision. The
// channel is closed when the context or the store ends, and when the watch breaks: a reader then asks again, with
// the revision of the last batch that it got. What it does not read waits in memory, so that a reader that is stuck has to be
// cut off by ending its context.
func (s *Store) Since(ctx context.Context, revision int64) (<-chan policy.Batch, error) {
	if err := s.mirror.halted(); err != nil {
		return nil, err
	}
	// A read at the revision fails just when the state then, and so the difference to it, is no longer known.
	if _, err := s.client.Get(ctx, s.layout.health(), clientv3.WithRev(revision), clientv3.WithCountOnly()); err != nil || revision <= 0 {
		if revision <= 0 {
			return nil, fmt.Errorf("history since %d: %w", revision, ErrCompacted)
		}
		return nil, translate(fmt.Sprintf("history since %d", revision), err)
	}
	out := make(chan policy.Batch)
	started := s.mirror.start(func() {
		defer close(out)
		watching, cancel := s.mirror.untilClosed(clientv3.WithRequireLeader(ctx))
		defer cancel()
		if err := s.sendSince(watching, revision, out); err != nil && watching.Err() == nil {
			s.log.Warn("a reader of the history has to start again", "since", revision, "error", err)
		}
	})
	if !started {
		return nil, ErrClosed
	}
	return out, nil
}

func (s *Store) sendSince(ctx context.Context, revision int64, out chan<- policy.Batch) error {
	for r := range s.client.Watch(ctx, string(s.layout), clientv3.WithPrefix(), clientv3.WithRev(revision+1), clientv3.WithPrevKV()) {
		if err := r.Err(); err != nil {
			return err
		}
		for revision, events := range byRevision(r.Events) {
			b, err := s.batch(revision, events, previous)
			if err != nil {
				return err
			}
			if len(b.Changes) == 0 {
				continue
			}
			select {
			case out <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return errors.New("etcd closed the watch")
}

// previous is the object before an event, as etcd tells it.
func previous(k key, e *clientv3.Event) (policy.Object, error) {
	if e.PrevKv == nil {
		return nil, nil
	}
	return decode(k, e.PrevKv.Value, e.PrevKv.ModRevision)
}
