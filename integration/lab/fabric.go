package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink"
)

const (
	fabricBridge = "fabric"
	mgmtBridge   = "mgmt"
	mgmtPort     = "mgmt0"
	mgmtBits     = 16
)

// makeNet makes the namespace between all the others: a learning switch that is the fabric
// (Open vSwitch, because it can give untagged hosts a VLAN) and a bridge for management.
func (l *Lab) makeNet() (err error) {
	if l.net, err = l.namespace("", "net"); err != nil {
		return err
	}
	err = l.net.Do(func() error {
		return sysctl("ipv6.conf.default.disable_ipv6", "1") // the fabric itself says nothing
	})
	if err != nil {
		return err
	}
	mgmt := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: mgmtBridge, MTU: mtu}}
	if err := l.net.nl.LinkAdd(mgmt); err != nil {
		return fmt.Errorf("make management bridge: %w", err)
	}
	if err := l.net.setUp(mgmtBridge); err != nil {
		return err
	}
	if l.fabric, err = newSwitch(l, l.net, "net"); err != nil {
		return err
	}
	l.addSwitch(l.fabric)
	_, err = l.fabric.tool("ovs-vsctl", "add-br", fabricBridge, "--",
		"set", "Bridge", fabricBridge, "datapath_type=netdev", "fail_mode=standalone", "other_config:forward-bpdu=true")
	return err
}

func (l *Lab) addSwitch(s *Switch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.switches = append(l.switches, s)
}

// plugFabric cables e to a port of the fabric. vlan 0 is a trunk that carries all VLANs as they
// are; another gives the untagged frames of e that VLAN.
func (l *Lab) plugFabric(port string, e end, vlan int) error {
	if err := cable(end{ns: l.net, name: port}, e); err != nil {
		return err
	}
	args := []string{"add-port", fabricBridge, port}
	if vlan != 0 {
		args = append(args, "tag="+strconv.Itoa(vlan))
	}
	_, err := l.fabric.tool("ovs-vsctl", args...)
	return err
}

// plugManagement gives n an interface and an address on the management network.
func (l *Lab) plugManagement(n *Namespace, port string, part byte) (netip.Addr, error) {
	if err := cable(end{ns: l.net, name: port}, end{ns: n, name: mgmtPort}); err != nil {
		return netip.Addr{}, err
	}
	bridge, errB := l.net.nl.LinkByName(mgmtBridge)
	link, errL := l.net.nl.LinkByName(port)
	if err := errors.Join(errB, errL); err != nil {
		return netip.Addr{}, fmt.Errorf("plug %s into management: %w", n.Name, err)
	}
	if err := l.net.nl.LinkSetMaster(link, bridge); err != nil {
		return netip.Addr{}, fmt.Errorf("plug %s into management: %w", n.Name, err)
	}
	addr := l.mgmtAddress(part)
	return addr, n.addAddress(mgmtPort, netip.PrefixFrom(addr, mgmtBits))
}

// A Node is a namespace with nothing but an address on the management network: the place of a
// controller.
type Node struct {
	*Namespace
	Addr netip.Addr
}

// Node makes a place on the management network; the first has 10.255.0.1.
func (l *Lab) Node(name string) *Node {
	l.t.Helper()
	n, err := l.namespace("", name)
	l.must(err)
	addr, err := l.plugManagement(n, name+"m", nodeNet)
	l.must(err)
	return &Node{Namespace: n, Addr: addr}
}

// Outside describes a host on the fabric that no hypervisor runs.
type Outside struct {
	Name   string
	MAC    net.HardwareAddr // by default made from the name
	Addrs  []netip.Prefix
	Routes []Route
	VLAN   int // 0: untagged
}

// Outside makes a host on the fabric. Its link to the fabric is named after it.
func (l *Lab) Outside(o Outside) *Host {
	l.t.Helper()
	h, err := l.newHost("out-", o.Name, o.MAC)
	l.must(err)
	l.must(l.plugFabric("o-"+o.Name, h.end(), o.VLAN))
	l.must(h.configure(o.Addrs, o.Routes))
	return h
}

// Fabric is the switch between the hypervisors, whose one bridge is "fabric": for looking into,
// and for breaking.
func (l *Lab) Fabric() *Switch { return l.fabric }
