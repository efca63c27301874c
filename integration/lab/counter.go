package lab

import (
	"sync"
	"time"
)

// A Counter counts what arrives somewhere. It may be read while it counts.
type Counter struct {
	mu      sync.Mutex
	total   int
	last    time.Time
	arrived chan struct{} // closed and replaced at each arrival
}

func newCounter() *Counter { return &Counter{arrived: make(chan struct{})} }

func (c *Counter) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += n
	c.last = time.Now()
	close(c.arrived)
	c.arrived = make(chan struct{})
}

// Total is the number of bytes or packets that have arrived.
func (c *Counter) Total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// Last is when the newest arrived; the zero time when nothing has.
func (c *Counter) Last() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// Reaches waits until at least total have arrived.
func (c *Counter) Reaches(total int, within time.Duration) bool {
	timeout := time.After(within)
	for {
		c.mu.Lock()
		now, arrived := c.total, c.arrived
		c.mu.Unlock()
		if now >= total {
			return true
		}
		select {
		case <-arrived:
		case <-timeout:
			return false
		}
	}
}

// GoesOn waits until something more arrives.
func (c *Counter) GoesOn(within time.Duration) bool { return c.Reaches(c.Total()+1, within) }

// Stops waits until nothing has arrived for the time quiet, and says when the last was.
func (c *Counter) Stops(quiet, within time.Duration) (last time.Time, stopped bool) {
	deadline := time.Now().Add(within)
	for {
		c.mu.Lock()
		arrived := c.arrived
		c.mu.Unlock()
		select {
		case <-arrived:
			if time.Now().After(deadline) {
				return c.Last(), false
			}
		case <-time.After(quiet):
			return c.Last(), true
		}
	}
}
