package ovsdb

import (
	"context"
	"math/rand/v2"
	"time"
)

// A Backoff spaces attempts: Min before the first retry, doubling up to Max, each
// spread evenly over its upper half so that a fleet does not come back in step. The
// zero value is usable.
type Backoff struct {
	Min time.Duration // default 1 s
	Max time.Duration // default 8 s, as ovsdb-server's own

	// Random yields numbers in [0,1). Default math/rand/v2.
	Random func() float64
	// Sleep waits for d or until ctx ends. Default: the clock.
	Sleep func(ctx context.Context, d time.Duration)
}

func (b Backoff) withDefaults() Backoff {
	if b.Min <= 0 {
		b.Min = time.Second
	}
	if b.Max < b.Min {
		b.Max = max(b.Min, 8*time.Second)
	}
	if b.Random == nil {
		b.Random = rand.Float64
	}
	if b.Sleep == nil {
		b.Sleep = sleep
	}
	return b
}

// delay before the retry after n failures in a row, n from 1.
func (b Backoff) delay(n int) time.Duration {
	d := b.Min
	for i := 1; i < n && d < b.Max; i++ {
		d *= 2
	}
	d = min(d, b.Max)
	return d/2 + time.Duration(b.Random()*float64(d/2))
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
