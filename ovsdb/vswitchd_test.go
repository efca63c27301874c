package ovsdb_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/ovsdb"
	"conjunct/ovsdb/ovsdbtest"
)

// ovs-vswitchd, with devices that exist in its memory only, carries out what we ask
// for and reports what we read: datapath id, port numbers, MAC addresses, errors.
func TestVswitchdCarriesItOut(t *testing.T) {
	w := realWorld(t)
	if _, err := exec.LookPath("ovs-vswitchd"); err != nil {
		t.Skip("ovs-vswitchd is not installed (Debian: openvswitch-switch)")
	}
	dir := shortDir(t)
	cmd := exec.Command("ovs-vswitchd", w.unix, "--enable-dummy=override", "--disable-system", "--no-chdir",
		"-vconsole:off", "--log-file="+filepath.Join(dir, "log"), "--unixctl="+filepath.Join(dir, "ctl"),
		"--pidfile="+filepath.Join(dir, "pid"))
	cmd.Env = append(os.Environ(), "OVS_RUNDIR="+dir)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed, so never nil
	})

	ctx := testContext(t)
	c := w.dial(t)
	spec := bridgeSpec()
	spec.DatapathType = "dummy"
	_, err := c.EnsureBridge(ctx, spec)
	require.NoError(t, err)
	s := until(t, c, func(s *ovsdb.Snapshot) bool {
		return s.Bridge("br-int").DatapathID == spec.DatapathID && s.Interface("br-int").OFPort == 65534
	})
	require.Contains(t, s.Root().DatapathTypes, "dummy")
	require.NotEmpty(t, s.Interface("br-int").MACInUse)

	require.NoError(t, ovsdbtest.Plug(ctx, w.admin, "br-int", ovsdbtest.NIC{Name: "tap1", IfaceID: "p1"}))
	require.NoError(t, ovsdbtest.Plug(ctx, w.admin, "br-int", ovsdbtest.NIC{Name: "bad"}))
	require.NoError(t, ovsdbtest.Update(ctx, w.admin, "Interface", "bad", ovsdb.Row{"type": ovsdb.String("nonsense")}))
	s = until(t, c, func(s *ovsdb.Snapshot) bool {
		return s.Interface("tap1").OFPort > 0 && s.Interface("tap1").MACInUse != "" && s.Interface("bad").OFPort == -1
	})
	require.Contains(t, s.Interface("bad").Error, "could not open network device bad")

	p := port(t, c, "tap1")
	stale, err := c.SetInstalled(ctx, mark(p, 1))
	require.NoError(t, err)
	require.Empty(t, stale)

	// The switch gives the device another number: the mark of the old one is refused.
	require.NoError(t, ovsdbtest.Update(ctx, w.admin, "Interface", "tap1", ovsdb.Row{"ofport_request": ovsdb.Integer(77)}))
	until(t, c, func(s *ovsdb.Snapshot) bool { return s.Interface("tap1").OFPort == 77 })
	stale, err = c.SetInstalled(ctx, mark(p, 2))
	require.NoError(t, err)
	require.Equal(t, []ovsdb.UUID{p.InterfaceUUID}, stale)
}
