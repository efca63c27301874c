package store

import (
	"context"
	"sync"

	"conjunct/policy"
)

// maxPending is how many batches wait for a slow reader before they are merged.
const maxPending = 4096

// subscription is a queue between the mirror, which must never wait, and one reader.
type subscription struct {
	out     chan policy.Batch
	wake    chan struct{} // holds one token while pending is not empty
	mu      sync.Mutex
	pending []policy.Batch
}

func newSubscription() *subscription {
	return &subscription{out: make(chan policy.Batch), wake: make(chan struct{}, 1)}
}

func (s *subscription) push(b policy.Batch) {
	s.mu.Lock()
	s.pending = append(s.pending, b)
	if len(s.pending) > maxPending {
		s.pending = []policy.Batch{merge(s.pending)}
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscription) pop() (b policy.Batch, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 {
		return b, false
	}
	b, s.pending = s.pending[0], s.pending[1:]
	return b, true
}

// pump moves batches to the reader until either end goes away.
func (s *subscription) pump(ctx context.Context, closing context.Context) {
	defer close(s.out)
	for {
		b, ok := s.pop()
		if !ok {
			select {
			case <-s.wake:
				continue
			case <-ctx.Done():
				return
			case <-closing.Done():
				return
			}
		}
		select {
		case s.out <- b:
		case <-ctx.Done():
			return
		case <-closing.Done():
			return
		}
	}
}

// merge makes one batch of several that follow each other: per object, the first before and the last after. What came and
// went in between is not in it.
func merge(batches []policy.Batch) policy.Batch {
	var out policy.Batch
	at := make(map[key]int)
	var changes []policy.Change
	for _, b := range batches {
		out.Revision = b.Revision
		for _, c := range b.Changes {
			k := key{c.Kind, c.ID}
			if i, ok := at[k]; ok {
				changes[i].Object = c.Object
				continue
			}
			at[k] = len(changes)
			changes = append(changes, c)
		}
	}
	for _, c := range changes {
		if c.Before != nil || c.Object != nil {
			out.Changes = append(out.Changes, c)
		}
	}
	return out
}
