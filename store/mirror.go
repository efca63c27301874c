package store

import (
	"context"
	"sync"

	"conjunct/policy"
)

// mirror is what everybody reads: the newest state that this process knows, and who waits for news of it.
type mirror struct {
	mu       sync.RWMutex
	snapshot *policy.Snapshot
	waiting  map[int64][]chan struct{} // closed once the revision of the key is reached
	readers  map[*subscription]struct{}
	fault    error           // why it does not advance any more
	closing  context.Context // ends with the mirror
	end      context.CancelFunc
	running  sync.WaitGroup
}

func newMirror(s *policy.Snapshot) *mirror {
	closing, end := context.WithCancel(context.Background())
	return &mirror{
		snapshot: s, waiting: make(map[int64][]chan struct{}), readers: make(map[*subscription]struct{}),
		closing: closing, end: end,
	}
}

func (m *mirror) view(fn func(*policy.Snapshot)) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	fn(m.snapshot)
}

func (m *mirror) revision() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.snapshot.Revision
}

// apply makes a batch visible, wakes those who wait for it and hands it to the readers.
func (m *mirror) apply(b policy.Batch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range b.Changes {
		if c.Object == nil {
			m.snapshot.Delete(c.Kind, c.ID)
		} else {
			m.snapshot.Put(c.Object)
		}
	}
	m.snapshot.Revision = b.Revision
	for revision, waiting := range m.waiting {
		if revision <= b.Revision {
			for _, c := range waiting {
				close(c)
			}
			delete(m.waiting, revision)
		}
	}
	for r := range m.readers {
		r.push(b)
	}
}

// wait returns once the revision is visible.
func (m *mirror) wait(ctx context.Context, revision int64) error {
	m.mu.Lock()
	if m.snapshot.Revision >= revision {
		m.mu.Unlock()
		return nil
	}
	if m.fault != nil {
		defer m.mu.Unlock()
		return m.fault
	}
	reached := make(chan struct{})
	m.waiting[revision] = append(m.waiting[revision], reached)
	m.mu.Unlock()
	select {
	case <-reached:
		return m.faultBelow(revision)
	case <-m.closing.Done():
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err() // The entry stays until the revision comes, which it does.
	}
}

func (m *mirror) faultBelow(revision int64) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.snapshot.Revision >= revision {
		return nil
	}
	return m.fault
}

// halt stops the mirror where it is: what follows can't be read. Those who wait are told.
func (m *mirror) halt(fault error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = fault
	for revision, waiting := range m.waiting {
		for _, c := range waiting {
			close(c)
		}
		delete(m.waiting, revision)
	}
}

func (m *mirror) halted() error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.fault
}

func (m *mirror) snapshotAndWatch(ctx context.Context) (*policy.Snapshot, <-chan policy.Batch, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing.Err() != nil {
		return nil, nil, ErrClosed
	}
	if m.fault != nil {
		return nil, nil, m.fault
	}
	r := newSubscription()
	m.readers[r] = struct{}{}
	m.running.Go(func() {
		r.pump(ctx, m.closing)
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.readers, r)
	})
	return m.snapshot.Clone(), r.out, nil
}

// start runs fn in a goroutine that close waits for; it reports false when the mirror is closed.
func (m *mirror) start(fn func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing.Err() != nil {
		return false
	}
	m.running.Go(fn)
	return true
}

// untilClosed is a context that also ends with the mirror.
func (m *mirror) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(m.closing, cancel)
	return ctx, func() { stop(); cancel() }
}

func (m *mirror) close() {
	m.mu.Lock()
	m.end()
	m.mu.Unlock()
	m.running.Wait()
}
