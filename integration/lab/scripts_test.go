package lab_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
)

// repository is the root of the project.
const repository = "../.."

func script(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(repository, "scripts", name))
	require.NoError(t, err)
	return path
}

// run is a command that must succeed.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", cmd, out)
	return string(out)
}

func TestScriptsAreShell(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(repository, "scripts", "*.sh"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&0o111, "%s can't be run", path)
		run(t, exec.Command("sh", "-n", path))
		if shellcheck, err := exec.LookPath("shellcheck"); err == nil {
			run(t, exec.Command(shellcheck, path))
		}
	}
}

// A machine that has all it needs is provisioned in silence, without asking the network.
func TestProvisionIsQuiet(t *testing.T) {
	require.NoError(t, usable(t))
	offline := t.TempDir()
	for _, tool := range []string{"apt-get", "curl"} {
		require.NoError(t, os.WriteFile(filepath.Join(offline, tool), []byte("#!/bin/sh\nexit 1\n"), 0o755))
	}
	for _, role := range []string{"lab", "hypervisor", "controller"} {
		cmd := exec.Command(script(t, "provision.sh"), role)
		cmd.Env = append(os.Environ(), "PATH="+offline+":"+os.Getenv("PATH")+":/usr/local/go/bin")
		require.Empty(t, run(t, cmd), role)
	}
	out, err := exec.Command(script(t, "provision.sh"), "toaster").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "no role toaster")
}

// A vagrantMachine is what the Vagrantfile says of one machine.
type vagrantMachine struct {
	Name   string
	Shell  []string
	Fabric bool
}

// vagrantRecorder runs a Vagrantfile with a Vagrant that writes down what it is told.
const vagrantRecorder = `
require "json"
class Recorder
  def initialize(machines = [], current = nil) = (@machines, @current = machines, current)
  attr_reader :machines
  def vm = self
  def define(name, **_)
    @machines << {"Name" => name, "Shell" => [], "Fabric" => false}
    yield Recorder.new(@machines, @machines.last)
  end
  def provision(_kind, inline:) = @current["Shell"].concat(inline.lines.map(&:strip))
  def network(_kind, **o) = (@current["Fabric"] = true if o[:virtualbox__intnet])
  def provider(_name) = yield(self)
  def method_missing(*) = self
  def respond_to_missing?(*) = true
end
module Vagrant
  def self.configure(_version)
    r = Recorder.new
    yield r
    puts JSON.generate(r.machines)
  end
end
load ARGV[0]
`

// The Vagrantfile names scripts that there are, and, where there is a Ruby, is one: a controller
// first, then hypervisors that join it over a fabric.
func TestVagrantfile(t *testing.T) {
	path := filepath.Join(repository, "Vagrantfile")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	named := regexp.MustCompile(`/vagrant/scripts/([a-z.]+)`).FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, named)
	for _, n := range named {
		require.FileExists(t, script(t, n[1]))
	}
	opened := regexp.MustCompile(`(?m)\bdo( \|\w+\|)?$`).FindAllString(string(text), -1)
	ended := regexp.MustCompile(`(?m)^\s*end$`).FindAllString(string(text), -1)
	require.Equal(t, len(opened), len(ended), "blocks that begin and end")

	ruby, err := exec.LookPath("ruby")
	if err != nil {
		return
	}
	run(t, exec.Command(ruby, "-c", path))
	var machines []vagrantMachine
	recorder := exec.Command(ruby, "-e", vagrantRecorder, path)
	recorder.Env = append(os.Environ(), "HYPERVISORS=3")
	require.NoError(t, json.Unmarshal([]byte(run(t, recorder)), &machines))
	require.Len(t, machines, 4)
	require.Equal(t, vagrantMachine{Name: "controller", Shell: []string{"set -e",
		"/vagrant/scripts/provision.sh controller", "/vagrant/scripts/controller.sh 192.168.56.10"}}, machines[0])
	require.Equal(t, vagrantMachine{Name: "hv3", Fabric: true, Shell: []string{"set -e",
		"/vagrant/scripts/provision.sh hypervisor", "/vagrant/scripts/join.sh tcp:192.168.56.10:6640 hv3 eth2"}}, machines[3])
}

// What the scripts install on a controller serves hypervisors that join with the scripts, and a
// machine that vm.sh plugs in is a port of the bridge.
func TestScriptsMakeACloud(t *testing.T) {
	l := lab.New(t, lab.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	ctl := l.Node("ctl")
	root := filepath.Join(l.Dir(), "root")
	install := exec.CommandContext(ctx, script(t, "controller.sh"), ctl.Addr.String())
	install.Env = append(os.Environ(), "DESTDIR="+root, "PATH="+os.Getenv("PATH")+":/usr/local/go/bin")
	run(t, install)

	unit, err := os.ReadFile(filepath.Join(root, "etc/systemd/system/conjunctd.service"))
	require.NoError(t, err)
	start := regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(string(unit))
	require.NotNil(t, start)
	argv := strings.Fields(start[1])
	for i, a := range argv {
		if strings.HasPrefix(a, "/") {
			argv[i] = root + a
		}
	}
	daemon := exec.Command(argv[0], argv[1:]...)
	daemon.Env = append(os.Environ(), "CONJUNCT_BRIDGE_DATAPATH_TYPE=netdev", "CONJUNCT_REDIS_URL=")
	log := filepath.Join(l.Dir(), "conjunctd.log")
	p, err := ctl.Start(daemon, log)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		resp, err := ctl.HTTPClient().Get("http://" + ctl.Addr.String() + ":8440/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, patience, 10*time.Millisecond, "conjunctd runs: %v", p.Running())

	hv := l.Hypervisor("hv1")
	run(t, hv.Command(ctx, script(t, "join.sh"), "tcp:"+ctl.Addr.String()+":6640", "hv-joined", "uplink"))
	require.Equal(t, "hv-joined", strings.Trim(hv.Vsctl("get", "Open_vSwitch", ".", "external_ids:system-id"), `"`))
	require.Equal(t, "uplink", hv.Vsctl("get", "Port", "uplink", "external_ids:conjunct-role"))
	require.Equal(t, "secure", hv.Vsctl("get", "Bridge", lab.IntegrationBridge, "fail_mode"))

	name := l.Prefix() + "-vm"
	run(t, hv.Command(ctx, script(t, "vm.sh"), name, "02:00:00:00:00:01", "10.0.0.1/24", "fd00::1/64"))
	require.Contains(t, hv.Vsctl("get", "Interface", name, "external_ids"), "iface-id="+name)
	require.Contains(t, run(t, exec.Command("ip", "-n", name, "address", "show", "dev", "eth0")), "fd00::1/64")
	run(t, hv.Command(ctx, script(t, "vm.sh"), "-d", name))
	require.NotContains(t, strings.Fields(hv.Vsctl("list-ports", lab.IntegrationBridge)), name)
}

// An uplink that the machine itself uses is refused before anything is changed.
func TestJoinRefusesAnAddressedUplink(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Options{})
	hv := l.Hypervisor("hv1")
	out, err := hv.Command(context.Background(), script(t, "join.sh"), "tcp:10.255.0.1:6640", "hv1", "mgmt0").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "mgmt0 has an address")
	require.Empty(t, hv.Vsctl("get-manager"))
}
