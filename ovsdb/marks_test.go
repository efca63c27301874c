package ovsdb_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"conjunct/ovsdb"
	"conjunct/ovsdb/ovsdbtest"
)

// plugged is a bridge with two VM ports, an uplink and a port that the switch has not
// got to yet.
func plugged(t *testing.T, w *world) *ovsdb.Client {
	t.Helper()
	ctx := testContext(t)
	require.NoError(t, ovsdbtest.AddBridge(ctx, w.admin, "br-int"))
	for _, nic := range []ovsdbtest.NIC{
		{Name: "tap1", IfaceID: "p1", OFPort: 1, MAC: "02:00:00:00:00:01"},
		{Name: "tap2", IfaceID: "p2", OFPort: 2, MAC: "02:00:00:00:00:02"},
		{Name: "eth0", OFPort: 100, Role: ovsdb.RoleUplink},
		{Name: "tap3", IfaceID: "p3"},
	} {
		require.NoError(t, ovsdbtest.Plug(ctx, w.admin, "br-int", nic))
	}
	require.NoError(t, ovsdbtest.Update(ctx, w.admin, "Interface", "tap2", ovsdb.Row{
		"ofport": ovsdb.Integer(-1), "error": ovsdb.String("could not open network device tap2")}))
	require.NoError(t, ovsdbtest.SetOFPort(ctx, w.admin, "tap2", 2))
	c := w.dial(t)
	require.Len(t, c.Snapshot().Ports("br-int"), 5)
	return c
}

func port(t *testing.T, c *ovsdb.Client, name string) ovsdb.BridgePort {
	t.Helper()
	for _, p := range c.Snapshot().Ports("br-int") {
		if p.Interface == name {
			return p
		}
	}
	t.Fatalf("no port %s", name)
	return ovsdb.BridgePort{}
}

func mark(p ovsdb.BridgePort, revision uint64) ovsdb.Mark {
	return ovsdb.Mark{Interface: p.InterfaceUUID, IfaceID: p.IfaceID,
		Value: ovsdb.Installed{Revision: revision, OFPort: p.OFPort, MAC: "fa:16:3e:00:00:01"}}
}

func externalIDs(t *testing.T, w *world, iface string) map[string]string {
	t.Helper()
	ids, err := ovsdbtest.ExternalIDs(testContext(t), w.admin, "Interface", iface)
	require.NoError(t, err)
	return ids
}

func TestPorts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := plugged(t, w)
		ports := c.Snapshot().Ports("br-int")
		for i := range ports {
			require.False(t, ports[i].InterfaceUUID.IsZero())
			ports[i].InterfaceUUID = ovsdb.UUID{}
		}
		require.Equal(t, []ovsdb.BridgePort{
			{Interface: "br-int", Port: "br-int", Type: "internal"},
			{Interface: "eth0", Port: "eth0", OFPort: 100, Role: ovsdb.RoleUplink},
			{Interface: "tap1", Port: "tap1", IfaceID: "p1", OFPort: 1, MACInUse: "02:00:00:00:00:01"},
			{Interface: "tap2", Port: "tap2", IfaceID: "p2", OFPort: 2, MACInUse: "02:00:00:00:00:02",
				Error: "could not open network device tap2"},
			{Interface: "tap3", Port: "tap3", IfaceID: "p3"},
		}, ports)
		require.Nil(t, c.Snapshot().Ports("br-none"))

		require.NoError(t, ovsdbtest.Unplug(testContext(t), w.admin, "br-int", "tap2"))
		until(t, c, func(s *ovsdb.Snapshot) bool { return s.Interface("tap2") == nil && len(s.Ports("br-int")) == 4 })
	})
}

func TestSetInstalled(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := testContext(t)
		c := plugged(t, w)
		stale, err := c.SetInstalled(ctx, mark(port(t, c, "tap1"), 7), mark(port(t, c, "tap2"), 7))
		require.NoError(t, err)
		require.Empty(t, stale)
		require.Equal(t, map[string]string{"iface-id": "p1", "conjunct-installed": "7 1 fa:16:3e:00:00:01"}, externalIDs(t, w, "tap1"))
		require.Equal(t, map[string]string{"iface-id": "p2", "conjunct-installed": "7 2 fa:16:3e:00:00:01"}, externalIDs(t, w, "tap2"))
		require.Equal(t, "7 1 fa:16:3e:00:00:01", port(t, c, "tap1").Installed)

		// Again: nothing is sent.
		before := c.Snapshot()
		_, err = c.SetInstalled(ctx, mark(port(t, c, "tap1"), 7))
		require.NoError(t, err)
		require.Same(t, before, c.Snapshot())

		// Another revision replaces the mark and only the mark.
		require.NoError(t, ovsdbtest.SetExternalID(ctx, w.admin, "Interface", "tap1", "theirs", "x"))
		_, err = c.SetInstalled(ctx, mark(port(t, c, "tap1"), 8))
		require.NoError(t, err)
		require.Equal(t, map[string]string{"iface-id": "p1", "theirs": "x", "conjunct-installed": "8 1 fa:16:3e:00:00:01"},
			externalIDs(t, w, "tap1"))

		require.NoError(t, c.ClearInstalled(ctx, port(t, c, "tap1").InterfaceUUID, port(t, c, "tap3").InterfaceUUID, ovsdb.UUID{1}))
		require.Equal(t, map[string]string{"iface-id": "p1", "theirs": "x"}, externalIDs(t, w, "tap1"))
		before = c.Snapshot()
		require.NoError(t, c.ClearInstalled(ctx, port(t, c, "tap1").InterfaceUUID))
		require.Same(t, before, c.Snapshot())
	})
}

