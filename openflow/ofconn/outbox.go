package ofconn

import (
	"context"
	"net"
	"sync"
	"time"
)

const (
	outboxFull = 1 << 20  // bytes waiting beyond which callers wait
	writeSize  = 64 << 10 // bytes that must leave within one WriteTimeout
	keepBuffer = 16 << 10 // a larger buffer is given back after use: a thousand switches keep one each
)

// An outbox gathers encoded messages until the writer takes all of them for one write.
type outbox struct {
	ready chan struct{} // holds a token when there may be something to write

	mu   sync.Mutex
	buf  []byte
	room chan struct{} // closed when the writer takes buf; nil when nobody waits for that
}

func newOutbox() outbox { return outbox{ready: make(chan struct{}, 1)} }

// add lets encode append whole messages, and waits before that while too much waits to leave.
// When encode fails nothing is added.
func (o *outbox) add(ctx context.Context, done <-chan struct{}, encode func([]byte) ([]byte, error)) error {
	o.mu.Lock()
	for len(o.buf) > outboxFull {
		if o.room == nil {
			o.room = make(chan struct{})
		}
		room := o.room
		o.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		case <-done:
			return ErrClosed
		}
		o.mu.Lock()
	}
	defer o.mu.Unlock()
	return o.addLocked(encode)
}

// addNow is add without waiting, for the reader, which must not wait for the writer.
func (o *outbox) addNow(encode func([]byte) ([]byte, error)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.addLocked(encode)
}

func (o *outbox) addLocked(encode func([]byte) ([]byte, error)) error {
	before := len(o.buf)
	b, err := encode(o.buf)
	if err != nil {
		o.buf = b[:before]
		return err
	}
	o.buf = b
	select {
	case o.ready <- struct{}{}:
	default:
	}
	return nil
}

// take returns what waits, and leaves spare in its place.
func (o *outbox) take(spare []byte) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.buf
	o.buf = spare[:0]
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
	return b
}

// write sends until done; it returns the error that ended it.
func (o *outbox) write(nc net.Conn, done <-chan struct{}, timeout time.Duration) error {
	var spare []byte
	for {
		select {
		case <-o.ready:
		case <-done:
			return ErrClosed
		}
		b := o.take(spare)
		for rest := b; len(rest) > 0; {
			part := rest[:min(len(rest), writeSize)]
			if err := nc.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
				return err
			}
			if _, err := nc.Write(part); err != nil {
				return err
			}
			rest = rest[len(part):]
		}
		if spare = b; cap(b) > keepBuffer {
			spare = nil
		}
	}
}
