package ovsdb

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// A Listener accepts servers that dial us ("ovs-vsctl set-manager tcp:…" or "ssl:…").
type Listener struct {
	nl      net.Listener
	secure  bool
	options Options
}

// Listen opens the address; see [Address] for its form. Port 0 picks a free one.
func Listen(address string, o Options) (*Listener, error) {
	a, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	if a.scheme == "ssl" && o.TLS == nil {
		return nil, fmt.Errorf("ovsdb: listen on %s: %w", address, errNoTLS)
	}
	nl, err := net.Listen(a.network(), a.rest)
	if err != nil {
		return nil, fmt.Errorf("ovsdb: listen on %s: %w", address, err)
	}
	return &Listener{nl, a.scheme == "ssl", o.withDefaults()}, nil
}

// Addr is where it listens.
func (l *Listener) Addr() net.Addr { return l.nl.Addr() }

// Close stops listening; Serve does it too.
func (l *Listener) Close() error { return l.nl.Close() }

// Serve accepts until ctx ends or accepting fails. Each peer gets a goroutine that
// sets up the connection, reads the state and calls handle; the client is closed when
// handle returns. A peer that fails before is given to refused (unless nil).
// Serve returns after all of them have.
func (l *Listener) Serve(ctx context.Context, handle func(context.Context, *Client), refused func(net.Addr, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	var peers sync.WaitGroup
	defer peers.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.nl.Close() })
	defer stop()
	for {
		nc, err := l.nl.Accept()
		if ctx.Err() != nil {
			if err == nil {
				nc.Close()
			}
			return context.Cause(ctx)
		}
		if err != nil {
			if transient(err) {
				sleep(ctx, acceptPause)
				continue
			}
			return fmt.Errorf("ovsdb: accept on %v: %w", l.nl.Addr(), err)
		}
		peers.Go(func() {
			c, err := l.setup(ctx, nc)
			if err != nil {
				if refused != nil {
					refused(nc.RemoteAddr(), err)
				}
				return
			}
			defer c.Close()
			handle(ctx, c)
		})
	}
}

// setup makes a client of an accepted connection.
func (l *Listener) setup(ctx context.Context, nc net.Conn) (*Client, error) {
	if l.secure {
		secure := tls.Server(nc, l.options.TLS)
		if err := l.handshake(ctx, secure); err != nil {
			nc.Close()
			return nil, fmt.Errorf("ovsdb: TLS with %v: %w", nc.RemoteAddr(), err)
		}
		nc = secure
	}
	return NewClient(ctx, NewConn(nc, l.options))
}

func (l *Listener) handshake(ctx context.Context, secure *tls.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, l.options.Setup)
	defer cancel()
	return secure.HandshakeContext(ctx)
}

// acceptPause keeps a listener that is out of file descriptors from spinning.
const acceptPause = 100 * time.Millisecond

// transient errors concern one peer, or pass: the listener is still good.
func transient(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}
