package controller

import "sync/atomic"

// waiter waits until each of the hosts that it is registered with has confirmed something: to look at a thousand hosts
// whenever one of them has would be a million looks.
type waiter struct {
	left    atomic.Int64 // hosts, and whoever registers it
	changed chan struct{}
}

// newWaiter returns a waiter that ready must be called for once it is registered.
func newWaiter() *waiter {
	w := &waiter{changed: make(chan struct{})}
	w.left.Store(1)
	return w
}

func (w *waiter) ready() { w.wake() }

func (w *waiter) wake() {
	if w.left.Add(-1) == 0 {
		close(w.changed)
	}
}

// maxWaiters bounds how many wait for a host; more of them are all woken, to ask again.
const maxWaiters = 1000

// await registers a waiter. Both locks are held.
func (h *host) await(w *waiter) {
	if len(h.waiters) == maxWaiters {
		h.wake()
	}
	w.left.Add(1)
	h.waiters = append(h.waiters, w)
}

// wake wakes those who wait for the host. Both locks are held.
func (h *host) wake() {
	for _, w := range h.waiters {
		w.wake()
	}
	h.waiters = nil
}

// wakeAll wakes those who wait for any host.
func (m *model) wakeAll() {
	m.mu.Lock()
	for _, h := range m.hosts {
		h.wake()
	}
	m.mu.Unlock()
	m.news.spread()
}
