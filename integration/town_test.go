package integration

import (
	"context"
	"fmt"
	"net/netip"
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
	t   testing.TB
	ctx context.Context
}

// settles bounds how long the datapath may go on as before once the switch has confirmed a change: its cached flows are
// revalidated within about a second.
const settles = 4 * time.Second

func newTown(t testing.TB, settings ...string) *town {
	if err := lab.Usable(); err != nil {
		t.Skip(err)
	}
	c := cloud.New(t, cloud.Options{Daemon: daemon, CLI: client, Hypervisors: []string{"hv1", "hv2"}, Settings: settings})
	w := &town{Cloud: c, t: t, ctx: context.Background()}
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
