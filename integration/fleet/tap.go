package main

import (
	"encoding/binary"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"conjunct/openflow"
)

// tap is the switch's connection, with what goes through it counted by the headers of messages.
type tap struct {
	net.Conn
	h       *host
	in, out stream
	once    sync.Once
	closed  chan struct{}
	// owed is how many barriers confirm what was sent last.
	owed atomic.Int64
}

// barriersOwed is how many barriers confirm a message that changes flows: one of a bundle is confirmed by the second, behind the commit.
var barriersOwed = map[openflow.MsgType]int64{openflow.TypeFlowMod: 1, openflow.TypeBundleAdd: 2}

func (t *tap) Close() error {
	t.once.Do(func() { close(t.closed) })
	return t.Conn.Close()
}

func (t *tap) Read(b []byte) (int, error) {
	for t.h.deaf.Load() {
		select {
		case <-t.closed:
		case <-time.After(10 * time.Millisecond):
			continue
		}
		break
	}
	n, err := t.Conn.Read(b)
	t.in.feed(b[:n], func(kind openflow.MsgType) {
		owed, changes := barriersOwed[kind]
		if changes {
			t.h.mods.Add(1)
			t.owed.Store(owed)
		}
	})
	return n, err
}

func (t *tap) Write(b []byte) (int, error) {
	barriers := 0
	t.out.feed(b, func(kind openflow.MsgType) {
		if kind == openflow.TypeBarrierReply {
			barriers++
		}
	})
	if barriers > 0 {
		time.Sleep(time.Duration(t.h.late.Load()))
	}
	n, err := t.Conn.Write(b)
	for range barriers {
		if err == nil && t.owed.Add(-1) == 0 {
			t.h.at.Store(time.Now().UnixNano())
			t.h.confirmed.Store(t.h.mods.Load())
		}
	}
	return n, err
}

// stream follows the messages of one direction without keeping them.
type stream struct {
	head [openflow.HeaderLen]byte
	have int // of the header
	skip int // of the body
}

func (s *stream) feed(b []byte, each func(openflow.MsgType)) {
	for len(b) > 0 {
		if s.skip > 0 {
			n := min(s.skip, len(b))
			s.skip, b = s.skip-n, b[n:]
			continue
		}
		n := copy(s.head[s.have:], b)
		s.have, b = s.have+n, b[n:]
		if s.have < len(s.head) {
			return
		}
		s.have, s.skip = 0, max(0, int(binary.BigEndian.Uint16(s.head[2:]))-openflow.HeaderLen)
		each(openflow.MsgType(s.head[1]))
	}
}
