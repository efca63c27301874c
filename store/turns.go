package store

import (
	"context"
	"sync"
)

// turns lets the transactions of this process that change one object commit one after the other, in the order in which they came. They
// would all but one lose the race, run again together, and lose again: with as many as come in the time of a commit, nobody gets on.
// What decides is the compare nevertheless; other processes know nothing of it.
type turns struct {
	mu    sync.Mutex
	queue map[key]*turn
}

// turn is the one of an object. Who waits for a channel is served in the order of coming.
type turn struct {
	free chan struct{} // holds a token while nobody has it
	uses int           // those who have it or wait for it
}

func newTurns() *turns { return &turns{queue: make(map[key]*turn)} }

// take waits until it is the caller's turn; waited says that somebody had it before, so that the state may be another one now.
func (t *turns) take(ctx context.Context, k key) (end func(), waited bool, err error) {
	q := t.join(k)
	select {
	case <-q.free:
		return func() { t.leave(k, q, true) }, false, nil
	default:
	}
	select {
	case <-q.free:
		return func() { t.leave(k, q, true) }, true, nil
	case <-ctx.Done():
		t.leave(k, q, false)
		return nil, false, ctx.Err()
	}
}

func (t *turns) join(k key) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.queue[k]
	if q == nil {
		q = &turn{free: make(chan struct{}, 1)}
		q.free <- struct{}{}
		t.queue[k] = q
	}
	q.uses++
	return q
}

func (t *turns) leave(k key, q *turn, had bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if had {
		q.free <- struct{}{}
	}
	if q.uses--; q.uses == 0 {
		delete(t.queue, k)
	}
}
