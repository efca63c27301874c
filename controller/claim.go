package controller

import (
	"context"
	"errors"
	"sync"
)

// errReplaced ends a connection when another one of the same host has come.
var errReplaced = errors.New("replaced by a newer connection of the host")

// claim is a place that one connection has at a time; a newer one takes it over.
type claim struct {
	mu     sync.Mutex
	cancel context.CancelCauseFunc
	done   chan struct{}
}

// evict ends the present holder's context and waits until it has let go.
func (c *claim) evict() {
	c.mu.Lock()
	before, done := c.cancel, c.done
	c.mu.Unlock()
	if before != nil {
		before(errReplaced)
		<-done
	}
}

// take ends the present holder's context, waits until it has let go, and returns the context of the new one.
func (c *claim) take(ctx context.Context) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	c.mu.Lock()
	before, beforeDone := c.cancel, c.done
	c.cancel, c.done = cancel, done
	c.mu.Unlock()
	if before != nil {
		before(errReplaced)
		<-beforeDone
	}
	return ctx, func() {
		cancel(nil)
		close(done)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.done == done {
			c.cancel, c.done = nil, nil
		}
	}
}