// A port that was re-plugged or re-bound after the flows were made must not be called
// installed, whether we have heard of it yet or not; others in the batch are.
func TestSetInstalledIsGuarded(t *testing.T) {
	for name, change := range map[string]func(context.Context, ovsdbtest.Transactor) error{
		"another port number": func(ctx context.Context, t ovsdbtest.Transactor) error {
			return ovsdbtest.SetOFPort(ctx, t, "tap1", 9)
		},
		"no port number": func(ctx context.Context, t ovsdbtest.Transactor) error {
			return ovsdbtest.SetOFPort(ctx, t, "tap1", 0)
		},
		"another VM": func(ctx context.Context, t ovsdbtest.Transactor) error {
			return ovsdbtest.SetExternalID(ctx, t, "Interface", "tap1", "iface-id", "p9")
		},
		"unplugged": func(ctx context.Context, t ovsdbtest.Transactor) error {
			return ovsdbtest.Unplug(ctx, t, "br-int", "tap1")
		},
		"plugged again": func(ctx context.Context, t ovsdbtest.Transactor) error {
			if err := ovsdbtest.Unplug(ctx, t, "br-int", "tap1"); err != nil {
				return err
			}
			return ovsdbtest.Plug(ctx, t, "br-int", ovsdbtest.NIC{Name: "tap1", IfaceID: "p1", OFPort: 1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachWorld(t, func(t *testing.T, w *world) {
				ctx := testContext(t)
				c := plugged(t, w)
				first, second := mark(port(t, c, "tap1"), 7), mark(port(t, c, "tap2"), 7)
				require.NoError(t, change(ctx, w.admin))
				stale, err := c.SetInstalled(ctx, first, second)
				require.NoError(t, err)
				require.Equal(t, []ovsdb.UUID{first.Interface}, stale)
				require.Contains(t, externalIDs(t, w, "tap2"), "conjunct-installed")
				if name != "unplugged" {
					require.NotContains(t, externalIDs(t, w, "tap1"), "conjunct-installed")
				}
				// And once we have heard of it.
				require.NoError(t, c.Echo(ctx))
				stale, err = c.SetInstalled(ctx, first, second)
				require.NoError(t, err)
				require.Equal(t, []ovsdb.UUID{first.Interface}, stale)
			})
		})
	}
}

// The guard is the server's, not the cache's: here the client cannot have heard yet.
func TestSetInstalledIsGuardedByTheServer(t *testing.T) {
	ctx := testContext(t)
	w := fakeWorld(t)
	plugged(t, w)
	line := &gate{Conn: w.fake.Pipe()}
	c, err := ovsdb.NewClient(ctx, ovsdb.NewConn(line, ovsdb.Options{}))
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	m, other := mark(port(t, c, "tap1"), 7), mark(port(t, c, "tap2"), 7)

	line.shut.Lock()
	require.NoError(t, ovsdbtest.SetOFPort(ctx, w.admin, "tap1", 9))
	sent := w.fake.Transactions()
	result := make(chan []ovsdb.UUID, 1)
	go func() {
		stale, err := c.SetInstalled(ctx, other, m)
		assert.NoError(t, err)
		result <- stale
	}()
	require.Eventually(t, func() bool { return w.fake.Transactions() > sent }, time.Minute, time.Millisecond)
	line.shut.Unlock()
	require.Equal(t, []ovsdb.UUID{m.Interface}, <-result)
	require.NotContains(t, externalIDs(t, w, "tap1"), "conjunct-installed")
	require.Contains(t, externalIDs(t, w, "tap2"), "conjunct-installed")
}

// A gate holds back what comes in while it is shut.
type gate struct {
	net.Conn
	shut sync.Mutex
}

func (g *gate) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	g.shut.Lock()
	defer g.shut.Unlock()
	return n, err
}

func TestMarkWithoutIfaceID(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := plugged(t, w)
		stale, err := c.SetInstalled(testContext(t), mark(port(t, c, "eth0"), 3))
		require.NoError(t, err)
		require.Empty(t, stale)
		require.Equal(t, map[string]string{"conjunct-installed": "3 100 fa:16:3e:00:00:01"}, externalIDs(t, w, "eth0"))
	})
}

// ovs-vsctl wait-until is how a host waits for its port (api.md: "or on the host").
func TestMarkAsOvsVsctlSeesIt(t *testing.T) {
	w := realWorld(t)
	c := plugged(t, w)
	_, err := c.SetInstalled(testContext(t), mark(port(t, c, "tap1"), 7))
	require.NoError(t, err)
	w.vsctl(t, "wait-until", "Interface", "tap1", `external_ids:conjunct-installed="7 1 fa:16:3e:00:00:01"`)
	require.Equal(t, `"7 1 fa:16:3e:00:00:01"`, w.vsctl(t, "get", "Interface", "tap1", "external_ids:conjunct-installed"))
}
