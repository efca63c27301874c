package ofconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
)

// DefaultPort is where OpenFlow is spoken when a target names no port (IANA, and Open vSwitch's OFP_PORT).
const DefaultPort = "6653"

// Dial connects to a switch that listens. The target is written as for ovs-vsctl(8): tcp:HOST[:PORT], ssl:HOST[:PORT] or
// unix:FILE; an IPv6 address stands in brackets. ssl needs config.
func Dial(ctx context.Context, target string, config *tls.Config) (net.Conn, error) {
	kind, address, _ := strings.Cut(target, ":")
	var d net.Dialer
	switch {
	case kind == "unix" && address != "":
		return d.DialContext(ctx, "unix", address)
	case kind == "tcp" && address != "":
		return d.DialContext(ctx, "tcp", withPort(address))
	case kind == "ssl" && address != "":
		if config == nil {
			return nil, fmt.Errorf("dial %s: no TLS configuration", target)
		}
		nc, err := d.DialContext(ctx, "tcp", withPort(address))
		if err != nil {
			return nil, err
		}
		if config.ServerName == "" && !config.InsecureSkipVerify {
			config = config.Clone()
			config.ServerName, _, _ = net.SplitHostPort(withPort(address))
		}
		return tls.Client(nc, config), nil
	}
	return nil, fmt.Errorf("dial %q: want tcp:HOST[:PORT], ssl:HOST[:PORT] or unix:FILE", target)
}

// Listen awaits switches that dial. The target is written as for ovs-vsctl(8): ptcp:[PORT][:HOST], pssl:[PORT][:HOST] or
// punix:FILE. pssl needs config.
func Listen(ctx context.Context, target string, config *tls.Config) (net.Listener, error) {
	kind, address, _ := strings.Cut(target, ":")
	port, host, _ := strings.Cut(address, ":")
	if port == "" {
		port = DefaultPort
	}
	address = net.JoinHostPort(strings.Trim(host, "[]"), port)
	var l net.ListenConfig
	switch kind {
	case "punix":
		return l.Listen(ctx, "unix", strings.TrimPrefix(target, "punix:"))
	case "ptcp":
		return l.Listen(ctx, "tcp", address)
	case "pssl":
		if config == nil {
			return nil, fmt.Errorf("listen %s: no TLS configuration", target)
		}
		inner, err := l.Listen(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return tls.NewListener(inner, config), nil
	}
	return nil, fmt.Errorf("listen %q: want ptcp:[PORT][:HOST], pssl:[PORT][:HOST] or punix:FILE", target)
}

// withPort adds the default port to an address without one.
func withPort(address string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), DefaultPort)
}
