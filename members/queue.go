package members

import (
	"net/netip"
	"time"

	"conjunct/policy"
)

// queue is what Redis has not got yet, in bounded memory. It forgets detail rather than grow:
//
//	changes of a group ──over the limit──► the group, as a whole ──over the limit──► everything
//
// each of which can be written from what the Source says when the time comes.
type queue struct {
	limit   int // groups and changes together
	size    int
	order   []policy.GroupID // by when they were first touched
	pending map[policy.GroupID]*pending

	everything bool      // nothing is pending, all has to be written
	oldest     time.Time // since when everything waits, or what was taken and is not done; zero: nothing
	overflows  uint64
}

// pending is what Redis has not got of one group.
type pending struct {
	revision int64 // of the newest change
	since    time.Time
	whole    bool                  // changes are unknown, and nil
	changes  map[netip.Prefix]bool // true: is a member at the revision, false: is not
}

// work is one group to write, taken out of the queue.
type work struct {
	group policy.GroupID
	pending
}

func newQueue(limit int, now time.Time) *queue {
	return &queue{limit: limit, pending: make(map[policy.GroupID]*pending), everything: true, oldest: now}
}

// offer takes an update in. Updates of a group come in the order of their revisions.
func (q *queue) offer(u Update, now time.Time) {
	if q.everything {
		return
	}
	p := q.touch(u.Group, now)
	p.revision = max(p.revision, u.Revision)
	n := len(u.Adds) + len(u.Removes)
	switch {
	case n == 0:
		q.forget(p)
	case !p.whole && q.size+n <= q.limit:
		q.merge(p, u)
	case !p.whole:
		q.overflows++
		q.forget(p)
	}
	q.shrink()
}

// look asks for a group to be written as a whole.
func (q *queue) look(g policy.GroupID, now time.Time) {
	if q.everything {
		return
	}
	q.forget(q.touch(g, now))
	q.shrink()
}

func (q *queue) touch(g policy.GroupID, now time.Time) *pending {
	p := q.pending[g]
	if p == nil {
		p = &pending{since: now}
		q.pending[g] = p
		q.order = append(q.order, g)
		q.size++
	}
	return p
}

func (q *queue) merge(p *pending, u Update) {
	if p.changes == nil {
		p.changes = make(map[netip.Prefix]bool, len(u.Adds)+len(u.Removes))
	}
	before := len(p.changes)
	for _, prefix := range u.Removes {
		p.changes[prefix] = false
	}
	for _, prefix := range u.Adds {
		p.changes[prefix] = true
	}
	q.size += len(p.changes) - before
}

func (q *queue) forget(p *pending) {
	q.size -= len(p.changes)
	p.whole, p.changes = true, nil
}

// shrink brings the queue back under its limit.
func (q *queue) shrink() {
	if q.size <= q.limit {
		return
	}
	q.overflows++
	for _, p := range q.pending {
		q.forget(p)
	}
	if q.size > q.limit {
		q.all(time.Time{})
	}
}

// all gives up what is pending for everything. now stands for since when, if nothing waited.
func (q *queue) all(now time.Time) {
	q.oldest = q.waiting()
	if q.oldest.IsZero() {
		q.oldest = now
	}
	q.everything, q.order, q.size = true, nil, 0
	q.pending = make(map[policy.GroupID]*pending)
}

// takeAll reports whether everything has to be written, and leaves that to the caller. What is offered from here on is queued.
func (q *queue) takeAll() bool {
	was := q.everything
	q.everything = false
	return was
}

// take hands out the group that waits longest.
func (q *queue) take() (work, bool) {
	if len(q.order) == 0 {
		return work{}, false
	}
	g := q.order[0]
	p := q.pending[g]
	if q.oldest.IsZero() {
		q.oldest = p.since
	}
	q.order = q.order[1:]
	delete(q.pending, g)
	q.size -= 1 + len(p.changes)
	return work{g, *p}, true
}

// done says that all that was taken is in Redis.
func (q *queue) done() {
	if !q.everything {
		q.oldest = time.Time{}
	}
}

// waiting is since when the oldest change waits; zero when none does.
func (q *queue) waiting() time.Time {
	if !q.oldest.IsZero() || len(q.order) == 0 {
		return q.oldest
	}
	return q.pending[q.order[0]].since
}
