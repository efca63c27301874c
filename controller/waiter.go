package controller

import "sync"

// waiter waits until one of the hosts that it is registered with has confirmed something.
type waiter struct {
	once    sync.Once
	changed chan struct{}
}

func newWaiter() *waiter { return &waiter{changed: make(chan struct{})} }

func (w *waiter) wake() { w.once.Do(func() { close(w.changed) }) }

// maxWaiters bounds how many wait for a host; more of them are all woken, to ask again.
const maxWaiters = 1000

// await registers a waiter. Both locks are held.
func (h *host) await(w *waiter) {
	if len(h.waiters) == maxWaiters {
		h.wake()
	}
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
