package ovsdb

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

// Options are common to both directions of dialling. The zero value is usable.
type Options struct {
	// TLS is required for ssl: addresses and not used for others. A server's must
	// ask for and verify client certificates, else peers stay nameless.
	TLS *tls.Config

	// Probe is how long the peer may be silent before it is sent an echo; after the
	// same time again without any byte the connection is closed. Default 5 s.
	Probe time.Duration

	// Setup limits dialling, the TLS handshake and the first read of the database
	// together. Default 15 s.
	Setup time.Duration

	// MaxMessage limits one message from the peer, in bytes. Default [MaxMessage].
	MaxMessage int
}

func (o Options) withDefaults() Options {
	if o.Probe <= 0 {
		o.Probe = 5 * time.Second
	}
	if o.Setup <= 0 {
		o.Setup = 15 * time.Second
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = MaxMessage
	}
	return o
}

// A Conn is one JSON-RPC connection. Its methods may be called from any goroutine.
//
// Two goroutines serve it until Close: the reader, which never waits for anything
// but the peer, and the writer, which also watches for silence.
type Conn struct {
	nc      net.Conn
	options Options

	out    chan []byte // requests; callers wait for room
	echoes chan []byte // replies to the peer's echoes; the reader doesn't wait
	heard  chan struct{}

	mu      sync.Mutex
	nextID  uint64
	pending map[string]*call // by JSON text of the id
	notify  map[string]func(params json.RawMessage) error

	closing sync.Once
	done    chan struct{}
	err     error // why it ended; set before done is closed
	serving sync.WaitGroup
}

// A call waits for its reply. finish runs in the reader, in the order of the wire,
// before the next message is looked at; it must not block.
type call struct {
	finish func(message, error)
}

// NewConn starts to serve nc, which it owns from here on.
func NewConn(nc net.Conn, o Options) *Conn {
	c := &Conn{
		nc:      nc,
		options: o.withDefaults(),
		out:     make(chan []byte),
		echoes:  make(chan []byte, 16),
		heard:   make(chan struct{}, 1),
		pending: make(map[string]*call),
		notify:  make(map[string]func(json.RawMessage) error),
		done:    make(chan struct{}),
	}
	c.serving.Add(2)
	go func() { defer c.serving.Done(); c.read() }()
	go func() { defer c.serving.Done(); c.write() }()
	return c
}

// Done is closed when the connection has ended, for whatever reason.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err is why the connection ended, and nil before. It wraps ErrClosed.
func (c *Conn) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Close ends the connection, fails pending calls and waits for its goroutines.
func (c *Conn) Close() error {
	c.fail(nil)
	c.serving.Wait()
	return nil
}

// fail ends the connection; the first cause is the one that is kept.
func (c *Conn) fail(cause error) {
	c.closing.Do(func() {
		c.err = ErrClosed
		if cause != nil {
			c.err = fmt.Errorf("%w: %w", ErrClosed, cause)
		}
		close(c.done)
		c.nc.Close()

		c.mu.Lock()
		abandoned := c.pending
		c.pending = nil
		c.mu.Unlock()
		for _, call := range abandoned {
			call.finish(message{}, c.err)
		}
	})
}

// Call sends a request and returns its result. A refusal is an [*Error]. When ctx
// ends first, whether the peer has acted or will act is unknown.
func (c *Conn) Call(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	type outcome struct {
		m   message
		err error
	}
	reply := make(chan outcome, 1)
	id, err := c.start(ctx, method, params, func(m message, err error) { reply <- outcome{m, err} })
	if err != nil {
		return nil, err
	}
	select {
	case o := <-reply:
		if o.err != nil {
			return nil, fmt.Errorf("%s: %w", method, o.err)
		}
		return o.m.Result, o.m.refusal(method)
	case <-ctx.Done():
		c.forget(id)
		return nil, fmt.Errorf("ovsdb: %s: %w", method, context.Cause(ctx))
	}
}

// start sends a request. After a nil error finish runs exactly once, unless forgotten.
func (c *Conn) start(ctx context.Context, method string, params []any, finish func(message, error)) (string, error) {
	id, err := c.register(finish)
	if err != nil {
		return "", fmt.Errorf("%s: %w", method, err)
	}
	frame, err := json.Marshal(request{method, list(params), json.RawMessage(id)})
	if err != nil {
		c.forget(id)
		return "", fmt.Errorf("ovsdb: %s: %w", method, err)
	}
	select {
	case c.out <- frame:
		return id, nil
	case <-c.done:
		c.forget(id)
		return "", fmt.Errorf("%s: %w", method, c.err)
	case <-ctx.Done():
		c.forget(id)
		return "", fmt.Errorf("ovsdb: %s: %w", method, context.Cause(ctx))
	}
}

func (c *Conn) register(finish func(message, error)) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending == nil {
		return "", c.err
	}
	c.nextID++
	id := strconv.FormatUint(c.nextID, 10)
	c.pending[id] = &call{finish}
	return id, nil
}

func (c *Conn) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
}

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

// probeID is the id of our own echoes, distinct from those of calls.
const probeID = `"echo"`

// write is the writer. It closes the connection if the peer takes no data, or gives
// none, for the probe interval twice.
func (c *Conn) write() {
	probe, err := json.Marshal(request{"echo", []any{}, json.RawMessage(probeID)})
	if err != nil {
		c.fail(err)
		return
	}
	silence := time.NewTicker(c.options.Probe)
	defer silence.Stop()
	asked := false
	for {
		var frame []byte
		select {
		case <-c.done:
			return
		case frame = <-c.echoes:
		case frame = <-c.out:
		case <-c.heard:
			asked = false
			silence.Reset(c.options.Probe)
			continue
		case <-silence.C:
			select {
			case <-c.heard: // at the same moment
				asked = false
				continue
			default:
			}
			if asked {
				c.fail(fmt.Errorf("ovsdb: no answer to echo for %v", c.options.Probe))
				return
			}
			asked, frame = true, probe
		}
		if err := c.send(frame); err != nil {
			c.fail(err)
			return
		}
	}
}

func (c *Conn) send(frame []byte) error {
	if err := c.nc.SetWriteDeadline(time.Now().Add(2 * c.options.Probe)); err != nil {
		return err
	}
	_, err := c.nc.Write(frame)
	return err
}
