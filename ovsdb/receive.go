package ovsdb

import (
	"encoding/json"
	"errors"
	"net"
)

// onNotification sets what the reader does with a method's notifications. f must not
// block; its error ends the connection.
func (c *Conn) onNotification(method string, f func(params json.RawMessage) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notify[method] = f
}

// read is the reader.
func (c *Conn) read() {
	frames := newFramer(listening{c.nc, c.heard}, c.options.MaxMessage)
	for {
		frame, err := frames.next()
		if err != nil {
			c.fail(err)
			return
		}
		m, err := decodeMessage(frame)
		if err == nil {
			err = c.receive(m)
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
}

// listening tells the writer that bytes have come, so that a long message on a slow
// line is not taken for silence.
type listening struct {
	net.Conn
	heard chan<- struct{}
}

func (l listening) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if n > 0 {
		select {
		case l.heard <- struct{}{}:
		default:
		}
	}
	return n, err
}

func (c *Conn) receive(m message) error {
	if m.Method == nil {
		c.mu.Lock()
		call := c.pending[string(m.ID)]
		delete(c.pending, string(m.ID))
		c.mu.Unlock()
		if call != nil { // else its caller has given up, or it is our probe's echo
			call.finish(m, nil)
		}
		return nil
	}
	if isNull(m.ID) {
		c.mu.Lock()
		f := c.notify[*m.Method]
		c.mu.Unlock()
		if f == nil {
			return nil
		}
		return f(m.Params)
	}
	return c.answer(m)
}

// answer replies to the peer's request. Echo (RFC 7047 section 4.1.11) is the only
// method of a client.
func (c *Conn) answer(m message) error {
	r := reply{Error: KindUnknownMethod, ID: m.ID}
	if *m.Method == "echo" {
		r = reply{Result: m.Params, ID: m.ID}
	}
	frame, err := json.Marshal(r)
	if err != nil {
		return err
	}
	select {
	case c.echoes <- frame:
		return nil
	default:
		return errors.New("ovsdb: the peer sends requests but reads no replies")
	}
}
