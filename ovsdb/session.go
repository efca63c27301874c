package ovsdb

import (
	"context"
	"time"
)

// A Session keeps dialling one server for as long as Run runs.
type Session struct {
	Address string
	Options Options
	Backoff Backoff

	// Handle owns the client until it returns or the connection ends, whichever it
	// sees first; the client is closed afterwards.
	Handle func(context.Context, *Client)

	// Report, if set, hears why there is no connection (nil if Handle let go of it)
	// and after what time the next attempt follows.
	Report func(err error, retry time.Duration)
}

// Run dials, handles, and dials again until ctx ends, whose cause it returns. An
// address that can't be dialled at all is an error at once. A connection that lasted
// for Backoff.Max ends the row of failures.
func (s *Session) Run(ctx context.Context) error {
	if _, err := ParseAddress(s.Address); err != nil {
		return err
	}
	backoff := s.Backoff.withDefaults()
	failures := 0
	for ctx.Err() == nil {
		lasted, err := s.once(ctx)
		if lasted >= backoff.Max {
			failures = 0
		}
		if ctx.Err() != nil {
			break
		}
		failures++
		retry := backoff.delay(failures)
		if s.Report != nil {
			s.Report(err, retry)
		}
		backoff.Sleep(ctx, retry)
	}
	return context.Cause(ctx)
}

// once is one connection; it returns how long it lasted and why it ended.
func (s *Session) once(ctx context.Context) (time.Duration, error) {
	c, err := Dial(ctx, s.Address, s.Options)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	since := time.Now()
	s.Handle(ctx, c)
	return time.Since(since), c.Err()
}
