package ofconn

import (
	"context"
	"iter"
	"sync"
	"time"

	"conjunct/openflow"
)

// partsAhead is how many parts of an answer (64 KiB each on the wire) wait for a slow caller before the connection does.
const partsAhead = 4

// A stream carries the parts of an answer from the reader to the caller.
type stream struct {
	parts   chan answer
	gone    chan struct{} // closed when the caller has left
	stalled chan struct{} // closed when the caller has kept the reader waiting too long
	once    sync.Once
	timeout time.Duration
	done    <-chan struct{}
}

// receive waits for room, but not longer than the time-out, and once that is over, not at all.
func (s *stream) receive(index int, m openflow.Message, err error) {
	if e, ok := m.(openflow.Error); ok {
		m, err = nil, e
	}
	a := answer{index, m, err}
	select {
	case <-s.stalled:
		return
	case <-s.gone:
		return
	case s.parts <- a:
		return
	default:
	}
	timer := time.NewTimer(s.timeout)
	defer timer.Stop()
	select {
	case s.parts <- a:
	case <-s.gone:
	case <-s.done:
	case <-timer.C:
		s.once.Do(func() { close(s.stalled) })
	}
}

// next returns the next part.
func (s *stream) next(ctx context.Context, c *Conn) (answer, error) {
	select {
	case a := <-s.parts:
		return a, a.err
	default:
	}
	select {
	case a := <-s.parts:
		return a, a.err
	case <-s.stalled:
		return answer{}, ErrStalled
	case <-ctx.Done():
		return answer{}, ctx.Err()
	case <-s.done:
	}
	select { // what came before the end counts
	case a := <-s.parts:
		return a, a.err
	default:
		return answer{}, c.ended()
	}
}

// parts sends requests whose answers have parts, and yields those until all requests are answered. An error comes last.
func (c *Conn) parts(ctx context.Context, requests []openflow.Message) iter.Seq2[openflow.Message, error] {
	return func(yield func(openflow.Message, error) bool) {
		s := &stream{
			parts: make(chan answer, partsAhead), gone: make(chan struct{}), stalled: make(chan struct{}),
			timeout: c.options.StallTimeout, done: c.done,
		}
		xids := c.calls.open(len(requests), 0, s.receive)
		defer func() { c.calls.close(xids); close(s.gone) }()
		if err := c.send(ctx, xids.first, requests...); err != nil {
			yield(nil, err)
			return
		}
		for left := len(requests); left > 0; {
			a, err := s.next(ctx, c)
			if !yield(a.m, err) || err != nil {
				return
			}
			if !more(a.m) {
				left--
			}
		}
	}
}

// more reports whether another part follows.
func more(m openflow.Message) bool {
	switch m := m.(type) {
	case openflow.FlowDescReply:
		return m.More
	case openflow.PortDescReply:
		return m.More
	case openflow.RawMultipart:
		return m.More
	}
	return false
}
