package openflow_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
)

// ovs is a real ovs-vswitchd of the test's own, with the dummy datapath and one bridge, br0. It runs in a directory of its own and
// touches nothing of the system.
type ovs struct {
	t   *testing.T
	dir string
}

// needOVS skips the test when Open vSwitch is not installed.
func needOVS(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"ovs-vswitchd", "ovsdb-server", "ovsdb-tool", "ovs-vsctl", "ovs-ofctl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("Open vSwitch is not installed: %v", err)
		}
	}
}

func startOVS(t *testing.T) *ovs {
	needOVS(t)
	dir, err := os.MkdirTemp("", "cjof") // short: a Unix socket's path has 107 bytes
	require.NoError(t, err)
	s := &ovs{t: t, dir: dir}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s.run("ovsdb-tool", "create", s.path("conf.db"), schema(t))
	s.daemon("ovsdb-server", s.path("conf.db"), "--remote=punix:"+s.path("db.sock"), "--unixctl="+s.path("db.ctl"))
	s.waitFor("db.sock")
	s.daemon("ovs-vswitchd", "unix:"+s.path("db.sock"), "--enable-dummy", "--unixctl="+s.path("sw.ctl"))
	s.run("ovs-vsctl", "--db=unix:"+s.path("db.sock"), "--timeout=20", "add-br", "br0", "--",
		"set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure", "protocols=OpenFlow15")
	s.waitFor("br0.mgmt")
	return s
}

// schema finds the database schema of the installed package.
func schema(t *testing.T) string {
	for _, p := range []string{"/usr/share/openvswitch/vswitch.ovsschema", "/usr/local/share/openvswitch/vswitch.ovsschema"} {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	t.Skip("Open vSwitch is not installed: no vswitch.ovsschema")
	return ""
}

func (s *ovs) path(name string) string { return filepath.Join(s.dir, name) }

func (s *ovs) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "OVS_RUNDIR="+s.dir, "OVS_LOGDIR="+s.dir, "OVS_DBDIR="+s.dir, "OVS_SYSCONFDIR="+s.dir)
	return cmd
}

// run returns what the command prints.
func (s *ovs) run(name string, args ...string) string {
	s.t.Helper()
	var stderr bytes.Buffer
	cmd := s.command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(s.t, err, "%s %v: %s", name, args, stderr.String())
	return string(out)
}

// daemon starts a process that ends with the test.
func (s *ovs) daemon(name string, args ...string) {
	s.t.Helper()
	log, err := os.Create(s.path(name + ".log"))
	require.NoError(s.t, err)
	cmd := s.command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
	})
}

func (s *ovs) waitFor(name string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		_, err := os.Stat(s.path(name))
		return err == nil
	}, 20*time.Second, 10*time.Millisecond, "%s does not appear", name)
}

// bridge is the address of the bridge for ovs-ofctl.
func (s *ovs) bridge() string { return "unix:" + s.path("br0.mgmt") }

func (s *ovs) ofctl(args ...string) string {
	s.t.Helper()
	return s.run("ovs-ofctl", append([]string{"-O", "OpenFlow15", "--no-names", "--timeout=20"}, args...)...)
}

// dump returns the lines of dump-flows without counts.
func (s *ovs) dump() []string {
	s.t.Helper()
	return lines(s.ofctl("--no-stats", "dump-flows", s.bridge()))
}

// connect opens a connection to the bridge and says hello.
func (s *ovs) connect() *peer {
	s.t.Helper()
	c, err := net.Dial("unix", s.path("br0.mgmt"))
	require.NoError(s.t, err)
	p := newPeer(s.t, c)
	p.hello()
	return p
}

// peer is one end of an OpenFlow connection that the test reads and writes message by message.
type peer struct {
	t    *testing.T
	conn net.Conn
	xid  uint32
}

func newPeer(t *testing.T, c net.Conn) *peer {
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return &peer{t: t, conn: c, xid: 100}
}

func (p *peer) hello() {
	p.t.Helper()
	p.send(openflow.Hello{Versions: openflow.HelloVersions15})
	_, m := p.recv()
	require.IsType(p.t, openflow.Hello{}, m)
}

// send writes a message and returns its xid.
func (p *peer) send(m openflow.Message) uint32 {
	p.t.Helper()
	p.xid++
	b, err := openflow.Append(nil, p.xid, m)
	require.NoError(p.t, err)
	_, err = p.conn.Write(b)
	require.NoError(p.t, err)
	return p.xid
}

// recvRaw reads the bytes of one message.
func (p *peer) recvRaw() ([]byte, error) {
	b := make([]byte, openflow.HeaderLen)
	if _, err := io.ReadFull(p.conn, b); err != nil {
		return nil, err
	}
	n, err := openflow.MessageLength(b)
	if err != nil {
		return nil, err
	}
	b = append(b, make([]byte, n-len(b))...)
	_, err = io.ReadFull(p.conn, b[openflow.HeaderLen:])
	return b, err
}

// recv reads one message; it answers echo requests by itself.
func (p *peer) recv() (uint32, openflow.Message) {
	p.t.Helper()
	for {
		b, err := p.recvRaw()
		require.NoError(p.t, err)
		xid, m, err := openflow.Decode(b)
		require.NoError(p.t, err, "%x", b)
		echo, ok := m.(openflow.EchoRequest)
		if !ok {
			return xid, m
		}
		b, err = openflow.Append(nil, xid, openflow.EchoReply(echo))
		require.NoError(p.t, err)
		_, err = p.conn.Write(b)
		require.NoError(p.t, err)
	}
}

// barrier waits until the switch has done all that was sent, and fails on an error message.
func (p *peer) barrier() {
	p.t.Helper()
	xid := p.send(openflow.BarrierRequest{})
	for {
		got, m := p.recv()
		if e, ok := m.(openflow.Error); ok {
			require.NoError(p.t, e, "xid %d", got)
		}
		if _, ok := m.(openflow.BarrierReply); ok && got == xid {
			return
		}
	}
}

// lines splits a text, without empty lines, comments and blanks around.
func lines(s string) []string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
			out = append(out, l)
		}
	}
	return out
}
