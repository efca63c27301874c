package lab

import (
	"fmt"
	"net/netip"
)

// A Leg is where a router touches a segment.
type Leg struct {
	VLAN  int            // 0: untagged
	Addrs []netip.Prefix // the router's, the gateways of the segment
}

// Router makes a namespace that forwards between segments, as the gateway of a VPC does. It filters nothing. Each leg is an
// interface of its own, because kernels without VLANs run the lab too.
func (l *Lab) Router(name string, legs ...Leg) *Namespace {
	l.t.Helper()
	n, err := l.namespace("rtr-", name)
	l.must(err)
	l.must(n.Do(func() error {
		for _, forward := range []string{"ipv4.ip_forward", "ipv6.conf.all.forwarding"} {
			if err := sysctl(forward, "1"); err != nil {
				return err
			}
		}
		return nil
	}))
	for i, leg := range legs {
		port := fmt.Sprintf("leg%d", i)
		l.must(l.plugFabric(fmt.Sprintf("r%d-%s", i, name), end{ns: n, name: port, mac: macOf(name + port)}, leg.VLAN))
		for _, a := range leg.Addrs {
			l.must(n.addAddress(port, a))
		}
	}
	return n
}
