package integration

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/integration/cloud"
	"conjunct/integration/lab"
	"conjunct/policy"
)

// town is a cloud of two hypervisors with one segment, for tests that make VMs and groups as they go.
type town struct {
	*cloud.Cloud
	t        testing.TB
	ctx      context.Context
	segments map[string]subnet // of subnets, by name
}

// settles bounds how long the datapath may go on as before once the switch has confirmed a change: its cached flows are
// revalidated within about a second.
const settles = 4 * time.Second

func newTown(t testing.TB, settings ...string) *town {
	if err := lab.Usable(); err != nil {
		t.Skip(err)
	}
	c := cloud.New(t, cloud.Options{Daemon: daemon, CLI: client, Hypervisors: []string{"hv1", "hv2"}, Settings: settings})
	w := &town{Cloud: c, t: t, ctx: context.Background(), segments: map[string]subnet{}}
	_, err := c.API.Projects().Put(w.ctx, "p", &api.Project{Name: "p"})
	c.Must(err)
	w.network("v", "lan", 0)
	return w
}

// network makes a VPC with one subnet; all have the same addresses.
func (w *town) network(vpc, subnet string, vlan int) {
	_, err := w.API.VPCs().Put(w.ctx, vpc, &api.VPC{Name: vpc, ProjectID: "p"})
	w.Must(err)
	_, err = w.API.Subnets().Put(w.ctx, subnet, &api.Subnet{Name: subnet, VPCID: policy.VPCID(vpc), VLAN: vlan, CIDRs: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("fd00::/64"),
	}})
	w.Must(err)
}

// declare writes a VM's instance and port; n is the end of its addresses and its MAC.
func (w *town) declare(name, subnet string, n byte, groups ...string) policy.PortID {
	w.assign(name, groups...)
	_, err := w.API.Ports().Put(w.ctx, name, &api.Port{Port: policy.Port{
		InstanceID: policy.InstanceID(name), SubnetID: policy.SubnetID(subnet), MAC: policy.MAC{0xfa, 0x16, 0x3e, 0, byte(len(subnet)), n},
		Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, n}), netip.AddrFrom16([16]byte{0: 0xfd, 15: n})},
	}})
	w.Must(err)
	return policy.PortID(name)
}

// assign gives an instance exactly these groups and waits until that is in force.
func (w *town) assign(name string, groups ...string) {
	ids := []policy.GroupID{}
	for _, g := range groups {
		ids = append(ids, policy.GroupID(g))
	}
	_, err := w.API.Instances().Put(w.ctx, name, &api.Instance{Name: name, ProjectID: "p", SecurityGroupIDs: ids}, api.WaitApplied(cloud.Patience))
	w.Must(err)
}

// vm declares a VM on the lan, plugs it in and lets it serve.
func (w *town) vm(name, hv string, n byte, groups ...string) *cloud.VM {
	vm := w.Plug(hv, name, w.declare(name, "lan", n, groups...))
	serve(vm.Host)
	return vm
}

// Services that every VM of a town offers.
const (
	portA, portB uint16 = 7001, 7002
)

func serve(h *lab.Host) {
	h.ListenTCP(portA, portB)
	h.ListenUDP(portA, portB)
}

// group writes a group with exactly these rules and waits until that is in force.
func (w *town) group(id string, rules ...policy.Rule) {
	g := &api.Group{Group: policy.Group{Name: id, ProjectID: "p"}, Rules: []api.Rule{}}
	for _, r := range rules {
		g.Rules = append(g.Rules, api.Rule{Rule: r})
	}
	_, err := w.API.Groups().Put(w.ctx, id, g, api.WaitApplied(cloud.Patience))
	w.Must(err)
}

func ingress(p policy.Protocol, ports ...int) policy.Rule { return direction(policy.Ingress, p, ports) }
func egress(p policy.Protocol, ports ...int) policy.Rule  { return direction(policy.Egress, p, ports) }

func direction(d policy.Direction, p policy.Protocol, ports []int) policy.Rule {
	r := policy.Rule{Direction: d, Protocol: p}
	if len(ports) > 0 {
		r.PortMin, r.PortMax = &ports[0], &ports[len(ports)-1]
	}
	return r
}

func fromGroup(r policy.Rule, group string) policy.Rule {
	r.Remote = policy.Remote{GroupID: policy.GroupID(group)}
	return r
}

// passes and stops wait until the probe has the outcome: what the switch has confirmed reaches its cached flows a little later.
func (w *town) passes(from *lab.Host, p lab.Probe) {
	w.t.Helper()
	require.Equal(w.t, lab.Open, from.TryUntil(lab.Open, p.Within(500*time.Millisecond), settles), "%s → %s%s", from.Label, p, w.hint())
}

