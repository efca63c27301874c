package main

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"conjunct/openflow"
	"conjunct/openflow/oftest"
)

// tap is the switch's connection, with what goes through it counted by the headers of messages.
type tap struct {
	net.Conn
	h       *host
	in, out oftest.Headers
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
	t.in.Feed(b[:n], func(kind openflow.MsgType) {
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
	t.out.Feed(b, func(kind openflow.MsgType) {
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
