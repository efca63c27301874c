package ofconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"conjunct/openflow"
)

// A Conn is a channel to one switch. Its methods may be called from any goroutine.
type Conn struct {
	nc       net.Conn
	options  Options
	features openflow.FeaturesReply

	in      inbox // of the reader
	out     outbox
	calls   calls
	bundles chan struct{} // holds a token while no bundle is under way
	bundle  uint32        // id of the newest bundle; by the holder of the token

	events  chan openflow.Message
	dropped atomic.Uint64

	end  sync.Once
	done chan struct{}
	err  error          // why it ended; valid after done
	work sync.WaitGroup // reader and writer
}

// New does the handshake on nc, which it takes over: it is closed when New fails, and by Close. The switch must speak OpenFlow 1.5,
// else the error is a *VersionError. Where nc is a *tls.Conn the handshake of TLS comes first.
func New(ctx context.Context, nc net.Conn, options Options) (*Conn, error) {
	options = options.withDefaults()
	c := &Conn{
		nc: nc, options: options, in: inbox{nc: nc, rooms: options.rooms}, out: newOutbox(),
		bundles: make(chan struct{}, 1),
		events:  make(chan openflow.Message, options.EventQueue),
		done:    make(chan struct{}),
	}
	c.bundles <- struct{}{}
	ctx, cancel := context.WithTimeout(ctx, options.HandshakeTimeout)
	defer cancel()
	if err := c.hello(ctx); err != nil {
		nc.Close()
		return nil, handshakeError(ctx, err)
	}
	c.start()
	reply, err := c.RoundTrip(ctx, openflow.FeaturesRequest{})
	features, ok := reply.(openflow.FeaturesReply)
	if err == nil && !ok {
		err = ErrUnexpected
	}
	if err != nil {
		c.Close()
		return nil, handshakeError(ctx, err)
	}
	c.features = features
	return c, nil
}

func (c *Conn) start() {
	c.work.Go(func() { c.fail(c.out.write(c.nc, c.done, c.options.WriteTimeout)) })
	c.work.Go(func() {
		defer close(c.events)
		c.fail(c.read())
	})
}

// fail ends the connection; the first reason stays.
func (c *Conn) fail(err error) {
	c.end.Do(func() {
		c.err = err
		close(c.done)
		c.nc.Close()
	})
}

// Close ends the connection and waits until nothing of it runs any more. Messages that have not left are lost.
func (c *Conn) Close() error {
	c.fail(ErrClosed)
	c.work.Wait()
	return nil
}

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err returns why the connection ended, ErrClosed after Close, nil while it lives.
func (c *Conn) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// DatapathID returns what the switch calls itself.
func (c *Conn) DatapathID() uint64 { return c.features.DatapathID }

// Features returns what the switch said about itself in the handshake.
func (c *Conn) Features() openflow.FeaturesReply { return c.features }

// RemoteAddr returns the address of the switch.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// TLS returns the state of TLS, the certificate of the switch in it; nil without TLS.
func (c *Conn) TLS() *tls.ConnectionState {
	if t, ok := c.nc.(*tls.Conn); ok {
		state := t.ConnectionState()
		return &state
	}
	return nil
}

// Events yields what the switch says unasked: PortStatus, RoleStatus, FlowRemoved, PacketIn, messages of unknown types, and
// errors (openflow.Error) about messages that nobody waits for. It is closed when the connection ends. Somebody must take
// from it: see Options.EventQueue.
func (c *Conn) Events() <-chan openflow.Message { return c.events }

// Dropped returns how many events were dropped because the queue was full.
func (c *Conn) Dropped() uint64 { return c.dropped.Load() }

// ended returns the error of a call that the end of the connection cut short.
func (c *Conn) ended() error {
	<-c.done
	if errors.Is(c.err, ErrClosed) {
		return ErrClosed
	}
	return fmt.Errorf("%w: %w", ErrClosed, c.err)
}
