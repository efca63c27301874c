package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
)

// mtu is that of every interface of a lab, in bytes.
const mtu = 1500

// An end is one side of a cable: an interface to be made in a namespace.
type end struct {
	ns   *Namespace
	name string           // at most 15 bytes
	mac  net.HardwareAddr // nil: the kernel chooses
}

// cable makes a veth pair between two namespaces, with both ends up. Offloads that would leave
// packets without checksums are off: the userspace datapath passes on what it is given.
func cable(a, b end) error {
	fd, err := os.Open(b.ns.path())
	if err != nil {
		return fmt.Errorf("cable %s: %w", a.name, err)
	}
	defer fd.Close()
	veth := &netlink.Veth{
		LinkAttrs:        netlink.LinkAttrs{Name: a.name, MTU: mtu, HardwareAddr: a.mac},
		PeerName:         b.name,
		PeerMTU:          mtu,
		PeerHardwareAddr: b.mac,
		PeerNamespace:    netlink.NsFd(fd.Fd()),
	}
	if err := a.ns.nl.LinkAdd(veth); err != nil {
		return fmt.Errorf("cable %s/%s to %s/%s: %w", a.ns.Name, a.name, b.ns.Name, b.name, err)
	}
	for _, e := range []end{a, b} {
		if err := e.ns.offloadsOff(e.name); err != nil {
			return err
		}
		if err := e.ns.setUp(e.name); err != nil {
			return err
		}
	}
	return errors.Join(a.awaitUp(), b.awaitUp())
}

// upWithin bounds how long an interface may take to be usable.
const upWithin = 10 * time.Second

// awaitUp waits until the end carries packets. The kernel sees to that some time after both are
// set up, and drops what is sent before.
func (e end) awaitUp() error {
	deadline := time.Now().Add(upWithin)
	for {
		link, err := e.ns.nl.LinkByName(e.name)
		if err != nil {
			return fmt.Errorf("wait for %s in %s: %w", e.name, e.ns.Name, err)
		}
		if link.Attrs().OperState == netlink.OperUp {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("wait for %s in %s: it is %s", e.name, e.ns.Name, link.Attrs().OperState)
		}
		time.Sleep(time.Millisecond)
	}
}

// offloads are the features that let a packet leave without checksum or larger than the MTU.
var offloads = map[string]bool{
	"tx-checksum-ip-generic":  false,
	"tx-checksum-sctp":        false,
	"tx-scatter-gather":       false,
	"tx-generic-segmentation": false,
	"tx-tcp-segmentation":     false,
	"tx-tcp6-segmentation":    false,
	"tx-udp-segmentation":     false,
	"rx-gro":                  false,
	"tx-vlan-hw-insert":       false,
	"rx-vlan-hw-parse":        false,
}

func (n *Namespace) offloadsOff(name string) error {
	return n.Do(func() error {
		e, err := ethtool.NewEthtool()
		if err != nil {
			return fmt.Errorf("offloads of %s: %w", name, err)
		}
		defer e.Close()
		if err := e.Change(name, offloads); err != nil {
			return fmt.Errorf("offloads of %s: %w", name, err)
		}
		return nil
	})
}

func (n *Namespace) setUp(name string) error {
	link, err := n.nl.LinkByName(name)
	if err != nil {
		return fmt.Errorf("set %s up in %s: %w", name, n.Name, err)
	}
	if err := n.nl.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up in %s: %w", name, n.Name, err)
	}
	return nil
}

// deleteLink removes an interface, and with it the other end of its cable.
func (n *Namespace) deleteLink(name string) error {
	link, err := n.nl.LinkByName(name)
	if err != nil {
		return fmt.Errorf("delete %s in %s: %w", name, n.Name, err)
	}
	if err := n.nl.LinkDel(link); err != nil {
		return fmt.Errorf("delete %s in %s: %w", name, n.Name, err)
	}
	return nil
}

// addAddress puts an address on an interface, usable at once.
func (n *Namespace) addAddress(name string, p netip.Prefix) error {
	link, err := n.nl.LinkByName(name)
	if err != nil {
		return fmt.Errorf("add %s to %s in %s: %w", p, name, n.Name, err)
	}
	addr := &netlink.Addr{IPNet: ipNet(p)}
	if p.Addr().Is6() {
		addr.Flags = ifaFNoDAD
	}
	if err := n.nl.AddrAdd(link, addr); err != nil {
		return fmt.Errorf("add %s to %s in %s: %w", p, name, n.Name, err)
	}
	return nil
}

// ifaFNoDAD is IFA_F_NODAD of linux/if_addr.h: no duplicate address detection.
const ifaFNoDAD = 0x02

// A Route says where an address range is reached from a host: at a gateway, or without one
// directly on eth0.
type Route struct {
	To  netip.Prefix
	Via netip.Addr
}

// addRoute adds a route through the named interface.
func (n *Namespace) addRoute(name string, r Route) error {
	link, err := n.nl.LinkByName(name)
	if err != nil {
		return fmt.Errorf("route %s in %s: %w", r.To, n.Name, err)
	}
	route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(r.To), Scope: netlink.SCOPE_LINK}
	if r.Via.IsValid() {
		route.Gw = r.Via.AsSlice()
		route.Scope = netlink.SCOPE_UNIVERSE
	}
	if err := n.nl.RouteAdd(route); err != nil {
		return fmt.Errorf("route %s in %s: %w", r.To, n.Name, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