func (w *town) stops(from *lab.Host, p lab.Probe) {
	w.t.Helper()
	require.Equal(w.t, lab.Timeout, from.TryUntil(lab.Timeout, p.Within(400*time.Millisecond), settles), "%s → %s%s", from.Label, p, w.hint())
}

func (w *town) hint() string {
	if !w.t.Failed() {
		return ""
	}
	return fmt.Sprintf("\n%s", w.DaemonLog())
}

// both is a probe to the host's address of each family.
func both(to *lab.Host, probe func(netip.Addr) lab.Probe) []lab.Probe {
	return []lab.Probe{probe(to.Addr4()), probe(to.Addr6())}
}

func tcpTo(port uint16) func(netip.Addr) lab.Probe {
	return func(a netip.Addr) lab.Probe { return lab.TCP(a, port) }
}

func udpTo(port uint16) func(netip.Addr) lab.Probe {
	return func(a netip.Addr) lab.Probe { return lab.UDP(a, port) }
}

// cell is a probe of a matrix, and whether it is to be answered.
type cell struct {
	from  *lab.Host
	probe lab.Probe
	open  bool
}

// measures sends all probes at once, and those that are not as they should be again until the datapath has settled.
func (w *town) measures(t testing.TB, matrix []cell) {
	t.Helper()
	for end := time.Now().Add(settles); ; {
		attempts := make([]lab.Attempt, len(matrix))
		for i, c := range matrix {
			attempts[i] = lab.Attempt{From: c.from, Probe: c.probe}
		}
		var wrong []cell
		var words []string
		for i, outcome := range lab.TryAll(attempts) {
			if c := matrix[i]; (outcome == lab.Open) != c.open {
				wrong, words = append(wrong, c), append(words, fmt.Sprintf("%s → %s: %s", c.from.Label, c.probe, outcome))
			}
		}
		if len(wrong) == 0 {
			return
		}
		if time.Now().After(end) {
			require.Fail(t, "not as it should be", "%s\n%s", strings.Join(words, "\n"), w.DaemonLog())
		}
		matrix = wrong
	}
}

// subnet is a segment of a routed VPC: the third part of its addresses tells it from the others, 10.0.<net>.0/24 and fd00:0:0:<net>::/64.
type subnet struct {
	name string
	vlan int
	net  byte
}

func (s subnet) cidrs() []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, s.net}), 24), netip.PrefixFrom(s.addr6(0), 64)}
}

func (s subnet) addr6(n byte) netip.Addr { return netip.AddrFrom16([16]byte{0: 0xfd, 7: s.net, 15: n}) }

// subnets makes a VPC of these subnets and a router between them, the first address of each, and returns a VM's routes by subnet.
func (w *town) subnets(vpc string, list ...subnet) map[string][]lab.Route {
	_, err := w.API.VPCs().Put(w.ctx, vpc, &api.VPC{Name: vpc, ProjectID: "p"})
	w.Must(err)
	var legs []lab.Leg
	routes := map[string][]lab.Route{}
	for _, s := range list {
		_, err := w.API.Subnets().Put(w.ctx, s.name, &api.Subnet{Name: s.name, VPCID: policy.VPCID(vpc), VLAN: s.vlan, CIDRs: s.cidrs()})
		w.Must(err)
		gateway := []netip.Addr{netip.AddrFrom4([4]byte{10, 0, s.net, 1}), s.addr6(1)}
		legs = append(legs, lab.Leg{VLAN: s.vlan, Addrs: []netip.Prefix{netip.PrefixFrom(gateway[0], 24), netip.PrefixFrom(gateway[1], 64)}})
		routes[s.name] = []lab.Route{
			{To: netip.MustParsePrefix("10.0.0.0/16"), Via: gateway[0]}, {To: netip.MustParsePrefix("fd00::/48"), Via: gateway[1]},
		}
		w.segments[s.name] = s
	}
	w.Router("gw", legs...)
	return routes
}

// declareAt is declare for a routed subnet.
func (w *town) declareAt(name, segment string, n byte, groups ...string) policy.PortID {
	w.assign(name, groups...)
	s := w.segments[segment]
	_, err := w.API.Ports().Put(w.ctx, name, &api.Port{Port: policy.Port{
		InstanceID: policy.InstanceID(name), SubnetID: policy.SubnetID(segment), MAC: policy.MAC{0xfa, 0x16, 0x3e, 1, s.net, n},
		Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, s.net, n}), s.addr6(n)},
	}})
	w.Must(err)
	return policy.PortID(name)
}
