package oftest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"conjunct/openflow"
)

// A channel is the switch's end of a connection to a controller.
type channel struct {
	s  *Switch
	nc net.Conn

	// Below s.mu:
	service bool // the controller has dialled: nothing unasked while missLen is 0
	missLen uint16
	role    openflow.RoleKind
	async   openflow.Async
	bundles map[uint32]*bundle

	outMu   sync.Mutex // guards out
	out     []byte
	writeMu sync.Mutex // held while out is on its way
}

const (
	errorData    = 64 // bytes of an offending message that an error carries
	flushAt      = 32 << 10
	writeTimeout = 10 * time.Second
)

// missSendLen is the MissSendLen that Open vSwitch begins with.
const missSendLen = 128

// Attach speaks OpenFlow over nc, which the switch has dialled, from a goroutine of its own that ends with the connection,
// or with Close.
func (s *Switch) Attach(nc net.Conn) { s.attach(&channel{nc: nc, missLen: missSendLen}) }

func (s *Switch) attach(c *channel) {
	nc := c.nc
	c.s, c.role, c.async, c.bundles = s, openflow.RoleEqual, defaultAsync, make(map[uint32]*bundle)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		nc.Close()
		return
	}
	s.channels[c] = struct{}{}
	s.work.Go(func() {
		c.serve()
		nc.Close()
		s.mu.Lock()
		delete(s.channels, c)
		s.mu.Unlock()
	})
}

// Serve speaks OpenFlow over every connection that comes in on l, until l is closed, which it returns the error of.
func (s *Switch) Serve(l net.Listener) error {
	for {
		nc, err := l.Accept()
		if err != nil {
			return err
		}
		s.attach(&channel{nc: nc, service: true})
	}
}

// serve reads until the connection breaks. Answers leave when there is nothing more to read.
func (c *channel) serve() {
	versions := c.s.config.Versions
	c.send(1, openflow.Hello{Versions: versions})
	c.flush()
	r := bufio.NewReader(c.nc)
	var buf []byte
	for {
		b, err := readMessage(r, buf)
		if err != nil {
			return
		}
		buf = b
		if !c.takes() || !c.handle(b) {
			c.flush()
			return
		}
		if r.Buffered() < openflow.HeaderLen || c.pending() > flushAt {
			c.flush()
		}
	}
}

// readMessage reads one message into buf, which may grow.
func readMessage(r *bufio.Reader, buf []byte) ([]byte, error) {
	head, err := r.Peek(openflow.HeaderLen)
	if err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(head[2:]))
	if n < openflow.HeaderLen {
		return nil, io.ErrUnexpectedEOF
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	_, err = io.ReadFull(r, buf[:n])
	return buf[:n], err
}

// takes applies the faults that are about reading; it returns false when the connection breaks.
func (c *channel) takes() bool {
	c.s.mu.Lock()
	drop, delay, deaf := c.s.faults.drops(), c.s.faults.Delay, c.s.faults.Deaf
	c.s.mu.Unlock()
	if delay > 0 {
		time.Sleep(delay)
	}
	for deaf && !drop {
		time.Sleep(time.Millisecond)
		c.s.mu.Lock()
		deaf = c.s.faults.Deaf && !c.s.closed
		c.s.mu.Unlock()
	}
	return !drop
}

// handle carries out one message; it returns false when the connection is to end.
func (c *channel) handle(b []byte) bool {
	xid, m, err := openflow.Decode(b)
	c.s.mu.Lock()
	c.expire(time.Now())
	again := true
	if err == nil {
		again, err = c.do(xid, m)
	}
	if err != nil {
		c.refuse(xid, b, err)
	}
	told := c.s.told
	c.s.told = nil
	c.s.mu.Unlock()
	flush(told)
	return again
}

// refuse answers with an error.
func (c *channel) refuse(xid uint32, offending []byte, err error) {
	code := openflow.ErrBadType
	errors.As(err, &code)
	c.send(xid, openflow.Error{Code: code, Data: offending[:min(len(offending), errorData)]})
}

// send queues a message. It does not block.
func (c *channel) send(xid uint32, m openflow.Message) {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	b, err := openflow.Append(c.out, xid, m)
	if err != nil {
		b, _ = openflow.Append(c.out, xid, openflow.Error{Code: openflow.ErrBadLen})
	}
	c.out = b
}

func (c *channel) pending() int {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	return len(c.out)
}

// flush writes what is queued. A controller that does not read loses the connection.
func (c *channel) flush() {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	c.outMu.Lock()
	b := c.out
	c.out = nil
	c.outMu.Unlock()
	if len(b) == 0 || c.isMute() {
		return
	}
	err := c.nc.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		_, err = c.nc.Write(b)
	}
	if err != nil {
		c.nc.Close()
	}
}

func (c *channel) isMute() bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.s.faults.Mute
}

// flush writes what is queued on all of them. The lock of the switch must not be held.
func flush(channels []*channel) {
	for _, c := range channels {
		c.flush()
	}
}
