// Package cloud is a lab with Conjunct in charge of it: hypervisors that dial a conjunctd, which runs as a process of its own
// on the lab's management network, and a client of its API. The demo and the traffic tests are made of it.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"conjunct/api"
	"conjunct/integration/lab"
	"conjunct/policy"
)

// Patience bounds everything that is waited for.
const Patience = 30 * time.Second

// Options say what the cloud is made of.
type Options struct {
	Daemon      string   // path of the conjunctd binary
	CLI         string   // path of the conjunct binary, for Conjunct
	Hypervisors []string // their names, which are their system-ids too
	// Settings are keys of the daemon's configuration, as flags: --redis-url=…
	Settings []string
	Profile  policy.ProfileName
}

// Cloud is a running cloud. It ends with its lab's T.
type Cloud struct {
	*lab.Lab
	API     *api.Client
	Token   string
	Server  string // URL of the API on the management network
	Ctl     *lab.Node
	options Options
	daemon  *lab.Process
	hvs     map[string]*lab.Hypervisor
	t       lab.T
	vms     map[string]*VM
}

// New makes the lab, starts the daemon, and lets every hypervisor dial it. It returns when all of them are ready.
func New(t lab.T, o Options) *Cloud {
	t.Helper()
	if o.Profile == "" {
		o.Profile = policy.ProfileIsolated
	}
	l := lab.New(t, lab.Options{Name: "cloud"})
	c := &Cloud{Lab: l, Ctl: l.Node("ctl"), options: o, hvs: map[string]*lab.Hypervisor{}, t: t, vms: map[string]*VM{}}
	c.Server = fmt.Sprintf("http://%s:8440", c.Ctl.Addr)
	c.StartDaemon()
	for i, hv := range l.Hypervisors(o.Hypervisors...) {
		c.hvs[o.Hypervisors[i]] = hv
		hv.SetManager(fmt.Sprintf("tcp:%s:6640", c.Ctl.Addr))
		hv.WaitBridge(Patience)
		hv.Uplink()
	}
	for _, name := range o.Hypervisors {
		c.Until("hypervisor "+name+" is ready", func() bool {
			h, err := c.API.Hypervisors().Get(c.ctx(), name)
			return err == nil && h.State == policy.HostReady
		})
	}
	return c
}

func (c *Cloud) ctx() context.Context { return context.Background() }

// Must fails the test on an error.
func (c *Cloud) Must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Errorf("cloud: %v\n%s", err, c.DaemonLog())
		c.t.FailNow()
	}
}

// Until waits for something to become true.
func (c *Cloud) Until(what string, is func() bool) {
	c.t.Helper()
	for end := time.Now().Add(Patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.Must(fmt.Errorf("waited %s in vain until %s", Patience, what))
		}
	}
}

func (c *Cloud) path(elem ...string) string {
	return filepath.Join(append([]string{c.Dir(), "conjunct"}, elem...)...)
}

// StartDaemon starts conjunctd over the data directory that the cloud has, and waits until it answers.
func (c *Cloud) StartDaemon() {
	c.t.Helper()
	c.Must(os.MkdirAll(c.path(), 0o700))
	at := func(port int) string { return fmt.Sprintf("%s:%d", c.Ctl.Addr, port) }
	args := append([]string{
		"serve", "--data-dir=" + c.path("data"), "--api-listen=" + at(8440), "--api-insecure=true",
		"--ovsdb-listen=tcp:" + at(6640), "--openflow-listen=tcp:" + at(6653), "--openflow-advertise=tcp:" + at(6653),
		"--bridge-datapath-type=netdev", "--profile=" + string(c.options.Profile),
	}, c.options.Settings...)
	var err error
	c.daemon, err = c.Ctl.Start(exec.Command(c.options.Daemon, args...), c.path("conjunctd.log"))
	c.Must(err)
	c.Until("conjunctd has written its token", func() bool {
		b, err := os.ReadFile(c.path("data", api.AdminTokenFile))
		c.Token = strings.TrimSpace(string(b))
		return err == nil && c.Token != "" || !c.daemon.Running()
	})
	c.API, err = api.NewClient(c.Server, c.Token)
	c.Must(err)
	c.API.HTTP = c.Ctl.HTTPClient()
	c.Until("conjunctd is ready", func() bool {
		if !c.daemon.Running() {
			c.Must(fmt.Errorf("conjunctd has ended: %w", c.daemon.Wait()))
		}
		_, err := c.API.Ready(c.ctx())
		return err == nil
	})
}

