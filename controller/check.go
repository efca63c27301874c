package controller

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"conjunct/openflow"
)

// check is the look at a bridge that nothing is known to be wrong with. It goes on beside the loop, which sends changes meanwhile:
//
//	timer ──► wait for a slot, sum the bridge's flows ──► loop: equal to what was taken? done : compare
//
// Only a bridge whose sum is another is compared flow by flow.
type check struct {
	timer  *time.Timer
	ends   chan finding
	steps  atomic.Int64 // beginnings and ends of steps, so that a sum is not taken for that of another state
	asked  bool         // a check is under way
	missed int          // checks in a row that a step came in the way of
	done   int
}

// finding is what a check has found.
type finding struct {
	sum   openflow.FlowSum
	steps int64
	err   error
}

const (
	// maxMissed is how many checks steps may come in the way of before the loop compares, and lets changes wait.
	maxMissed = 3
	// afresh is every how many checks the sum is computed from what is wanted, instead of from what has changed.
	afresh = 16
)

// maxChecks is how many bridges are checked at a time, so that a large fleet never takes more than half of the processors.
var maxChecks = max(1, runtime.GOMAXPROCS(0)/2)

// startChecks has the bridge checked now and then, the first time at random around the interval: hosts that have connected at
// one time are not to be checked at one time for ever.
func (s *session) startChecks() {
	interval := s.c.options.DriftInterval
	s.check.ends = make(chan finding, 1)
	s.check.timer = time.NewTimer(interval/2 + rand.N(interval))
}

// look begins a check, unless one is under way.
func (s *session) look(ctx context.Context) {
	if s.check.asked {
		return
	}
	s.check.asked = true
	s.work.Go(func() { s.check.ends <- s.find(ctx) })
}

// find waits for a slot and sums the bridge's flows.
func (s *session) find(ctx context.Context) (f finding) {
	if err := s.alive(ctx, s.c.limits.dump); err != nil {
		return finding{err: fmt.Errorf("check the bridge: %w", err)}
	}
	select {
	case s.c.checks <- struct{}{}:
	case <-ctx.Done():
		return finding{err: context.Cause(ctx)}
	}
	defer func() { <-s.c.checks }()
	f.steps = s.check.steps.Load()
	f.sum, f.err = s.sum(ctx)
	return f
}

// found compares the bridge when a check says so.
func (s *session) found(ctx context.Context, f finding) error {
	k := &s.check
	k.asked = false
	k.timer.Reset(s.c.options.DriftInterval)
	if f.err != nil {
		return f.err
	}
	k.done++
	if s.h.holds(f.sum, k.done%afresh == 0) {
		k.missed = 0
		return nil
	}
	if k.missed++; f.steps != k.steps.Load() && k.missed < maxMissed {
		s.look(ctx)
		return nil
	}
	k.missed = 0
	return s.compare(ctx, routine)
}
