package integration

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
	"conjunct/openflow"
	"conjunct/openflow/oftest"
)

// wiretap stands between switches and conjunctd and counts what goes through by the headers of messages, so that what a benchmark
// says of a switch is what the switch was sent and has answered.
type wiretap struct {
	mu          sync.Mutex
	connections int
	begun       time.Time // the newest connection
	mods        int64     // flow-mods to switches, in bundles or not
	first, last time.Time // the first of the newest connection, and the newest
	owed        int       // barriers that confirm the newest of them: one in a bundle needs the second, behind the commit
	confirmed   time.Time // the newest was
}

// tapped is a copy of what was counted.
type tapped struct {
	connections                   int
	begun, first, last, confirmed time.Time
	mods                          int64
	settled                       bool // no flow-mod is unconfirmed
}

// tap listens in the namespace and passes connections on. It ends with the benchmark.
func tap(b *testing.B, in *lab.Namespace, at, to netip.AddrPort) *wiretap {
	w := new(wiretap)
	ln, err := in.Listen(at)
	require.NoError(b, err)
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			begun := time.Now()
			far, err := in.DialTCP(b.Context(), netip.Addr{}, to)
			if err != nil { // conjunctd is down: the switch sees that its connection ends, and comes again
				conn.Close()
				continue
			}
			w.mu.Lock()
			w.connections, w.begun, w.owed, w.first = w.connections+1, begun, 0, time.Time{}
			w.mu.Unlock()
			end := context.AfterFunc(b.Context(), func() { conn.Close() })
			work.Go(func() { w.pass(far, conn, w.ordered) })
			work.Go(func() {
				defer end()
				w.pass(conn, far, w.answered)
			})
		}
	})
	b.Cleanup(func() {
		ln.Close()
		work.Wait()
	})
	return w
}

// pass copies one direction until either side closes.
func (w *wiretap) pass(from, to net.Conn, each func(openflow.MsgType)) {
	defer from.Close()
	defer to.Close()
	var s oftest.Headers
	for buffer := make([]byte, 64<<10); ; {
		n, err := from.Read(buffer)
		s.Feed(buffer[:n], each)
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

func (w *wiretap) ordered(kind openflow.MsgType) {
	barriers := map[openflow.MsgType]int{openflow.TypeFlowMod: 1, openflow.TypeBundleAdd: 2}[kind]
	if barriers == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mods++
	w.owed, w.last = barriers, time.Now()
	if w.first.IsZero() {
		w.first = w.last
	}
}

func (w *wiretap) answered(kind openflow.MsgType) {
	if kind != openflow.TypeBarrierReply {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.owed > 0 {
		if w.owed--; w.owed == 0 {
			w.confirmed = time.Now()
		}
	}
}

func (w *wiretap) read() tapped {
	w.mu.Lock()
	defer w.mu.Unlock()
	return tapped{w.connections, w.begun, w.first, w.last, w.confirmed, w.mods, w.owed == 0}
}
