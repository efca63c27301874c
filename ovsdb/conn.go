package ovsdb

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"sync"
)

// A Conn is one JSON-RPC connection. Its methods may be called from any goroutine.
//
// Two goroutines serve it until Close: the reader, which never waits for anything
// but the peer, and the writer, which also watches for silence.
type Conn struct {
	nc      net.Conn
	options Options
	// chainVerified: the peer's certificate comes from a configured authority, though
	// crypto/tls has no verified chain to show for it.
	chainVerified bool

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
	c := newConn(nc, o)
	c.start()
	return c
}

func newConn(nc net.Conn, o Options) *Conn {
	return &Conn{
		nc:      nc,
		options: o.withDefaults(),
		out:     make(chan []byte),
		echoes:  make(chan []byte, 16),
		heard:   make(chan struct{}, 1),
		pending: make(map[string]*call),
		notify:  make(map[string]func(json.RawMessage) error),
		done:    make(chan struct{}),
	}
}

func (c *Conn) start() {
	c.serving.Go(c.read)
	c.serving.Go(c.write)
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
	id, err := c.request(ctx, method, params, func(m message, err error) { reply <- outcome{m, err} })
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

// request sends a request. After a nil error finish runs exactly once, unless forgotten.
func (c *Conn) request(ctx context.Context, method string, params []any, finish func(message, error)) (string, error) {
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
