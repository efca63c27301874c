package main

import (
	"fmt"
	"net/netip"

	"conjunct/api"
	"conjunct/policy"
)

// world is the policy of the installation, as numbers: everything has an id that follows from its number.
type world struct {
	options
	members []member
	tenants []tenant
}

// tenant is a project.
type tenant struct {
	v4, v6  netip.Prefix
	groups  int // the first of its groups
	count   int // of its groups
	members int
}

// member is a port. host is -1 for one that is nowhere plugged in.
type member struct {
	tenant, index int // index within the tenant
	host          int
	ofport        int
}

// Groups beside those of tenants.
const (
	bastion = "bastion" // every group has a rule that names it
	clients = "clients" // one rule of one group, of a port on the first host, names it
	lone    = "lone"    // that group
)

func newWorld(o options) *world {
	w := &world{options: o}
	plugged := o.Hosts * o.Ports
	total := max(plugged, o.Addresses/2)
	w.tenants = make([]tenant, o.Tenants)
	for i := range w.tenants {
		first := i * o.Groups / o.Tenants
		w.tenants[i].groups, w.tenants[i].count = first, (i+1)*o.Groups/o.Tenants-first
	}
	ofports := make([]int, o.Hosts)
	for i := range total {
		m := member{host: -1}
		if i < plugged {
			m.host, m.tenant = i%o.Hosts, tenantAt(o, i%o.Hosts, i/o.Hosts)
			ofports[m.host]++
			m.ofport = ofports[m.host]
		} else {
			m.tenant = i % o.Tenants
		}
		t := &w.tenants[m.tenant]
		m.index = t.members
		t.members++
		w.members = append(w.members, m)
	}
	w.address()
	return w
}

// tenantAt says whose port the n-th of a host is: tenants are on neighbouring hosts, and a host has as many of them as
// that takes.
func tenantAt(o options, host, n int) int {
	onHost := max(1, o.Tenants*o.Spread/o.Hosts)
	first := host * o.Tenants / o.Hosts
	return (first + n%onHost) % o.Tenants
}

// address gives every tenant a network that its members fit in.
func (w *world) address() {
	at := uint32(10 << 24)
	for i := range w.tenants {
		t := &w.tenants[i]
		bits := 30
		for 1<<(32-bits) < t.members+4 {
			bits--
		}
		size := uint32(1) << (32 - bits)
		at = (at + size - 1) / size * size
		t.v4 = netip.PrefixFrom(addr4(at), bits)
		at += size
		t.v6 = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(i >> 8), byte(i)}), 64)
	}
}

func addr4(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

func hostID(n int) string    { return fmt.Sprintf("hv%05d", n) }
func groupID(n int) string   { return fmt.Sprintf("g%05d", n) }
func projectID(n int) string { return fmt.Sprintf("p%04d", n) }
func subnetID(n int) string  { return fmt.Sprintf("s%04d", n) }
func portID(n int) string    { return fmt.Sprintf("vm%06d", n) }

// mac is that of the port of the number.
func mac(n int) policy.MAC {
	return policy.MAC{0x02, 0x00, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

// groupsOf are the two groups of a member; turn chooses which of the tenant's it has, so that a change has somewhere to go.
func (w *world) groupsOf(m member, turn int) []policy.GroupID {
	t := w.tenants[m.tenant]
	a := (m.index + turn) % t.count
	b := (a + 1 + m.index/t.count%max(1, t.count-1)) % t.count
	return []policy.GroupID{policy.GroupID(groupID(t.groups + a)), policy.GroupID(groupID(t.groups + b))}
}

// port is the member's port as the API takes it.
func (w *world) port(n, turn int) api.Port {
	m := w.members[n]
	t := w.tenants[m.tenant]
	four, six := t.v4.Addr().As4(), t.v6.Addr().As16()
	at := uint32(four[0])<<24 + uint32(four[1])<<16 + uint32(four[2])<<8 + uint32(four[3]) + uint32(m.index) + 2
	six[13], six[14], six[15] = byte(m.index>>16), byte(m.index>>8), byte(m.index)
	six[8] = 1
	p := api.Port{Port: policy.Port{
		InstanceID: policy.InstanceID(portID(n)), SubnetID: policy.SubnetID(subnetID(m.tenant)), MAC: mac(n + 1),
		Addresses: []netip.Addr{addr4(at), netip.AddrFrom16(six)}, SecurityGroupIDs: w.groupsOf(m, turn),
	}}
	if m.host >= 0 {
		p.HypervisorID = policy.HostID(hostID(m.host))
	}
	return p
}

// rules are a group's: SSH from the bastion, a range from a neighbour, ICMP, everything outwards, then CIDRs and remote groups
// in turn.
func (w *world) rules(t tenant, n int) []api.Rule {
	remote := func(i int) policy.Remote {
		return policy.Remote{GroupID: policy.GroupID(groupID(t.groups + (n-t.groups+i)%t.count))}
	}
	all := []policy.Rule{
		ingressTCP(22, 22, policy.Remote{GroupID: bastion}),
		ingressTCP(1000, 1999, remote(1)),
		{Direction: policy.Ingress, Protocol: policy.ICMP, Remote: policy.Remote{Any: true}},
		{Direction: policy.Egress, Protocol: policy.All, Remote: policy.Remote{Any: true}},
	}
	for i := 0; len(all) < w.Rules; i++ {
		from := policy.Remote{CIDRs: []policy.CIDR{policy.CIDR(netip.PrefixFrom(addr4(192<<24+uint32(i)<<8), 24))}}
		if i%2 == 1 {
			from = remote(i/2 + 2)
		}
		all = append(all, ingressTCP(3000+i, 3000+i, from))
	}
	var out []api.Rule
	for _, r := range all[:w.Rules] {
		out = append(out, api.Rule{Rule: r})
	}
	return out
}

func ingressTCP(first, last int, from policy.Remote) policy.Rule {
	return policy.Rule{Direction: policy.Ingress, Protocol: policy.TCP, PortMin: &first, PortMax: &last, Remote: from}
}

// hostsOf are the hosts with a port that has the group.
func (w *world) hostsOf(group string) map[int]bool {
	out := make(map[int]bool)
	for _, m := range w.members {
		if m.host < 0 {
			continue
		}
		for _, g := range w.groupsOf(m, 0) {
			if string(g) == group {
				out[m.host] = true
			}
		}
	}
	return out
}
