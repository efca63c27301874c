package ofconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"time"

	"conjunct/openflow"
)

// hello agrees on the version: both sides send a hello first, neither waits for the other's.
func (c *Conn) hello(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = c.nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if t, ok := c.nc.(*tls.Conn); ok {
		if err := t.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("TLS: %w", err)
		}
	}
	ours := openflow.Hello{Versions: openflow.HelloVersions15}
	sent := make(chan error, 1)
	go func() { sent <- c.writeNow(ours) }()
	theirs, err := c.readHello()
	if err != nil {
		c.nc.Close() // so that the write ends, too
		<-sent
		return err
	}
	if err := <-sent; err != nil {
		return err
	}
	if ours.Common(theirs) == 0 {
		c.refuseVersion()
		return &VersionError{theirs.Versions}
	}
	if !stop() {
		return ctx.Err()
	}
	return c.nc.SetDeadline(time.Time{})
}

// refuseVersion tells the switch why the connection ends, and takes what it says about the same thing meanwhile, so that
// neither end waits.
func (c *Conn) refuseVersion() {
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, c.nc)
	}()
	// The connection ends anyway: when this does not arrive the switch sees just that.
	_ = c.writeNow(openflow.Error{Code: openflow.ErrHelloIncompatible, Data: []byte("only OpenFlow 1.5 is spoken")})
	c.nc.Close()
	<-drained
}

func (c *Conn) readHello() (openflow.Hello, error) {
	b, err := c.in.next()
	if err != nil {
		return openflow.Hello{}, fmt.Errorf("await hello: %w", err)
	}
	_, m, err := openflow.Decode(b)
	if err != nil {
		return openflow.Hello{}, fmt.Errorf("await hello: %w", err)
	}
	switch m := m.(type) {
	case openflow.Hello:
		return m, nil
	case openflow.Error:
		return openflow.Hello{}, fmt.Errorf("await hello: switch says %w", m)
	}
	return openflow.Hello{}, fmt.Errorf("await hello: got message type %d: %w", m.Type(), ErrUnexpected)
}

// writeNow writes past the outbox, before the writer runs.
func (c *Conn) writeNow(m openflow.Message) error {
	b, err := openflow.Append(nil, 1, m)
	if err != nil {
		return err
	}
	if _, err = c.nc.Write(b); err != nil {
		return fmt.Errorf("send message type %d: %w", m.Type(), err)
	}
	return nil
}

// handshakeError prefers the end of the context over the broken read that it caused.
func handshakeError(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return fmt.Errorf("OpenFlow handshake: %w", err)
}
