package lab

import (
	"context"
	"io"
	"net"
	"net/netip"
)

// probeTCP makes a handshake and ends the connection at once, without a trace in the kernel.
func (h *Host) probeTCP(ctx context.Context, p Probe) error {
	conn, err := h.DialTCP(ctx, p.From, netip.AddrPortFrom(p.To, p.Port))
	if err != nil {
		return err
	}
	conn.SetLinger(0)
	return conn.Close()
}

// ListenTCP serves TCP ports on all of the host's addresses until the lab closes. It sends back
// what it gets.
func (h *Host) ListenTCP(ports ...uint16) {
	h.lab.t.Helper()
	for _, port := range ports {
		ln, err := h.Listen(netip.AddrPortFrom(netip.IPv6Unspecified(), port))
		h.lab.must(err)
		h.lab.serve(ln, func() {
			for {
				conn, err := ln.Accept()
				if err != nil {
					return // closed with the lab
				}
				h.lab.serve(conn, func() { echo(conn) })
			}
		})
	}
}

// serve runs f until it returns by itself or because the lab closes c, which it waits for.
func (l *Lab) serve(c io.Closer, f func()) {
	done := make(chan struct{})
	forget := l.onClose(func() {
		c.Close()
		<-done
	})
	go func() {
		defer close(done)
		defer forget()
		defer c.Close()
		f()
	}()
}

// echo sends back what arrives until the other end stops.
func echo(conn net.Conn) {
	_, _ = io.Copy(conn, conn) // an error is the end of the conversation like any other
}
