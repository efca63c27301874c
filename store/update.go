package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"conjunct/policy"
)

const (
	// commitTimeout bounds one commit. It is not the caller's context that does: a caller that goes away in the middle of a
	// commit would leave behind that nobody knows whether it was made.
	commitTimeout = 15 * time.Second
	// A lost race is waited out until its winner is visible, at most for newsTimeout, and staleTries times without any news.
	newsTimeout = 3 * time.Second
	staleTries  = 5
	// After each further lost race a transaction waits up to twice as long, so that the losers don't meet again.
	firstPause, longestPause = time.Millisecond, 50 * time.Millisecond
	// maxCommits is how many commits etcd has at a time: enough for it to gather many behind one sync of the disk. All that come in
	// a burst would wait in its queue until commitTimeout, and the fence that finds out about the first bars all of them.
	maxCommits = 64
)

// Update runs fn on the newest state and makes what it wrote durable, all at the revision that it returns, or nothing.
// By then this process sees it. fn runs again when another transaction got in between; it must not call Update or block. With
// nothing to write, the revision is not above the one that fn saw: putting an object as it is changes nothing.
//
// Errors of fn come back as they are. The store's own are *policy.Invalid, *policy.Conflict (joined where there are
// several), *policy.NotFound, *policy.Forbidden, policy.ErrStale and policy.ErrUnavailable. When the context ends between
// the commit and its becoming visible, the revision is set and the error is the context's.
func (s *Store) Update(ctx context.Context, fn func(policy.Tx) error) (int64, error) {
	numbered := make(map[key]policy.Number)
	stale := 0
	var end func() // of the turn
	defer func() {
		if end != nil {
			end()
		}
	}()
	for try := 0; ; try++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		p, err := s.prepare(fn)
		if err != nil {
			return 0, err
		}
		if len(p.changed) == 0 {
			return min(p.revision, s.Revision()), nil
		}
		if end == nil {
			var waited bool
			if end, waited, err = s.turns.take(ctx, p.changed[0].key); err != nil {
				return 0, err
			}
			if waited {
				try--
				continue
			}
		}
		if err := s.number(ctx, p, numbered); err != nil {
			return 0, err
		}
		revision, won, err := s.commitInTurn(ctx, p)
		if err != nil {
			return 0, err
		}
		if won {
			s.noteAudit()
			return revision, s.mirror.wait(ctx, revision)
		}
		if stale, err = s.awaitNews(ctx, p, try, stale); err != nil {
			return 0, err
		}
	}
}

// DryRun does all that Update does but for the numbers and the commit, and returns what Update would refuse it for.
func (s *Store) DryRun(ctx context.Context, fn func(policy.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := s.prepare(fn)
	return err
}

// prepare runs fn in the workspace, judges what it wrote and leaves the workspace as it was.
func (s *Store) prepare(fn func(policy.Tx) error) (*plan, error) {
	if err := s.mirror.halted(); err != nil {
		return nil, err
	}
	s.workspace.Lock()
	defer s.workspace.Unlock()
	t := begin(s.workspace.state, s.clock().UTC().Round(0))
	defer t.rollback()
	if err := fn(t); err != nil {
		return nil, err
	}
	if err := t.judge(); err != nil {
		return nil, err
	}
	p := t.plan()
	p.fence = s.fence.revision.Load()
	return p, nil
}

// number gives numbers to what is created; an object that got one for an earlier try keeps it.
func (s *Store) number(ctx context.Context, p *plan, numbered map[key]policy.Number) error {
	var fresh []policy.Numbered
	for _, o := range p.numberless() {
		if n, ok := numbered[keyOf(o)]; ok {
			o.SetNumber(n)
		} else {
			fresh = append(fresh, o)
		}
	}
	if err := s.numbers.give(ctx, fresh); err != nil {
		return err
	}
	for _, o := range fresh {
		numbered[keyOf(o)] = o.GetNumber()
	}
	return nil
}

// commitInTurn is commit as soon as etcd has few enough to do.
func (s *Store) commitInTurn(ctx context.Context, p *plan) (revision int64, won bool, err error) {
	select {
	case s.commits <- struct{}{}:
		defer func() { <-s.commits }()
	case <-ctx.Done():
		return 0, false, ctx.Err()
	}
	return s.commit(ctx, p)
}

// commit offers the plan to etcd; won is false when a compare failed.
func (s *Store) commit(ctx context.Context, p *plan) (revision int64, won bool, err error) {
	compares := p.compares()
	writes, err := p.writes()
	if err != nil {
		return 0, false, err
	}
	if !s.audited.off {
		record, err := p.audit(policy.ActorOf(ctx))
		if err != nil {
			return 0, false, err
		}
		writes = append(writes, record)
	}
	if n := max(len(compares)+1, len(writes)); n > s.operations {
		return 0, false, tooLarge("the change needs %d operations in one transaction of etcd, which takes %d", n, s.operations)
	}
	compares = append(compares, clientv3.Compare(clientv3.ModRevision(s.fence.name), "=", p.fence))
	committing, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	r, err := s.client.Txn(committing).If(compares...).Then(writes...).Commit()
	switch {
	case err == nil:
		return r.Header.Revision, r.Succeeded, nil
	case refused(err):
		return 0, false, translate("commit", err)
	}
	settling, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	return s.settle(settling, p, err)
}

// awaitNews returns when the state is newer than the one that lost the race. A compare can't fail while nothing has
// changed, unless the index keys are not what the objects say.
func (s *Store) awaitNews(ctx context.Context, p *plan, try, stale int) (int, error) {
	if s.fence.revision.Load() != p.fence {
		return stale, nil // It was the fence that failed.
	}
	waiting, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	err := s.mirror.wait(waiting, p.revision+1)
	switch {
	case err == nil:
		stale = 0
	case ctx.Err() != nil:
		return stale, ctx.Err()
	case !errors.Is(err, context.DeadlineExceeded):
		return stale, err
	default:
		if stale++; stale == staleTries {
			return stale, fmt.Errorf("commit: %w: etcd refuses what the objects allow; the store has to be checked", policy.ErrUnavailable)
		}
	}
	if try > 0 {
		pause(ctx, try)
	}
	return stale, nil
}

// pause waits the longer the more tries there were, and reports whether the context still goes on.
func pause(ctx context.Context, try int) bool {
	select {
	case <-time.After(rand.N(min(firstPause<<min(try, 10), longestPause))):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
