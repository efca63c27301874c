package ovsdb_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/ovsdb"
	"conjunct/ovsdb/ovsdbtest"
)

// A world is a server to test against, real or not, with one Open_vSwitch row whose
// system-id is "hv1".
type world struct {
	name    string
	unix    string // address to dial
	tcp     string
	admin   ovsdbtest.Transactor // acts as ovs-vsctl and ovs-vswitchd
	fake    *ovsdbtest.Server    // nil if real
	restart func(t *testing.T)   // with the same database, at the same addresses
}

// eachWorld runs a test body against the server in process and the real one.
func eachWorld(t *testing.T, body func(t *testing.T, w *world)) {
	t.Run("fake", func(t *testing.T) { body(t, fakeWorld(t)) })
	t.Run("real", func(t *testing.T) { body(t, realWorld(t)) })
}

func fakeWorld(t testing.TB) *world {
	s := ovsdbtest.New("hv1")
	t.Cleanup(s.Close)
	path := filepath.Join(shortDir(t), "db.sock")
	_, err := s.Listen("unix", path, nil)
	require.NoError(t, err)
	tcp, err := s.Listen("tcp", "127.0.0.1:0", nil)
	require.NoError(t, err)
	return &world{
		name: "fake", unix: "unix:" + path, tcp: "tcp:" + tcp.String(), admin: s, fake: s,
		restart: func(*testing.T) { s.Drop() },
	}
}

const vswitchSchema = "/usr/share/openvswitch/vswitch.ovsschema"

// realWorld starts an ovsdb-server of its own, with these flags, on a fresh database.
func realWorld(t testing.TB, flags ...string) *world {
	t.Helper()
	for _, tool := range []string{"ovsdb-server", "ovsdb-tool", "ovs-vsctl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed (Debian: openvswitch-switch)", tool)
		}
	}
	if _, err := os.Stat(vswitchSchema); err != nil {
		t.Skipf("no schema of Open vSwitch: %v", err)
	}
	dir := shortDir(t)
	db := filepath.Join(dir, "conf.db")
	out, err := exec.Command("ovsdb-tool", "create", db, vswitchSchema).CombinedOutput()
	require.NoError(t, err, "%s", out)

	w := &world{name: "real", unix: "unix:" + filepath.Join(dir, "db.sock"), tcp: freeTCP(t)}
	stop := startReal(t, dir, db, w, flags)
	t.Cleanup(func() { stop() })
	w.restart = func(t *testing.T) {
		stop()
		stop = startReal(t, dir, db, w, flags)
	}
	admin := adminConn(t, w)
	w.admin = admin
	_, err = admin.Transact(context.Background(), ovsdb.Insert{Table: "Open_vSwitch", Row: ovsdb.Row{
		"external_ids":   ovsdb.StringMap(map[string]string{"system-id": "hv1"}),
		"ovs_version":    ovsdb.String("3.1.0"),
		"db_version":     ovsdb.String("8.3.1"),
		"datapath_types": ovsdb.Strings("netdev", "system"),
	}})
	require.NoError(t, err)
	return w
}

// startReal runs the server in the foreground and returns what ends it.
func startReal(t testing.TB, dir, db string, w *world, flags []string) (stop func()) {
	_, port, err := net.SplitHostPort(strings.TrimPrefix(w.tcp, "tcp:"))
	require.NoError(t, err)
	socket := strings.TrimPrefix(w.unix, "unix:")
	args := slices.Concat(flags, []string{"--no-chdir", "--log-file=" + filepath.Join(dir, "log"), "-vconsole:off",
		"--unixctl=" + filepath.Join(dir, "ctl"), "--pidfile=" + filepath.Join(dir, "pid"),
		"--remote=punix:" + socket, fmt.Sprintf("--remote=ptcp:%s:127.0.0.1", port),
		"--remote=db:Open_vSwitch,Open_vSwitch,manager_options", db})
	cmd := exec.Command("ovsdb-server", args...)
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool {
		nc, err := net.Dial("unix", socket)
		if err == nil {
			nc.Close()
		}
		return err == nil
	}, 20*time.Second, 10*time.Millisecond, "ovsdb-server does not listen")
	done := false
	return func() {
		if !done {
			done = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // killed, so never nil
		}
	}
}

// adminConn dials anew whenever the server was restarted.
func adminConn(t testing.TB, w *world) ovsdbtest.Transactor {
	return redialing{t, w.unix}
}

type redialing struct {
	t       testing.TB
	address string
}

func (r redialing) Transact(ctx context.Context, ops ...ovsdb.Op) ([]ovsdb.Result, error) {
	conn, err := ovsdb.DialConn(ctx, r.address, ovsdb.Options{})
	require.NoError(r.t, err)
	defer conn.Close()
	return conn.Transact(ctx, ops...)
}

// dial makes a client that lives as long as the test.
func (w *world) dial(t *testing.T) *ovsdb.Client {
	t.Helper()
	c, err := ovsdb.Dial(testContext(t), w.unix, ovsdb.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// vsctl runs ovs-vsctl against the world and returns what it prints.
func (w *world) vsctl(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(testContext(t), "ovs-vsctl",
		append([]string{"--no-wait", "--db=" + w.unix, "--timeout=20"}, args...)...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "ovs-vsctl %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// shortDir is a directory whose path fits into a socket's address (108 bytes).
func shortDir(t testing.TB) string {
	dir, err := os.MkdirTemp("", "ovsdb")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// freeTCP is an address that nobody listens on.
func freeTCP(t testing.TB) string {
	nl, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer nl.Close()
	return "tcp:" + nl.Addr().String()
}

// until takes changes until cond holds for the state they lead to.
func until(t *testing.T, c *ovsdb.Client, cond func(*ovsdb.Snapshot) bool) *ovsdb.Snapshot {
	t.Helper()
	for s := c.Snapshot(); ; {
		if cond(s) {
			return s
		}
		change, err := c.Next(testContext(t))
		require.NoError(t, err)
		s = change.Snapshot
	}
}
