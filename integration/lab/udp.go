package lab

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// maxDatagram is the largest payload of UDP, in bytes.
const maxDatagram = 65507

// probeUDP sends one datagram and waits for the same bytes from there.
func (h *Host) probeUDP(ctx context.Context, p Probe) error {
	conn, err := h.dialUDP(netip.AddrPortFrom(p.From, 0), netip.AddrPortFrom(p.To, p.Port))
	if err != nil {
		return err
	}
	defer conn.Close()
	sent := make([]byte, max(p.Size, 8))
	rand.Read(sent)
	got := make([]byte, maxDatagram)
	return ask(ctx, conn, func() error {
		_, err := conn.Write(sent)
		return err
	}, func() error {
		n, err := conn.Read(got)
		if err == nil && !bytes.Equal(sent, got[:n]) {
			err = fmt.Errorf("%d bytes came back as other %d", len(sent), n)
		}
		return err
	})
}

// dialUDP makes a socket that talks to one address only, so that it hears of ICMP errors.
func (h *Host) dialUDP(from, to netip.AddrPort) (*net.UDPConn, error) {
	var local *net.UDPAddr
	if from.Addr().IsValid() {
		local = net.UDPAddrFromAddrPort(from)
	}
	var conn *net.UDPConn
	err := h.Do(func() (err error) {
		conn, err = net.DialUDP("udp", local, net.UDPAddrFromAddrPort(to))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("udp from %s to %s: %w", h.Label, to, err)
	}
	return conn, nil
}

// listenUDP opens one port on one of the host's addresses.
func (h *Host) listenUDP(at netip.AddrPort) (*net.UDPConn, error) {
	var conn *net.UDPConn
	err := h.Do(func() (err error) {
		conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("udp of %s on %s: %w", h.Label, at, err)
	}
	return conn, nil
}

// ListenUDP serves UDP ports on each address the host has at the time, until the lab closes. It
// sends back what it gets, from the address that it came to.
func (h *Host) ListenUDP(ports ...uint16) {
	h.lab.t.Helper()
	for _, port := range ports {
		for _, a := range h.Addrs {
			conn, err := h.listenUDP(netip.AddrPortFrom(a.Addr(), port))
			h.lab.must(err)
			h.lab.serve(conn, func() { echoUDP(conn) })
		}
	}
}

func echoUDP(conn *net.UDPConn) {
	b := make([]byte, maxDatagram)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // an ICMP error about an earlier answer
			time.Sleep(time.Millisecond)
			continue
		}
		_, _ = conn.WriteToUDPAddrPort(b[:n], from) // an answer that can't go is a lost packet
	}
}
