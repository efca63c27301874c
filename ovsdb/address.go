package ovsdb

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
)

// An Address is "tcp:HOST:PORT", "ssl:HOST:PORT" or "unix:PATH", to dial or to listen on.
// An IPv6 host stands in brackets.
type Address struct {
	scheme, rest string
}

// ParseAddress checks the form of an address.
func ParseAddress(s string) (Address, error) {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || rest == "" {
		return Address{}, fmt.Errorf("ovsdb: address %q: want tcp:HOST:PORT, ssl:HOST:PORT or unix:PATH", s)
	}
	switch scheme {
	case "unix":
	case "tcp", "ssl":
		if _, _, err := net.SplitHostPort(rest); err != nil {
			return Address{}, fmt.Errorf("ovsdb: address %q: %w", s, err)
		}
	default:
		return Address{}, fmt.Errorf("ovsdb: address %q: unknown scheme %q", s, scheme)
	}
	return Address{scheme, rest}, nil
}

func (a Address) String() string { return a.scheme + ":" + a.rest }

// network is the name that package net has for it.
func (a Address) network() string {
	if a.scheme == "unix" {
		return "unix"
	}
	return "tcp"
}

// dial connects, with TLS where the address says so. ctx limits all of it.
func (a Address) dial(ctx context.Context, config *tls.Config) (net.Conn, error) {
	var d net.Dialer
	if a.scheme != "ssl" {
		return d.DialContext(ctx, a.network(), a.rest)
	}
	config, err := clientTLS(config)
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{NetDialer: &d, Config: config}).DialContext(ctx, a.network(), a.rest)
}
