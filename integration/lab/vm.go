package lab

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// VM describes a virtual machine with one interface.
type VM struct {
	Name    string // at most 13 bytes; the tap has the same name
	IfaceID string // external_ids:iface-id of the tap; by default Name
	MAC     net.HardwareAddr
	Addrs   []netip.Prefix
	Routes  []Route
	// OFPort asks for an OpenFlow port number; 0 leaves it to the switch.
	OFPort int
}

// A Machine is a VM that was made: a host whose cable ends in a hypervisor.
type Machine struct {
	*Host
	spec VM
	hv   *Hypervisor // nil while it is unplugged
}

// Plug makes the VM and plugs it into the integration bridge, which must be there.
func (hv *Hypervisor) Plug(spec VM) *Machine {
	hv.lab.t.Helper()
	m := hv.lab.VM(spec)
	m.Plug(hv)
	return m
}

// VM makes a VM that is not plugged in.
func (l *Lab) VM(spec VM) *Machine {
	l.t.Helper()
	if spec.IfaceID == "" {
		spec.IfaceID = spec.Name
	}
	h, err := l.newHost("vm-", spec.Name, spec.MAC)
	l.must(err)
	return &Machine{Host: h, spec: spec}
}

// Plug cables the VM to a hypervisor and its integration bridge.
func (m *Machine) Plug(hv *Hypervisor) {
	m.lab.t.Helper()
	if m.hv != nil {
		m.lab.must(fmt.Errorf("plug %s: it is plugged into %s", m.Label, m.hv.Name))
	}
	m.lab.must(cable(end{ns: hv.ns, name: m.Tap()}, m.end()))
	m.lab.must(m.configure(m.spec.Addrs, m.spec.Routes))
	m.hv = hv
	m.addPort()
}

func (m *Machine) addPort() {
	m.lab.t.Helper()
	args := []string{"add-port", IntegrationBridge, m.Tap(), "--", "set", "Interface", m.Tap(),
		"external_ids:iface-id=" + m.spec.IfaceID, "external_ids:attached-mac=" + m.MAC.String()}
	if m.spec.OFPort != 0 {
		args = append(args, "ofport_request="+strconv.Itoa(m.spec.OFPort))
	}
	m.hv.Vsctl(args...)
}

// Tap is the name of the VM's interface on the hypervisor.
func (m *Machine) Tap() string { return m.spec.Name }

// Hypervisor is where the VM is plugged in; nil when it is not.
func (m *Machine) Hypervisor() *Hypervisor { return m.hv }

// OFPort is the OpenFlow port number of the VM's tap.
func (m *Machine) OFPort() int {
	m.lab.t.Helper()
	n, err := strconv.Atoi(m.hv.Vsctl("get", "Interface", m.Tap(), "ofport"))
	if err != nil {
		m.lab.must(fmt.Errorf("port number of %s: %w", m.Label, err))
	}
	return n
}

// Unplug takes the VM's port from the bridge and cuts its cable. The VM goes on without network.
func (m *Machine) Unplug() {
	m.lab.t.Helper()
	m.hv.Vsctl("del-port", IntegrationBridge, m.Tap())
	m.lab.must(m.hv.ns.deleteLink(m.Tap()))
	m.hv = nil
}

// Replug takes the VM's port from the bridge and adds it again: it gets another port number,
// while the VM notices nothing. ofport asks for a number; 0 leaves it to the switch.
func (m *Machine) Replug(ofport int) {
	m.lab.t.Helper()
	m.hv.Vsctl("del-port", IntegrationBridge, m.Tap())
	m.spec.OFPort = ofport
	m.addPort()
}

// Migrate moves the VM to another hypervisor. Its sockets live on; its connections do once the
// network lets them.
func (m *Machine) Migrate(to *Hypervisor) {
	m.lab.t.Helper()
	m.Unplug()
	m.Plug(to)
}

// Destroy unplugs the VM and removes it.
func (m *Machine) Destroy() {
	m.lab.t.Helper()
	if m.hv != nil {
		m.Unplug()
	}
	m.lab.must(m.lab.removeNamespace(m.Namespace))
}
