package lab

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
)

// hostPort is the one interface of every VM and outside host.
const hostPort = "eth0"

// A Host is a machine that sends and receives: a namespace with one interface, eth0. VMs and
// outside hosts are hosts; all probes start from one.
type Host struct {
	*Namespace
	Label string // its name in the lab, "web"
	MAC   net.HardwareAddr
	Addrs []netip.Prefix

	lab *Lab
}

// newHost makes the namespace of a host, before it has its interface.
func (l *Lab) newHost(kind, name string, mac net.HardwareAddr) (*Host, error) {
	n, err := l.namespace(kind, name)
	if err != nil {
		return nil, err
	}
	if mac == nil {
		mac = macOf(name)
	}
	return &Host{Namespace: n, Label: name, MAC: mac, lab: l}, n.Do(tuneHost)
}

// tuneHost shortens the pauses of TCP, so that a connection that was cut goes on within a
// second of being allowed again, and lengthens its patience. Kernels before 6.15 have only the
// latter: a pause there is as long as the cut was.
func tuneHost() error {
	err := sysctl("ipv4.tcp_rto_max_ms", "1000")
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, sysctl("ipv4.tcp_retries2", "255"))
}

// tunePort has a lost ARP or ND request repeated soon. That nobody answers is known after three
// seconds, as ever.
func tunePort() error {
	var errs []error
	for _, family := range []string{"ipv4", "ipv6"} {
		errs = append(errs,
			sysctl(family+".neigh."+hostPort+".retrans_time_ms", "200"),
			sysctl(family+".neigh."+hostPort+".mcast_solicit", "15"))
	}
	return errors.Join(errs...)
}

func (h *Host) end() end { return end{ns: h.Namespace, name: hostPort, mac: h.MAC} }

// configure gives eth0 its addresses and routes.
func (h *Host) configure(addrs []netip.Prefix, routes []Route) error {
	if err := h.Do(tunePort); err != nil {
		return err
	}
	h.Addrs = addrs
	for _, a := range addrs {
		if err := h.addAddress(hostPort, a); err != nil {
			return err
		}
	}
	for _, r := range routes {
		if err := h.addRoute(hostPort, r); err != nil {
			return err
		}
	}
	return nil
}

// Addr4 is the host's first IPv4 address; without one the lab fails.
func (h *Host) Addr4() netip.Addr { return h.first(netip.Addr.Is4) }

// Addr6 is the host's first IPv6 address; without one the lab fails.
func (h *Host) Addr6() netip.Addr { return h.first(netip.Addr.Is6) }

func (h *Host) first(is func(netip.Addr) bool) netip.Addr {
	h.lab.t.Helper()
	for _, p := range h.Addrs {
		if is(p.Addr()) {
			return p.Addr()
		}
	}
	h.lab.must(fmt.Errorf("%s has no address of that family: %v", h.Label, h.Addrs))
	return netip.Addr{}
}

// AddAddr gives eth0 another address, which the provisioning system may know nothing of.
func (h *Host) AddAddr(p netip.Prefix) {
	h.lab.t.Helper()
	h.lab.must(h.addAddress(hostPort, p))
	h.Addrs = append(h.Addrs, p)
}

// macOf makes a locally administered unicast address from a name.
func macOf(name string) net.HardwareAddr {
	sum := sha256.Sum256([]byte(name))
	mac := net.HardwareAddr(sum[:6])
	mac[0] = mac[0]&^0x01 | 0x02
	return mac
}
