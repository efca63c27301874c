package flows

import (
	"fmt"
	"net/netip"
	"testing"

	"conjunct/members"
	"conjunct/openflow"
	"conjunct/policy"
)

// yardstick is one host with 50 local ports, each in 2 of 20 groups; 10 rules a group (tcp 22, tcp 1000-1999, icmp, three CIDRs, four
// remote groups); 1,000 remote members a group: 20,000 addresses.
type yardstick struct {
	groups  map[policy.Number]*Group
	members *members.Directory
	sets    *members.Directory
}

const (
	yardPorts, yardGroups, yardMembers = 50, 20, 1000
	yardVPC                            = policy.Number(1)
)

func (y *yardstick) Group(n policy.Number) *Group { return y.groups[n] }
func (y *yardstick) Members() Directory           { return y.members }
func (y *yardstick) Sets() Directory              { return y.sets }

func newYardstick() *yardstick {
	y := &yardstick{groups: map[policy.Number]*Group{}, members: members.NewDirectory(), sets: members.NewDirectory()}
	rule := policy.Number(0)
	for g := policy.Number(1); g <= yardGroups; g++ {
		group := &Group{Number: g}
		add := func(protocol policy.Protocol, ports *PortRange, remote Remote) {
			rule++
			group.Rules = append(group.Rules, Rule{
				Number: rule, ID: policy.RuleID(fmt.Sprint(rule)), Direction: policy.Ingress, V4: true, V6: remote.Kind != policy.RemoteCIDRs,
				Protocol: protocol, Ports: ports, Type: -1, Code: -1, Remote: remote,
			})
		}
		anywhere := Remote{Kind: policy.RemoteAny}
		add(policy.TCP, &PortRange{22, 22}, anywhere)
		add(policy.TCP, &PortRange{1000, 1999}, anywhere)
		add(policy.ICMP, nil, anywhere)
		for i := range 3 {
			p := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, byte(g), byte(i), 0}), 24)
			add(policy.TCP, &PortRange{443, 443}, Remote{Kind: policy.RemoteCIDRs, Prefixes: []netip.Prefix{p}})
		}
		for i := range policy.Number(4) {
			add(policy.TCP, &PortRange{8000, 8000}, Remote{Kind: policy.RemoteGroup, Number: (g+i)%yardGroups + 1})
		}
		y.groups[g] = group
		for m := range yardMembers {
			y.members.Add(yardVPC, g, memberPrefix(int(g), m), fmt.Sprintf("p%d-%d", g, m))
		}
	}
	return y
}

func memberPrefix(group, n int) netip.Prefix {
	return policy.HostPrefix(netip.AddrFrom4([4]byte{10, byte(group), byte(n >> 8), byte(n)}))
}

func (y *yardstick) host() *Host {
	h := NewHost(y)
	h.SetUplinks([]uint16{1000})
	for i := range yardPorts {
		h.SetPort(&Port{
			ID: policy.PortID(fmt.Sprint(i)), Number: policy.Number(i + 1), OFPort: uint16(i + 1), VPC: yardVPC, Segment: Segment{Number: 1, VPC: yardVPC},
			MAC: policy.MAC{2, 0, 0, 0, 0, byte(i)}, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 200, 0, byte(i)})},
			Class: LocalClass{Groups: policy.NumberSetOf(policy.Number(i%yardGroups+1), policy.Number((i*7+3)%yardGroups+1))},
		})
	}
	return h
}

// BenchmarkCompile is a host from nothing to all its flows.
func BenchmarkCompile(b *testing.B) {
	y := newYardstick()
	b.ReportAllocs()
	flows := 0
	for b.Loop() {
		flows = 0
		for range y.host().All() {
			flows++
		}
	}
	b.ReportMetric(float64(flows), "flows")
	b.ReportMetric(float64(flows)*float64(b.N)/b.Elapsed().Seconds(), "flows/s")
}

// BenchmarkIterate is all flows of a host that is there: what adopting a bridge and looking for drift take.
func BenchmarkIterate(b *testing.B) {
	h := newYardstick().host()
	b.ReportAllocs()
	for b.Loop() {
		for range h.All() {
		}
	}
}

// BenchmarkJoin is one member that joins a group of 1,000 and 10,000, and leaves it: from the directory to the flow-mods. The number of
// flow-mods is measured too.
func BenchmarkJoin(b *testing.B) {
	for _, size := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			y := newYardstick()
			for m := yardMembers; m < size; m++ {
				y.members.Add(yardVPC, 1, memberPrefix(1, m), fmt.Sprint("x", m))
			}
			h := y.host()
			h.Changes()
			p := netip.MustParsePrefix("10.250.0.1/32")
			b.ReportAllocs()
			mods := 0
			tell := func(deltas []members.Delta) {
				for _, d := range deltas {
					h.MembersChanged(Delta(d))
				}
				c := h.Changes()
				mods += len(c.Add) + len(c.Delete)
			}
			for b.Loop() {
				tell(y.members.Add(yardVPC, 1, p, "joiner"))
				tell(y.members.Remove(yardVPC, 1, p, "joiner"))
			}
			b.ReportMetric(float64(mods)/float64(2*b.N), "flow-mods/change")
		})
	}
}

// BenchmarkRule is a rule that refers to a group of 1,000 others refer to already, added and removed.
func BenchmarkRule(b *testing.B) {
	y := newYardstick()
	h := y.host()
	h.Changes()
	without := y.groups[1]
	with := &Group{Number: 1, Rules: append(append([]Rule{}, without.Rules...), Rule{
		Number: 9999, ID: "new", Direction: policy.Ingress, V4: true, V6: true, Protocol: policy.TCP, Ports: &PortRange{9000, 9000}, Type: -1, Code: -1,
		Remote: Remote{Kind: policy.RemoteGroup, Number: 2},
	})}
	b.ReportAllocs()
	mods := 0
	for b.Loop() {
		for _, g := range []*Group{with, without} {
			y.groups[1] = g
			h.GroupChanged(1)
			c := h.Changes()
			mods += len(c.Add) + len(c.Delete)
		}
	}
	b.ReportMetric(float64(mods)/float64(2*b.N), "flow-mods/change")
}

// BenchmarkEncode is a flow as a flow-mod on the wire.
func BenchmarkEncode(b *testing.B) {
	var all []openflow.FlowMod
	for f := range newYardstick().host().All() {
		all = append(all, openflow.FlowMod{Command: openflow.FlowAdd, Flow: f})
	}
	var buffer []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		buffer, _ = openflow.Append(buffer[:0], 1, all[i%len(all)])
	}
}
