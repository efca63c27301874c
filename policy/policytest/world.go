package policytest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"conjunct/policy"
)

// World is a random state: two VPCs with the same addresses, ports with random groups, rules of every kind.
type World struct {
	Seed     uint64
	Snapshot *policy.Snapshot
	// Ports are all ports, by id; OFPorts gives each a number, as if all were on one host.
	Ports   []*policy.Port
	OFPorts map[policy.PortID]uint16

	r    *rand.Rand
	next map[policy.Kind]policy.Number
}

// Sizes of a world. The address ranges are small, so that packets hit.
const (
	groups       = 5
	ports        = 6
	rulesOfGroup = 4
)

// Empty makes a world that holds the project p alone, for tests that fill it by hand.
func Empty() *World {
	w := &World{
		Snapshot: policy.NewSnapshot(policy.ProfileIsolated), OFPorts: map[policy.PortID]uint16{}, next: map[policy.Kind]policy.Number{},
	}
	w.Put(&policy.Project{Meta: policy.Meta{ID: "p"}, Name: "p"})
	return w
}

// New makes the world of a seed.
func New(seed uint64) *World {
	w := Empty()
	w.Seed, w.r = seed, rand.New(rand.NewPCG(seed, 1))
	w.Put(&policy.Project{Meta: policy.Meta{ID: "p"}, Name: "p", SMTPAllowed: w.chance(3)})
	for v, id := range []string{"v1", "v2"} {
		profile := policy.ProfileIsolated
		if w.chance(3) {
			profile = policy.ProfileOpenUntilRuled
		}
		w.Put(&policy.VPC{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p", Profile: profile})
		for i := range 2 {
			sub := fmt.Sprintf("%s-s%d", id, i)
			w.Put(&policy.Subnet{Meta: policy.Meta{ID: sub}, Name: sub, VPCID: policy.VPCID(id), VLAN: 10*v + i + 1, CIDRs: []netip.Prefix{
				netip.MustParsePrefix(fmt.Sprintf("10.0.%d.0/24", i)), netip.MustParsePrefix(fmt.Sprintf("2001:db8:0:%d::/64", i)),
			}})
		}
	}
	for i := range 3 {
		w.set(i)
	}
	w.Put(&policy.Group{Meta: policy.Meta{ID: "default"}, Name: "default-allow-egress", ProjectID: "p", Origin: policy.OriginDefault})
	w.Put(&policy.Rule{Meta: policy.Meta{ID: "default-1"}, GroupID: "default", Direction: policy.Egress, Protocol: policy.All, Remote: policy.Remote{Any: true}})
	for i := range groups {
		id := fmt.Sprintf("g%d", i)
		g := &policy.Group{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p"}
		if w.chance(3) {
			g.Evaluation = policy.Ordered
		}
		w.Put(g)
	}
	for i := range groups {
		for n := range w.r.IntN(rulesOfGroup + 1) {
			w.Put(w.rule(fmt.Sprintf("g%d", i), n))
		}
	}
	for i := range ports {
		w.port(i)
	}
	return w
}

// Put writes an object as the store would, numbers included. An invalid object is the generator's fault.
func (w *World) Put(o policy.Object) {
	policy.Normalize(o, w.Snapshot)
	if n, ok := o.(policy.Numbered); ok && n.GetNumber() == 0 {
		w.next[o.Kind()]++
		n.SetNumber(w.next[o.Kind()])
	}
	w.Snapshot.Put(o)
	if f := policy.Validate(o, w.Snapshot); len(f) > 0 {
		panic(fmt.Sprintf("seed %d: %s %s: %v", w.Seed, o.Kind(), o.Base().ID, f))
	}
}

// chance is true once in n.
func (w *World) chance(n int) bool { return w.r.IntN(n) == 0 }

func pick[T any](w *World, from ...T) T { return from[w.r.IntN(len(from))] }

func (w *World) set(i int) {
	id := fmt.Sprintf("set%d", i)
	version := pick(w, 4, 6)
	w.Put(&policy.IPSet{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p", IPVersion: version})
	for n := range 1 + w.r.IntN(4) {
		w.Put(&policy.Entry{Meta: policy.Meta{ID: fmt.Sprintf("%s-%d", id, n)}, IPSetID: policy.IPSetID(id), CIDR: policy.CIDR(w.prefix(version))})
	}
}

// prefix is one that holds some of the world's addresses, nested with others; once in a while everything.
func (w *World) prefix(version int) netip.Prefix {
	a, lengths := w.address(version), []int{0, 8, 16, 23, 24, 28, 31, 32, 32}
	if version == 6 {
		lengths = []int{0, 32, 48, 64, 64, 120, 126, 128, 128}
	}
	return netip.PrefixFrom(a, pick(w, lengths...)).Masked()
}

// address is one of the few that ports and packets have, or one outside.
func (w *World) address(version int) netip.Addr {
	subnet, host := w.r.IntN(2), 1+w.r.IntN(ports+2)
	if version == 4 {
		if w.chance(6) {
			return netip.AddrFrom4([4]byte{192, 0, 2, byte(host)})
		}
		return netip.AddrFrom4([4]byte{10, 0, byte(subnet), byte(host)})
	}
	if w.chance(6) {
		return netip.AddrFrom16([16]byte{0: 0x26, 15: byte(host)})
	}
	return netip.AddrFrom16([16]byte{0: 0x20, 1: 1, 2: 0x0d, 3: 0xb8, 7: byte(subnet), 15: byte(host)})
}

func (w *World) port(i int) {
	id := fmt.Sprintf("vm%d", i)
	subnet := fmt.Sprintf("v%d-s%d", 1+i%2, w.r.IntN(2))
	sub, _ := policy.Find[*policy.Subnet](w.Snapshot, policy.SubnetID(subnet))
	var gs []policy.GroupID
	for g := range groups {
		if w.chance(3) {
			gs = append(gs, policy.GroupID(fmt.Sprintf("g%d", g)))
		}
	}
	cut := w.r.IntN(len(gs) + 1)
	w.Put(&policy.Instance{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p", SecurityGroupIDs: gs[:cut]})
	// The ports of both VPCs count from 1, so that the VPCs share addresses.
	host := byte(1 + i/2)
	p := &policy.Port{
		Meta: policy.Meta{ID: id}, InstanceID: policy.InstanceID(id), SubnetID: policy.SubnetID(subnet), MAC: policy.MAC{0xfa, 0x16, 0x3e, 0, 0, byte(i + 1)},
		SecurityGroupIDs: gs[cut:],
	}
	for _, c := range sub.CIDRs {
		raw := c.Addr().AsSlice()
		raw[len(raw)-1] = host
		a, _ := netip.AddrFromSlice(raw)
		p.Addresses = append(p.Addresses, a)
	}
	if w.chance(4) {
		p.AllowedAddressPairs = append(p.AllowedAddressPairs, policy.AddressPair{CIDR: w.prefix(pick(w, 4, 6))})
	}
	w.Put(p)
	w.Ports = append(w.Ports, p)
	w.OFPorts[policy.PortID(id)] = uint16(i + 1)
}
