package ovsdb_test

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/ovsdb"
	"conjunct/ovsdb/ovsdbtest"
)

// BenchmarkHost sets up a server in process with 50 ports and a client that has read
// it, and reports what each of them keeps in memory.
func BenchmarkHost(b *testing.B) {
	const ports = 50
	var servers []*ovsdbtest.Server
	var clients []*ovsdb.Client
	before := heap()
	for b.Loop() {
		s := ovsdbtest.New("hv1")
		require.NoError(b, ovsdbtest.AddBridge(b.Context(), s, "br-int"))
		for i := range ports {
			require.NoError(b, s.AddInterface("br-int", "tap"+strconv.Itoa(i), "port-"+strconv.Itoa(i), int64(i+1), "02:00:00:00:00:01"))
		}
		servers = append(servers, s)
	}
	after := heap()
	b.ReportMetric((after-before)/float64(b.N), "server-B/host")
	for _, s := range servers {
		c, err := ovsdb.NewClient(b.Context(), ovsdb.NewConn(s.Pipe(), ovsdb.Options{}))
		require.NoError(b, err)
		clients = append(clients, c)
	}
	b.ReportMetric((heap()-after)/float64(b.N), "client-B/host")
	for i := range clients {
		require.NoError(b, clients[i].Close())
		servers[i].Close()
	}
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkInstalled marks a port over a connection to each server: a transaction, its
// update and its reply.
func BenchmarkInstalled(b *testing.B) {
	run := func(b *testing.B, w *world) {
		require.NoError(b, ovsdbtest.AddBridge(b.Context(), w.admin, "br-int"))
		require.NoError(b, ovsdbtest.Plug(b.Context(), w.admin, "br-int", ovsdbtest.NIC{Name: "tap1", IfaceID: "p1", OFPort: 1}))
		c, err := ovsdb.Dial(b.Context(), w.unix, ovsdb.Options{})
		require.NoError(b, err)
		defer c.Close()
		p := c.Snapshot().Ports("br-int")[1]
		for revision := uint64(1); b.Loop(); revision++ {
			stale, err := c.SetInstalled(b.Context(), mark(p, revision))
			require.NoError(b, err)
			require.Empty(b, stale)
		}
	}
	b.Run("fake", func(b *testing.B) { run(b, fakeWorld(b)) })
	b.Run("real", func(b *testing.B) { run(b, realWorld(b)) })
}
