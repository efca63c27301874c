package ofconn

import (
	"sync"

	"conjunct/openflow"
)

// A receiver takes what the switch says about the messages of one call. index tells which of them, from 0; err is set, and m nil,
// when the switch said something that cannot be understood. It runs on the reader, and must return soon.
type receiver func(index int, m openflow.Message, err error)

// A span is a block of xids that one receiver waits for.
type span struct {
	first   uint32
	n       uint32
	base    int // index of the first
	receive receiver
	// peek takes the parts of an answer as they came, without the header, instead of receive; nil: nothing is taken so. It runs on
	// the reader, must return soon, and keep nothing.
	peek func(index int, body []byte)
}

func (s *span) holds(xid uint32) bool { return xid-s.first < s.n }

// calls finds the receiver of an xid. Nearly all calls are one message, or a few; a bundle has a span per piece of it.
type calls struct {
	mu    sync.Mutex
	next  uint32
	spans []*span
}

// open reserves n xids, which nobody else uses until close.
func (c *calls) open(n int, base int, receive receiver) *span {
	return c.add(&span{n: uint32(n), base: base, receive: receive})
}

// add is open for a span that has everything but its xids.
func (c *calls) add(s *span) *span {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.first = max(c.next, 1)
	for again := true; again; {
		again = false
		if s.first+s.n < s.first { // 0 is the xid of what a switch says unasked
			s.first, again = 1, true
		}
		for _, other := range c.spans {
			if other.holds(s.first) || s.holds(other.first) {
				s.first, again = other.first+other.n, true
			}
		}
	}
	c.next = s.first + s.n
	c.spans = append(c.spans, s)
	return s
}

// close forgets spans: what still comes for them is nobody's.
func (c *calls) close(spans ...*span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.spans[:0]
	for _, s := range c.spans {
		if !contains(spans, s) {
			kept = append(kept, s)
		}
	}
	clear(c.spans[len(kept):])
	c.spans = kept
}

func contains(spans []*span, s *span) bool {
	for _, x := range spans {
		if x == s {
			return true
		}
	}
	return false
}

// find returns the span of an xid, and which message of the call it is; nil when nobody waits for it.
func (c *calls) find(xid uint32) (*span, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.holds(xid) {
			return s, s.base + int(xid-s.first)
		}
	}
	return nil, 0
}
