// Package real runs an Open vSwitch of a test's own, with the dummy datapath, to compare with.
//
// It needs Debian's openvswitch-switch, but no root: both daemons run in a temporary directory, and touch nothing of the system. A
// test is skipped where Open vSwitch is not installed.
package real

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An OVS is ovsdb-server and ovs-vswitchd with one bridge, br0, that speaks OpenFlow 1.5.
type OVS struct {
	t   testing.TB
	dir string

	pid  int      // of ovs-vswitchd
	conn net.Conn // to the daemon's control socket
	in   *json.Decoder
}

const schema = "/usr/share/openvswitch/vswitch.ovsschema"

// Start returns when the bridge is ready. Everything ends with the test.
func Start(t testing.TB) *OVS {
	t.Helper()
	for _, tool := range []string{"ovs-vswitchd", "ovsdb-server", "ovsdb-tool", "ovs-vsctl", "ovs-ofctl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("Open vSwitch is not installed: %v", err)
		}
	}
	dir, err := os.MkdirTemp("", "cjovs") // short: the path of a Unix socket has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	o := &OVS{t: t, dir: dir}
	o.Run("ovsdb-tool", "create", o.Path("conf.db"), schema)
	o.daemon("ovsdb-server", o.Path("conf.db"), "--remote=punix:"+o.Path("db.sock"), "--unixctl="+o.Path("db.ctl"))
	o.waitFor("db.sock")
	o.pid = o.daemon("ovs-vswitchd", "unix:"+o.Path("db.sock"), "--enable-dummy", "--unixctl="+o.Path("sw.ctl"))
	o.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure", "protocols=OpenFlow15",
		"other-config:disable-in-band=true", "other-config:datapath-id=00000000000000d1")
	o.waitFor("br0.mgmt")
	o.waitFor("sw.ctl")
	if o.conn, err = net.Dial("unix", o.Path("sw.ctl")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.conn.Close() })
	o.in = json.NewDecoder(o.conn)
	return o
}

// Target is where the bridge listens, as for ovs-ofctl.
func (o *OVS) Target() string { return "unix:" + o.Path("br0.mgmt") }

// Dir is the directory of the instance.
func (o *OVS) Dir() string { return o.dir }

// Pid is the process of the switch.
func (o *OVS) Pid() int { return o.pid }

// AddPorts adds ports p1, p2, ... with those OpenFlow port numbers.
func (o *OVS) AddPorts(numbers ...int) {
	o.t.Helper()
	var args []string
	for _, n := range numbers {
		name := fmt.Sprintf("p%d", n)
		args = append(args, "--", "add-port", "br0", name, "--", "set", "interface", name, "type=dummy", fmt.Sprintf("ofport_request=%d", n))
	}
	o.Vsctl(args...)
}

// Vsctl runs ovs-vsctl and returns what it prints.
func (o *OVS) Vsctl(args ...string) string {
	o.t.Helper()
	return o.Run("ovs-vsctl", append([]string{"--db=unix:" + o.Path("db.sock"), "--timeout=20"}, args...)...)
}

// Ofctl runs ovs-ofctl, in OpenFlow 1.5 and with port numbers, and returns what it prints.
func (o *OVS) Ofctl(args ...string) string {
	o.t.Helper()
	return o.Run("ovs-ofctl", append([]string{"-O", "OpenFlow15", "--no-names"}, args...)...)
}

// Dump returns the flows as sorted lines without counts, as oftest's Switch.Dump does.
func (o *OVS) Dump() []string {
	o.t.Helper()
	var lines []string
	for _, l := range strings.Split(o.Ofctl("--no-stats", "dump-flows", o.Target()), "\n") {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

// ReplaceFlows makes the flows, one a line in the syntax of ovs-ofctl, the whole content of the bridge.
func (o *OVS) ReplaceFlows(text string) {
	o.t.Helper()
	if err := o.Replace(text); err != nil {
		o.t.Fatal(err)
	}
}

// Replace is ReplaceFlows for a goroutine that is not the test's own.
func (o *OVS) Replace(text string) error {
	file := o.Path("flows.txt")
	if err := os.WriteFile(file, []byte("delete table=255\n"+text), 0o600); err != nil {
		return err
	}
	cmd := o.Command("ovs-ofctl", "-O", "OpenFlow15", "--no-names", "--bundle", "add-flows", o.Target(), file)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ovs-ofctl: %w: %s", err, out)
	}
	return nil
}

// Appctl runs a command of ovs-vswitchd over a connection that stays: it takes a millisecond less than ovs-appctl.
func (o *OVS) Appctl(method string, params ...string) (string, error) {
	request, err := json.Marshal(map[string]any{"method": method, "params": append([]string{}, params...), "id": 0})
	if err != nil {
		return "", err
	}
	if _, err := o.conn.Write(request); err != nil {
		return "", err
	}
	var reply struct{ Result, Error *string }
	if err := o.in.Decode(&reply); err != nil {
		return "", err
	}
	if reply.Error != nil {
		return "", fmt.Errorf("%s %v: %s", method, params, *reply.Error)
	}
	return *reply.Result, nil
}

// Path is a file in the directory of the instance.
func (o *OVS) Path(name string) string { return filepath.Join(o.dir, name) }

// Command is a command that finds the instance as Open vSwitch's tools find theirs.
func (o *OVS) Command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "OVS_RUNDIR="+o.dir, "OVS_LOGDIR="+o.dir, "OVS_DBDIR="+o.dir, "OVS_SYSCONFDIR="+o.dir)
	return cmd
}

// Run runs a command and returns what it prints; the test fails when the command does.
func (o *OVS) Run(name string, args ...string) string {
	o.t.Helper()
	var stderr bytes.Buffer
	cmd := o.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		o.t.Fatalf("%s %v: %v: %s", name, args, err, stderr.String())
	}
	return string(out)
}

func (o *OVS) daemon(name string, args ...string) (pid int) {
	o.t.Helper()
	log, err := os.Create(o.Path(name + ".log"))
	if err != nil {
		o.t.Fatal(err)
	}
	cmd := o.Command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() {
		_ = cmd.Process.Kill() // also when it has ended by itself
		_ = cmd.Wait()
		log.Close()
	})
	return cmd.Process.Pid
}

// waitFor waits until somebody listens on a socket. The file is there a moment before.
func (o *OVS) waitFor(name string) {
	o.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if conn, err := net.Dial("unix", o.Path(name)); err == nil {
			conn.Close()
			return
		}
	}
	o.t.Fatalf("Open vSwitch: nobody listens on %s", name)
}
