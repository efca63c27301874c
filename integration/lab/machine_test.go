package lab_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
)

// A port that is taken away and comes back has another number, unless it asks for one.
func TestReplug(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	first := w.a.OFPort()
	w.a.Replug(0)
	second := w.a.OFPort()
	require.NotEqual(t, first, second)
	require.Equal(t, lab.Open, w.a.TryUntil(lab.Open, lab.Ping(w.b.Addr4()), patience))
	w.a.Replug(first)
	require.Equal(t, first, w.a.OFPort())
	require.Equal(t, lab.Open, w.a.TryUntil(lab.Open, lab.Ping(w.b.Addr4()), patience))
	require.Contains(t, w.hv1.Vsctl("get", "Interface", "a", "external_ids"), `iface-id=a`)
}

// A VM that moves keeps its addresses and its connections.
func TestMigrate(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	s := w.a.StreamTCP(w.out, netip.AddrPortFrom(w.out.Addr4(), 80))
	require.True(t, s.Down.GoesOn(patience))
	w.a.Migrate(w.hv2)
	require.Equal(t, "hv2", w.a.Hypervisor().Name)
	w.a.Announce()
	require.True(t, s.Up.GoesOn(patience))
	require.True(t, s.Down.GoesOn(patience))
	require.Equal(t, lab.Open, w.out.TryUntil(lab.Open, lab.Ping(w.a.Addr6()), patience))
	require.NotContains(t, strings.Fields(w.hv1.Vsctl("list-ports", lab.IntegrationBridge)), "a")
}

// An unplugged VM is alone; a destroyed one is gone.
func TestUnplugAndDestroy(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	w.a.Unplug()
	require.Nil(t, w.a.Hypervisor())
	require.NotEqual(t, lab.Open, w.b.Try(lab.Ping(w.a.Addr4()).Within(200*time.Millisecond)))
	w.a.Plug(w.hv1)
	require.Equal(t, lab.Open, w.b.TryUntil(lab.Open, lab.Ping(w.a.Addr4()), patience))
	w.a.Destroy()
	require.NotContains(t, strings.Fields(w.hv1.Vsctl("list-ports", lab.IntegrationBridge)), "a")
	again := w.hv2.Plug(lab.VM{Name: "a", Addrs: addrs("10.0.0.1/24")})
	require.Equal(t, lab.Open, w.b.TryUntil(lab.Open, lab.Ping(again.Addr4()), patience))
}

// Routes lead to where the host's own prefixes do not.
func TestRoutes(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	far := w.Outside(lab.Outside{Name: "far", Addrs: addrs("203.0.113.9/32", "2001:db8::9/128"),
		Routes: []lab.Route{{To: netip.MustParsePrefix("0.0.0.0/0")}, {To: netip.MustParsePrefix("::/0")}}})
	near := w.hv1.Plug(lab.VM{Name: "near", Addrs: addrs("10.0.0.3/24", "fd00::3/64"), Routes: []lab.Route{
		{To: netip.MustParsePrefix("203.0.113.0/24")},
		{To: netip.MustParsePrefix("2001:db8::/32")},
		{To: netip.MustParsePrefix("0.0.0.0/0"), Via: w.b.Addr4()},
		{To: netip.MustParsePrefix("::/0"), Via: w.b.Addr6()},
	}})
	for i := range near.Addrs {
		require.Equal(t, lab.Open, near.Try(lab.Ping(far.Addrs[i].Addr())))
		require.Equal(t, lab.Open, far.Try(lab.Ping(near.Addrs[i].Addr())))
	}

	// What is elsewhere goes to the gateway, by its MAC.
	elsewhere := w.b.Sniff(func(p gopacket.Packet) bool {
		return p.NetworkLayer() != nil && p.NetworkLayer().NetworkFlow().Dst().String() == "192.0.2.1"
	})
	require.NotEqual(t, lab.Open, near.Try(lab.Ping(netip.MustParseAddr("192.0.2.1")).Within(200*time.Millisecond)))
	require.True(t, elsewhere.Heard(patience))
}
