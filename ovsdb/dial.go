package ovsdb

import (
	"context"
	"fmt"
)

// Dial connects to a server that listens ("ptcp:", "pssl:" or "punix:" in
// ovs-vsctl set-manager) and reads the monitored state. See [Address] for the form.
func Dial(ctx context.Context, address string, o Options) (*Client, error) {
	conn, err := DialConn(ctx, address, o)
	if err != nil {
		return nil, err
	}
	c, err := NewClient(ctx, conn)
	if err != nil {
		return nil, fmt.Errorf("ovsdb: %s: %w", address, err)
	}
	return c, nil
}

// DialConn connects without reading anything. For ssl: addresses the certificate must
// come from one of Options.TLS.RootCAs, but may be any of theirs unless ServerName is
// set: ask [Conn.IsPeer] before trusting the peer to be a certain one.
func DialConn(ctx context.Context, address string, o Options) (*Conn, error) {
	a, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, o.Setup)
	defer cancel()
	nc, err := a.dial(ctx, o.TLS)
	if err != nil {
		return nil, fmt.Errorf("ovsdb: dial %s: %w", address, err)
	}
	c := newConn(nc, o)
	c.chainVerified = a.scheme == "ssl"
	c.start()
	return c, nil
}
