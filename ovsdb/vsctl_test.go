package ovsdb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/ovsdb"
)

// The official tool takes the server in process for a real one.
func TestOvsVsctlOnTheFake(t *testing.T) {
	realWorld(t) // skips where ovs-vsctl is not installed
	w := fakeWorld(t)
	c := w.dial(t)
	w.vsctl(t, "add-br", "br0", "--", "add-port", "br0", "tap1", "tag=7", "--", "set", "Interface", "tap1", "external_ids:iface-id=p1")
	_, err := c.EnsureBridge(testContext(t), bridgeSpec())
	require.NoError(t, err)
	require.Equal(t, "br-int\nbr0", w.vsctl(t, "list-br"))
	require.Equal(t, "secure", w.vsctl(t, "get-fail-mode", "br-int"))
	require.Equal(t, "hv1", w.vsctl(t, "get", "Open_vSwitch", ".", "external_ids:system-id"))
	require.Equal(t, "p1", c.Snapshot().Ports("br0")[1].IfaceID)
	w.vsctl(t, "del-port", "tap1")
	until(t, c, func(s *ovsdb.Snapshot) bool { return s.Interface("tap1") == nil })
}
