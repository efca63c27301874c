package controller

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const vswitchSchema = "/usr/share/openvswitch/vswitch.ovsschema"

// realSwitch is an ovsdb-server and an ovs-vswitchd of their own, in a directory of their own.
type realSwitch struct {
	t        testing.TB
	dir      string
	vswitchd *exec.Cmd
}

func newRealSwitch(t testing.TB, systemID string) *realSwitch {
	for _, tool := range []string{"ovsdb-server", "ovs-vswitchd", "ovsdb-tool", "ovs-vsctl", "ovs-ofctl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed (Debian: openvswitch-switch)", tool)
		}
	}
	s := &realSwitch{t: t, dir: shortDir(t)}
	s.run("ovsdb-tool", "create", s.path("conf.db"), vswitchSchema)
	s.daemon("ovsdb-server", s.path("conf.db"), "--remote=punix:"+s.path("db.sock"),
		"--remote=db:Open_vSwitch,Open_vSwitch,manager_options", "--unixctl="+s.path("db.ctl"))
	require.Eventually(t, func() bool {
		nc, err := net.Dial("unix", s.path("db.sock"))
		if err == nil {
			nc.Close()
		}
		return err == nil
	}, 20*time.Second, 10*time.Millisecond)
	s.run("ovs-vsctl", "--no-wait", "init", "--", "set", "Open_vSwitch", ".", "external_ids:system-id="+systemID)
	s.startVswitchd()
	return s
}

func (s *realSwitch) startVswitchd() {
	s.vswitchd = s.daemon("ovs-vswitchd", "unix:"+s.path("db.sock"), "--unixctl="+s.path("sw.ctl"), "--enable-dummy")
}

// restartVswitchd ends the switch as a crash would, and starts it again.
func (s *realSwitch) restartVswitchd() {
	require.NoError(s.t, s.vswitchd.Process.Kill())
	_ = s.vswitchd.Wait()
	s.startVswitchd()
}

func (s *realSwitch) path(name string) string { return filepath.Join(s.dir, name) }

func (s *realSwitch) env() []string {
	return append(os.Environ(), "OVS_RUNDIR="+s.dir, "OVS_LOGDIR="+s.dir, "OVS_DBDIR="+s.dir, "OVS_SYSCONFDIR="+s.dir)
}

// daemon starts a daemon that ends with the test.
func (s *realSwitch) daemon(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, append(args, "--no-chdir", "-vconsole:off", "--log-file="+s.path(name+".log"), "--pidfile="+s.path(name+".pid"))...)
	cmd.Env = s.env()
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// run runs a tool and returns what it prints.
func (s *realSwitch) run(name string, args ...string) string {
	s.t.Helper()
	out, err := s.try(name, args...)
	require.NoError(s.t, err, "%s %v: %s", name, args, out)
	return out
}

func (s *realSwitch) try(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = s.env()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return strings.TrimSpace(out.String()), err
}

func (s *realSwitch) flows(bridge string) string {
	out, _ := s.try("ovs-ofctl", "-O", "OpenFlow15", "--no-stats", "--no-names", "dump-flows", bridge)
	return out
}

func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Helper()
	w.t.Log(strings.TrimRight(string(b), "\n"))
	return len(b), nil
}
