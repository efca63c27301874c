package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// streamTick is the time between two packets of a stream in one direction.
	streamTick = 5 * time.Millisecond

	// streamChunk is what a packet of a stream carries, in bytes.
	streamChunk = 64

	// streamSetup is how long a stream may take to begin.
	streamSetup = 10 * time.Second
)

// A Stream is a conversation that goes on until it is closed. Each side counts what it hears of
// the other: bytes of TCP, datagrams of UDP.
type Stream struct {
	Up   *Counter // client to server, counted at the server
	Down *Counter // server to client, counted at the client

	close func()

	mu   sync.Mutex
	sent int          // datagrams of UDP, numbered from 0
	seen map[int]bool // numbers of those that arrived
}

// Close ends the stream. It is ended with the lab at the latest.
func (s *Stream) Close() { s.close() }

// StreamTCP opens a connection to a server, at one of its addresses, over which both sides then
// speak every few milliseconds without waiting for each other. Nothing may listen on that address
// and port; what listens on the port of all addresses hears of later connections only. The lab
// fails when it can't be opened.
func (h *Host) StreamTCP(server *Host, at netip.AddrPort) *Stream {
	h.lab.t.Helper()
	ln, err := server.Listen(at)
	h.lab.must(err)
	defer ln.Close()
	ctx, cancel := context.WithTimeout(context.Background(), streamSetup)
	defer cancel()
	client, err := h.DialTCP(ctx, netip.Addr{}, at)
	h.lab.must(err)
	ln.SetDeadline(time.Now().Add(streamSetup))
	served, err := ln.Accept()
	h.lab.must(err)

	s := &Stream{Up: newCounter(), Down: newCounter()}
	var wg sync.WaitGroup
	quit := make(chan struct{})
	wg.Go(func() { speak(client, quit) })
	wg.Go(func() { speak(served, quit) })
	wg.Go(func() { hear(client, s.Down) })
	wg.Go(func() { hear(served, s.Up) })
	s.close = sync.OnceFunc(func() {
		close(quit)
		client.SetLinger(0)
		client.Close()
		served.Close()
		wg.Wait()
	})
	h.lab.onClose(s.Close)
	return s
}

// speak writes a chunk every tick.
func speak(conn net.Conn, quit <-chan struct{}) {
	ticker := time.NewTicker(streamTick)
	defer ticker.Stop()
	chunk := make([]byte, streamChunk)
	for {
		select {
		case <-ticker.C:
			if _, err := conn.Write(chunk); err != nil {
				return // reset or closed; the counter of the other side shows it
			}
		case <-quit:
			return
		}
	}
}

// hear counts the bytes that arrive.
func hear(conn net.Conn, c *Counter) {
	b := make([]byte, 64<<10)
	for {
		n, err := conn.Read(b)
		if n > 0 {
			c.add(n)
		}
		if err != nil {
			return
		}
	}
}

// StreamUDP has the client send one datagram to a server and then be silent, while the server
// sends numbered datagrams back every few milliseconds. The lab fails when the first does not
// arrive.
func (h *Host) StreamUDP(server *Host, at netip.AddrPort) *Stream {
	h.lab.t.Helper()
	served, err := server.listenUDP(at)
	h.lab.must(err)
	client, err := h.dialUDP(netip.AddrPort{}, at)
	h.lab.must(err)
	s := &Stream{Up: newCounter(), Down: newCounter(), seen: map[int]bool{}}
	_, err = client.Write(make([]byte, streamChunk))
	h.lab.must(err)
	served.SetReadDeadline(time.Now().Add(streamSetup))
	_, from, err := served.ReadFromUDPAddrPort(make([]byte, streamChunk))
	if err != nil {
		h.lab.must(fmt.Errorf("first datagram of %s to %s: %w", h.Label, at, err))
	}
	s.Up.add(1)

	var wg sync.WaitGroup
	quit := make(chan struct{})
	wg.Go(func() { s.shower(served, from, quit) })
	wg.Go(func() { s.catch(client) })
	s.close = sync.OnceFunc(func() {
		close(quit)
		served.Close()
		client.Close()
		wg.Wait()
	})
	h.lab.onClose(s.Close)
	return s
}

// shower sends a numbered datagram every tick and counts those that went.
func (s *Stream) shower(conn *net.UDPConn, to netip.AddrPort, quit <-chan struct{}) {
	ticker := time.NewTicker(streamTick)
	defer ticker.Stop()
	chunk := make([]byte, streamChunk)
	for {
		select {
		case <-ticker.C:
		case <-quit:
			return
		}
		s.mu.Lock()
		binary.BigEndian.PutUint64(chunk, uint64(s.sent))
		if _, err := conn.WriteToUDPAddrPort(chunk, to); err == nil {
			s.sent++
		}
		s.mu.Unlock()
	}
}

// catch counts each number once, so that a copy does not make up for a loss.
func (s *Stream) catch(conn *net.UDPConn) {
	b := make([]byte, streamChunk)
	for {
		n, err := conn.Read(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || n != streamChunk {
			continue // an ICMP error, which clears itself by being read
		}
		number := int(binary.BigEndian.Uint64(b))
		s.mu.Lock()
		copied := s.seen[number]
		s.seen[number] = true
		s.mu.Unlock()
		if !copied {
			s.Down.add(1)
		}
	}
}

// Lost is how many of the datagrams that the server of a UDP stream has sent up to this call
// have not arrived when the given time is over. It returns early when none is missing.
func (s *Stream) Lost(within time.Duration) int {
	s.mu.Lock()
	sent := s.sent
	s.mu.Unlock()
	deadline := time.Now().Add(within)
	for {
		missing := s.missing(sent)
		if missing == 0 || time.Now().After(deadline) {
			return missing
		}
		time.Sleep(streamTick)
	}
}

// missing counts the numbers below sent that have not arrived.
func (s *Stream) missing(sent int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	missing := 0
	for i := range sent {
		if !s.seen[i] {
			missing++
		}
	}
	return missing
}
