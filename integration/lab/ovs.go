package lab

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	ovsSchema = "/usr/share/openvswitch/vswitch.ovsschema"

	// toolTimeout bounds one run of an Open vSwitch tool.
	toolTimeout = 30 * time.Second
)

// A Switch is an Open vSwitch of its own: database, daemon and sockets in one directory, both
// processes in one namespace.
//
//	<dir>/conf.db
//	<dir>/run/db.sock, vswitchd.ctl, <bridge>.mgmt, …
//	<dir>/log/ovsdb-server.log, ovs-vswitchd.log
type Switch struct {
	lab      *Lab
	ns       *Namespace
	dir      string
	systemID string

	server   *Process
	vswitchd *Process
}

// newSwitch makes the database and starts both daemons.
func newSwitch(l *Lab, ns *Namespace, name string) (*Switch, error) {
	s := &Switch{lab: l, ns: ns, dir: filepath.Join(l.record.Dir, name), systemID: name}
	for _, dir := range []string{s.path("run"), s.path("log")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("switch %s: %w", name, err)
		}
	}
	if _, err := s.tool("ovsdb-tool", "create", s.path("conf.db"), ovsSchema); err != nil {
		return nil, err
	}
	return s, s.start()
}

func (s *Switch) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

// env names the switch's directories to the daemons and tools.
func (s *Switch) env() []string {
	return append(os.Environ(),
		"OVS_RUNDIR="+s.path("run"), "OVS_LOGDIR="+s.path("log"), "OVS_DBDIR="+s.dir, "OVS_SYSCONFDIR="+s.dir)
}

func (s *Switch) start() error {
	if err := s.startServer(); err != nil {
		return err
	}
	return s.startVswitchd()
}

// startServer starts the database, listening for local tools and for what its Manager table says.
func (s *Switch) startServer() (err error) {
	s.server, err = s.daemon("ovsdb-server", s.path("conf.db"),
		"--remote=punix:"+s.path("run", "db.sock"),
		"--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
		"--private-key=db:Open_vSwitch,SSL,private_key",
		"--certificate=db:Open_vSwitch,SSL,certificate",
		"--bootstrap-ca-cert=db:Open_vSwitch,SSL,ca_cert",
		"--unixctl="+s.path("run", "ovsdb-server.ctl"))
	if err != nil {
		return err
	}
	if err := s.awaitSocket(); err != nil {
		return err
	}
	_, err = s.tool("ovs-vsctl", "--no-wait", "init", "--",
		"set", "Open_vSwitch", ".", "external_ids:system-id="+s.systemID)
	return err
}

// awaitSocket waits until the database takes connections. ovs-vsctl's own --retry waits a
// second between attempts.
func (s *Switch) awaitSocket() error {
	deadline := time.Now().Add(toolTimeout)
	for {
		conn, err := net.Dial("unix", s.path("run", "db.sock"))
		if err == nil {
			return conn.Close()
		}
		if !s.server.Running() || time.Now().After(deadline) {
			return fmt.Errorf("start ovsdb-server of %s: %w", s.ns.Name, err)
		}
		time.Sleep(time.Millisecond)
	}
}

// startVswitchd starts the daemon and waits until it has done what the database says.
func (s *Switch) startVswitchd() (err error) {
	s.vswitchd, err = s.daemon("ovs-vswitchd", "unix:"+s.path("run", "db.sock"),
		"--unixctl="+s.path("run", "vswitchd.ctl"))
	if err != nil {
		return err
	}
	_, err = s.tool("ovs-vsctl", "set", "Open_vSwitch", ".", "external_ids:hostname="+s.ns.Name)
	return err
}

func (s *Switch) daemon(name string, args ...string) (*Process, error) {
	log := s.path("log", name+".log")
	cmd := exec.Command(name, append(args, "--log-file="+log, "--verbose=console:off")...)
	cmd.Env = s.env()
	return s.ns.Start(cmd, log)
}

// tool runs one of Open vSwitch's programs on this switch and returns its standard output.
func (s *Switch) tool(name string, args ...string) (string, error) {
	return s.toolInput("", name, args...)
}

// toolInput is tool with a standard input.
func (s *Switch) toolInput(input, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), toolTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = s.env()
	cmd.Stdin = strings.NewReader(input)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s on %s: %s: %w: %s",
			name, s.ns.Name, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// Command is a command that runs beside the switch, with which Open vSwitch's tools find it, when
// the caller starts it.
func (s *Switch) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := s.ns.Command(ctx, name, args...)
	cmd.Env = s.env()
	return cmd
}

// Vsctl runs ovs-vsctl, which waits until the daemon has done it, and returns its output. Its
// failure is the lab's.
func (s *Switch) Vsctl(args ...string) string {
	s.lab.t.Helper()
	out, err := s.tool("ovs-vsctl", args...)
	s.lab.must(err)
	return strings.TrimSpace(out)
}

// Ofctl runs ovs-ofctl for OpenFlow 1.5, beside the older versions.
func (s *Switch) Ofctl(args ...string) (string, error) {
	return s.tool("ovs-ofctl", append([]string{"-O", "OpenFlow10,OpenFlow13,OpenFlow14,OpenFlow15"}, args...)...)
}

// Appctl runs ovs-appctl on the daemon.
func (s *Switch) Appctl(args ...string) (string, error) {
	return s.tool("ovs-appctl", append([]string{"--target=" + s.path("run", "vswitchd.ctl")}, args...)...)
}

// StopOVS ends daemon and database. Taps and VMs stay.
func (s *Switch) StopOVS() {
	s.vswitchd.Stop()
	s.server.Stop()
}

// StartOVS starts what StopOVS or KillVswitchd ended.
func (s *Switch) StartOVS() {
	s.lab.t.Helper()
	if !s.server.Running() {
		s.lab.must(s.startServer())
	}
	if !s.vswitchd.Running() {
		s.lab.must(s.startVswitchd())
	}
}

// RestartOVS is StopOVS and StartOVS: flows are lost, the database is kept.
func (s *Switch) RestartOVS() {
	s.lab.t.Helper()
	s.StopOVS()
	s.StartOVS()
}

// KillVswitchd kills the daemon as a crash would; StartOVS starts it again.
func (s *Switch) KillVswitchd() { s.vswitchd.Kill() }

// Pid is the process of the daemon, ovs-vswitchd.
func (s *Switch) Pid() int { return s.vswitchd.Pid() }

// Log is what the daemon has logged.
func (s *Switch) Log() string {
	b, _ := os.ReadFile(s.path("log", "ovs-vswitchd.log")) // absent before the first start
	return string(b)
}

// complaints are the lines of the daemon's log from warnings upwards.
func (s *Switch) complaints() string {
	var lines []string
	for line := range strings.Lines(s.Log()) {
		if strings.Contains(line, "|WARN|") || strings.Contains(line, "|ERR|") || strings.Contains(line, "|EMER|") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
