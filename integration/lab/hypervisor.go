package lab

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

const (
	// IntegrationBridge is the bridge that VMs are plugged into.
	IntegrationBridge = "br-int"

	uplinkPort = "uplink"
)

// A Hypervisor is a host that runs VMs: a namespace with an Open vSwitch whose system-id is its
// name, a place on the management network and a cable to the fabric. It has no bridge until a
// controller, or CreateBridge, makes it.
type Hypervisor struct {
	*Switch
	Name string
	Addr netip.Addr // on the management network
	ns   *Namespace
}

// Hypervisor makes one hypervisor.
func (l *Lab) Hypervisor(name string) *Hypervisor {
	l.t.Helper()
	hv, err := l.newHypervisor(name)
	l.must(err)
	return hv
}

// Hypervisors makes several at the same time.
func (l *Lab) Hypervisors(names ...string) []*Hypervisor {
	l.t.Helper()
	hvs := make([]*Hypervisor, len(names))
	errs := make(chan error)
	for i, name := range names {
		go func() {
			var err error
			hvs[i], err = l.newHypervisor(name)
			errs <- err
		}()
	}
	var first error
	for range names {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	l.must(first)
	return hvs
}

func (l *Lab) newHypervisor(name string) (*Hypervisor, error) {
	ns, err := l.namespace("", name)
	if err != nil {
		return nil, err
	}
	hv := &Hypervisor{Name: name, ns: ns}
	if hv.Addr, err = l.plugManagement(ns, name+"m", hypervisorNet); err != nil {
		return nil, err
	}
	// Taps are cables of the bridge: the hypervisor's own stack must not speak on them.
	err = ns.Do(func() error { return sysctl("ipv6.conf.default.disable_ipv6", "1") })
	if err != nil {
		return nil, err
	}
	if err := l.plugFabric(name, end{ns: ns, name: uplinkPort}, 0); err != nil {
		return nil, err
	}
	if hv.Switch, err = newSwitch(l, ns, name); err != nil {
		return nil, err
	}
	l.addSwitch(hv.Switch)
	return hv, nil
}

// Namespace is where the hypervisor's switch runs.
func (hv *Hypervisor) Namespace() *Namespace { return hv.ns }

// SetManager tells the hypervisor who manages it, as `ovs-vsctl set-manager` does:
// "tcp:10.255.0.1:6640".
func (hv *Hypervisor) SetManager(targets ...string) {
	hv.lab.t.Helper()
	hv.Vsctl(append([]string{"set-manager"}, targets...)...)
}

// CreateBridge makes the integration bridge with a fail mode, "secure" or "standalone" (a
// learning switch), for labs without a controller.
func (hv *Hypervisor) CreateBridge(failMode string) {
	hv.lab.t.Helper()
	hv.Vsctl("--may-exist", "add-br", IntegrationBridge, "--",
		"set", "Bridge", IntegrationBridge, "datapath_type=netdev", "fail_mode="+failMode,
		"protocols=OpenFlow10,OpenFlow13,OpenFlow14,OpenFlow15")
}

// WaitBridge waits until somebody has made the integration bridge.
func (hv *Hypervisor) WaitBridge(timeout time.Duration) {
	hv.lab.t.Helper()
	seconds := strconv.Itoa(max(1, int(timeout.Seconds())))
	_, err := hv.tool("ovs-vsctl", "--timeout="+seconds, "wait-until", "Bridge", IntegrationBridge, "datapath_id!=[]")
	hv.lab.must(err)
}

// Uplink plugs the cable to the fabric into the integration bridge and marks it as such. It
// carries untagged frames and all VLANs.
func (hv *Hypervisor) Uplink() {
	hv.lab.t.Helper()
	hv.Vsctl("--may-exist", "add-port", IntegrationBridge, uplinkPort, "--",
		"set", "Port", uplinkPort, "external_ids:conjunct-role=uplink")
}

// DumpFlows is the flows of the integration bridge, without counters.
func (hv *Hypervisor) DumpFlows(match ...string) string {
	hv.lab.t.Helper()
	out, err := hv.Ofctl(append([]string{"--no-stats", "--no-names", "dump-flows", IntegrationBridge}, match...)...)
	hv.lab.must(err)
	return out
}

// AddFlows adds flows to the integration bridge in one bundle, one in a line.
func (hv *Hypervisor) AddFlows(flows ...string) {
	hv.lab.t.Helper()
	hv.lab.must(hv.withFlows("add-flows", flows))
}

// ReplaceFlows makes the integration bridge's flows these and no others.
func (hv *Hypervisor) ReplaceFlows(flows ...string) {
	hv.lab.t.Helper()
	hv.lab.must(hv.withFlows("replace-flows", flows))
}

func (hv *Hypervisor) withFlows(verb string, flows []string) error {
	_, err := hv.toolInput(strings.Join(flows, "\n")+"\n", "ovs-ofctl",
		"-O", "OpenFlow15", "--bundle", verb, IntegrationBridge, "-")
	return err
}

// Trace runs ofproto/trace for a packet on the integration bridge and returns the whole report.
func (hv *Hypervisor) Trace(flow string, args ...string) (string, error) {
	return hv.Appctl(append([]string{"ofproto/trace", IntegrationBridge, flow}, args...)...)
}
