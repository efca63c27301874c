package flows

import (
	"fmt"
	"net/netip"

	"conjunct/policy"
	"conjunct/policy/policytest"
)

// world adds terse constructors to an empty world: one project, p.
type world struct{ *policytest.World }

func newWorld() *world { return &world{policytest.Empty()} }

func (w *world) vpc(id string) {
	w.Put(&policy.VPC{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p"})
}

func (w *world) subnet(id, vpc string, vlan int, cidrs ...string) {
	sub := &policy.Subnet{Meta: policy.Meta{ID: id}, Name: id, VPCID: policy.VPCID(vpc), VLAN: vlan}
	for _, c := range cidrs {
		sub.CIDRs = append(sub.CIDRs, netip.MustParsePrefix(c))
	}
	w.Put(sub)
}

func (w *world) group(id string, rules ...*policy.Rule) {
	w.Put(&policy.Group{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p"})
	for _, r := range rules {
		w.rule(id, r)
	}
}

func (w *world) rule(group string, r *policy.Rule) {
	if r.ID == "" {
		r.ID = fmt.Sprintf("%s-r%d", group, w.Snapshot.Len(policy.KindRule)+1)
	}
	r.GroupID = policy.GroupID(group)
	w.Put(r)
}

// vm makes an instance and its port; the MAC ends in n.
func (w *world) vm(id, subnet string, n byte, groups []policy.GroupID, addresses ...string) *policy.Port {
	w.Put(&policy.Instance{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p", SecurityGroupIDs: groups})
	p := &policy.Port{Meta: policy.Meta{ID: id}, InstanceID: policy.InstanceID(id), SubnetID: policy.SubnetID(subnet), MAC: policy.MAC{0xfa, 0x16, 0x3e, 0, 0, n}}
	for _, a := range addresses {
		p.Addresses = append(p.Addresses, netip.MustParseAddr(a))
	}
	w.Put(p)
	return p
}

func in(protocol policy.Protocol, ports ...int) *policy.Rule {
	return newRule(policy.Ingress, protocol, ports)
}
func out(protocol policy.Protocol, ports ...int) *policy.Rule {
	return newRule(policy.Egress, protocol, ports)
}

func newRule(d policy.Direction, protocol policy.Protocol, ports []int) *policy.Rule {
	r := &policy.Rule{Direction: d, Protocol: protocol, Remote: policy.Remote{Any: true}}
	if len(ports) > 0 {
		r.PortMin, r.PortMax = &ports[0], &ports[len(ports)-1]
	}
	return r
}

func fromGroup(r *policy.Rule, id string) *policy.Rule {
	r.Remote = policy.Remote{GroupID: policy.GroupID(id)}
	return r
}

func fromCIDRs(r *policy.Rule, cidrs ...string) *policy.Rule {
	r.Remote = policy.Remote{}
	for _, c := range cidrs {
		r.Remote.CIDRs = append(r.Remote.CIDRs, policy.CIDR(netip.MustParsePrefix(c)))
	}
	return r
}

// tiers is the worked example of the four tiers, in one VPC of one host.
func tiers() (*world, *policy.View, map[policy.PortID]uint16) {
	w := newWorld()
	w.vpc("v")
	w.subnet("s", "v", 7, "10.0.0.0/24", "2001:db8::/64")
	for _, g := range []string{"jumphostSG", "webSG", "appSG", "databaseSG", "allowSSHFromJumphostSG"} {
		w.group(g)
	}
	w.rule("jumphostSG", fromCIDRs(in(policy.TCP, 22), "0.0.0.0/0"))
	w.rule("jumphostSG", fromGroup(out(policy.TCP, 22), "allowSSHFromJumphostSG"))
	w.rule("webSG", fromCIDRs(in(policy.TCP, 80), "0.0.0.0/0"))
	w.rule("webSG", fromCIDRs(in(policy.TCP, 443), "0.0.0.0/0"))
	w.rule("webSG", fromGroup(out(policy.TCP, 8080), "appSG"))
	w.rule("appSG", fromGroup(in(policy.TCP, 8080), "webSG"))
	w.rule("appSG", fromGroup(out(policy.TCP, 3306), "databaseSG"))
	w.rule("databaseSG", fromGroup(in(policy.TCP, 3306), "appSG"))
	w.rule("allowSSHFromJumphostSG", fromGroup(in(policy.TCP, 22), "jumphostSG"))
	w.vm("jumphost", "s", 1, []policy.GroupID{"jumphostSG"}, "10.0.0.1", "2001:db8::1")
	w.vm("web", "s", 2, []policy.GroupID{"webSG", "allowSSHFromJumphostSG"}, "10.0.0.2", "2001:db8::2")
	w.vm("app", "s", 3, []policy.GroupID{"appSG", "allowSSHFromJumphostSG"}, "10.0.0.3", "2001:db8::3")
	w.vm("database", "s", 4, []policy.GroupID{"databaseSG", "allowSSHFromJumphostSG"}, "10.0.0.4", "2001:db8::4")
	ofports := map[policy.PortID]uint16{"jumphost": 1, "web": 2, "app": 3, "database": 4}
	return w, policy.Resolve(w.Snapshot, "h", []policy.PortID{"jumphost", "web", "app", "database"}), ofports
}

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, t := range texts {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}
