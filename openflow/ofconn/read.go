package ofconn

import (
	"errors"
	"fmt"
	"os"
	"time"

	"conjunct/openflow"
)

// read hands out what comes until the connection fails; it returns why.
func (c *Conn) read() error {
	for {
		b, err := c.await()
		if err != nil {
			return err
		}
		if err := c.handle(b); err != nil {
			return err
		}
	}
}

// await returns the next message. It asks a silent switch for an echo, once.
func (c *Conn) await() ([]byte, error) {
	if c.in.buffered() {
		return c.in.next()
	}
	wait := c.options.ProbeAfter
	for probed := false; ; probed = true {
		had := c.in.end - c.in.start
		if err := c.nc.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		b, err := c.in.next()
		switch {
		case err == nil:
			return b, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return nil, fmt.Errorf("read: %w", err)
		case probed && c.in.end-c.in.start == had:
			return nil, ErrSilent
		}
		if err := c.reply(0, openflow.EchoRequest{}); err != nil {
			return nil, err
		}
		wait = c.options.ProbeTimeout
	}
}

// reply sends without waiting for anything.
func (c *Conn) reply(xid uint32, m openflow.Message) error {
	return c.out.addNow(func(b []byte) ([]byte, error) { return openflow.Append(b, xid, m) })
}

func (c *Conn) handle(b []byte) error {
	if c.peeked(b) {
		return nil
	}
	xid, m, err := openflow.Decode(b)
	if echo, ok := m.(openflow.EchoRequest); ok {
		return c.reply(xid, openflow.EchoReply(echo))
	}
	if s, index := c.calls.find(xid); s != nil && !unasked(m) {
		s.receive(index, m, err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("message of the switch: %w", err)
	}
	return c.event(m)
}

// peeked hands a part of an answer to a caller who wants it as it came.
func (c *Conn) peeked(b []byte) bool {
	h, err := openflow.ParseHeader(b)
	if err != nil || h.Type != openflow.TypeMultipartReply || int(h.Length) != len(b) {
		return false
	}
	s, index := c.calls.find(h.Xid)
	if s == nil || s.peek == nil {
		return false
	}
	s.peek(index, b[openflow.HeaderLen:])
	return true
}

// unasked reports whether a switch sends m by itself; then its xid means nothing.
func unasked(m openflow.Message) bool {
	switch m.(type) {
	case openflow.PortStatus, openflow.PacketIn, openflow.FlowRemoved, openflow.RoleStatus:
		return true
	}
	return false
}

// event queues what nobody waits for. Replies that come too late are forgotten.
func (c *Conn) event(m openflow.Message) error {
	droppable := false
	switch m.(type) {
	case openflow.PacketIn, openflow.FlowRemoved, openflow.Error:
		droppable = true
	case openflow.PortStatus, openflow.RoleStatus, openflow.Raw, openflow.RawExperimenter:
	default:
		return nil
	}
	select {
	case c.events <- m:
		return nil
	default:
	}
	if droppable {
		c.dropped.Add(1)
		return nil
	}
	return ErrEventOverflow
}