// Conjunct runs the command line client and returns what it prints.
func (c *Cloud) Conjunct(args ...string) string {
	c.t.Helper()
	out, status := c.ConjunctStatus(args...)
	if status != 0 {
		c.Must(fmt.Errorf("conjunct %s: exit status %d\n%s", strings.Join(args, " "), status, out))
	}
	return out
}

// ConjunctStatus is Conjunct with the status with which the client ended, which may be any.
func (c *Cloud) ConjunctStatus(args ...string) (out string, status int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx(), Patience)
	defer cancel()
	cmd := c.Ctl.Command(ctx, c.options.CLI, args...)
	cmd.Env = append(os.Environ(), "CONJUNCT_SERVER="+c.Server, "CONJUNCT_TOKEN="+c.Token)
	b, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.Exited() {
		return string(b), exit.ExitCode()
	}
	if err != nil {
		c.Must(fmt.Errorf("conjunct %s: %w\n%s", strings.Join(args, " "), err, b))
	}
	return string(b), 0
}

// KillDaemon kills conjunctd with SIGKILL; StopDaemon ends it as an operator would and returns how it ended.
func (c *Cloud) KillDaemon() { c.daemon.Kill() }

// DaemonPid is the process number of conjunctd.
func (c *Cloud) DaemonPid() int { return c.daemon.Pid() }

// StopDaemon asks conjunctd to end.
func (c *Cloud) StopDaemon() error {
	c.daemon.Stop()
	return c.daemon.Wait()
}

// DaemonLog is the end of what conjunctd has logged.
func (c *Cloud) DaemonLog() string {
	b, _ := os.ReadFile(c.path("conjunctd.log"))
	if n := len(b); n > 8000 {
		b = b[n-8000:]
	}
	return "conjunctd's log:\n" + string(b)
}

// Hypervisor is one of the cloud's hosts.
func (c *Cloud) Hypervisor(name string) *lab.Hypervisor { return c.hvs[name] }

// Settle waits until no datapath goes by what its bridge held before: a switch answers a barrier when its tables are changed, and
// revalidates the flows that its datapath has cached a moment later.
func (c *Cloud) Settle() {
	c.t.Helper()
	for _, hv := range c.hvs {
		_, err := hv.Appctl("revalidator/wait")
		c.Must(err)
	}
}

// VM is a machine that the API knows of: an instance with one port.
type VM struct {
	*lab.Machine
	Name string
	Port policy.PortID
}

// Plug makes the machine of a port that the API has, on the hypervisor, and waits until its flows are in force.
func (c *Cloud) Plug(hv, name string, port policy.PortID, routes ...lab.Route) *VM {
	c.t.Helper()
	p, err := c.API.Ports().Get(c.ctx(), string(port))
	c.Must(err)
	sub, err := c.API.Subnets().Get(c.ctx(), string(p.SubnetID))
	c.Must(err)
	spec := lab.VM{Name: name, IfaceID: p.IfaceID, MAC: net.HardwareAddr(p.MAC[:]), Routes: routes}
	for _, a := range p.Addresses {
		for _, cidr := range sub.CIDRs {
			if cidr.Contains(a) {
				spec.Addrs = append(spec.Addrs, netip.PrefixFrom(a, cidr.Bits()))
			}
		}
	}
	vm := &VM{Machine: c.hvs[hv].Plug(spec), Name: name, Port: port}
	c.vms[name] = vm
	c.Active(vm)
	return vm
}

// Active waits until the port's flows are in force.
func (c *Cloud) Active(vm *VM) {
	c.t.Helper()
	p, err := c.API.Ports().Get(c.ctx(), string(vm.Port), api.WaitActive(Patience))
	c.Must(err)
	if p.State != policy.PortActive {
		c.Must(fmt.Errorf("port %s is %s: %s", vm.Port, p.State, p.Problem))
	}
}

// PortOf is the id of a VM's port in the examples.
func PortOf(vm string) policy.PortID { return policy.PortID(vm + "-0") }
