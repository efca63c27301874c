package ofconn

import (
	"context"
	"errors"
	"fmt"

	"conjunct/openflow"
)

// answer is what a receiver of single replies passes on.
type answer struct {
	index int
	m     openflow.Message
	err   error
}

// first returns a receiver that passes on the first answer, and where.
func first() (receiver, <-chan answer) {
	ch := make(chan answer, 1)
	return func(index int, m openflow.Message, err error) {
		if e, ok := m.(openflow.Error); ok {
			m, err = nil, e
		}
		select {
		case ch <- answer{index, m, err}:
		default:
		}
	}, ch
}

// RoundTrip sends a request and returns its reply. An error of the switch is an openflow.Error in the chain.
// The request must be one with a single reply, and not a FlowMod or the like, which has none: that is what Send is for.
func (c *Conn) RoundTrip(ctx context.Context, m openflow.Message) (openflow.Message, error) {
	receive, answers := first()
	s := c.calls.open(1, 0, receive)
	defer c.calls.close(s)
	if err := c.send(ctx, s.first, m); err != nil {
		return nil, fmt.Errorf("request %T: %w", m, err)
	}
	a, err := c.wait(ctx, answers)
	if err != nil {
		return nil, fmt.Errorf("request %T: %w", m, err)
	}
	return a.m, nil
}

// Send sends messages that have no reply (FlowMod, SetConfig, CTFlushZone, ...) and a barrier, and waits for that: when it
// returns nil the switch has done them all. An error of the switch is an openflow.Error in the chain; the messages after
// the one that it is about were carried out nevertheless. Use Bundle where that matters.
func (c *Conn) Send(ctx context.Context, messages ...openflow.Message) error {
	receive, answers := first()
	s := c.calls.open(len(messages)+1, 0, receive)
	defer c.calls.close(s)
	all := append(messages[:len(messages):len(messages)], openflow.BarrierRequest{})
	if err := c.send(ctx, s.first, all...); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	a, err := c.wait(ctx, answers)
	if err != nil {
		return fmt.Errorf("send %T: %w", all[a.index], err)
	}
	return nil
}

// send puts messages with consecutive xids into the outbox: all of them, or none.
func (c *Conn) send(ctx context.Context, xid uint32, messages ...openflow.Message) error {
	return c.queue(ctx, func(b []byte) (_ []byte, err error) {
		for i, m := range messages {
			if b, err = openflow.Append(b, xid+uint32(i), m); err != nil {
				return b, err
			}
		}
		return b, nil
	})
}

// queue lets encode append messages to the outbox. When it fails nothing was sent.
func (c *Conn) queue(ctx context.Context, encode func([]byte) ([]byte, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.Err() != nil {
		return c.ended()
	}
	err := c.out.add(ctx, c.done, encode)
	if errors.Is(err, ErrClosed) {
		return c.ended()
	}
	return err
}

// wait returns the answer, or why there is none.
func (c *Conn) wait(ctx context.Context, answers <-chan answer) (answer, error) {
	select {
	case a := <-answers:
		return a, a.err
	case <-ctx.Done():
		return answer{}, ctx.Err()
	case <-c.done:
	}
	select { // an answer that came before the end counts
	case a := <-answers:
		return a, a.err
	default:
		return answer{}, c.ended()
	}
}

// as sends a request and expects a reply of type T.
func as[T openflow.Message](ctx context.Context, c *Conn, m openflow.Message) (T, error) {
	reply, err := c.RoundTrip(ctx, m)
	if err != nil {
		var zero T
		return zero, err
	}
	t, ok := reply.(T)
	if !ok {
		return t, fmt.Errorf("request %T: got %T: %w", m, reply, ErrUnexpected)
	}
	return t, nil
}
