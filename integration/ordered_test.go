package integration

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/integration/cloud"
	"conjunct/integration/lab"
	"conjunct/policy"
)

// rule adds a rule to a group and waits until it is in force.
func (w *town) rule(group, name string, r policy.Rule, options ...api.Option) {
	w.t.Helper()
	r.Name = name
	_, err := w.API.RulesOf(policy.GroupID(group)).Create(w.ctx, &api.Rule{Rule: r}, append(options, api.WaitApplied(cloud.Patience))...)
	w.Must(err)
}

// ruleID finds a rule of a group by name.
func (w *town) ruleID(group, name string) string {
	w.t.Helper()
	rules, err := w.API.RulesOf(policy.GroupID(group)).List(w.ctx)
	w.Must(err)
	for _, r := range rules {
		if r.Name == name {
			return r.ID
		}
	}
	w.t.Fatalf("group %s has no rule %s", group, name)
	return ""
}

func dropping(r policy.Rule) policy.Rule { r.Action = policy.Drop; return r }

// TestOrderedGroups sends real packets through an ordered group while its rules come, move and go.
func TestOrderedGroups(t *testing.T) {
	w := newTown(t)
	w.group("clients", egress(policy.All))
	_, err := w.API.Groups().Put(w.ctx, "list", &api.Group{Group: policy.Group{Name: "list", ProjectID: "p", Evaluation: policy.Ordered}, Rules: []api.Rule{}})
	w.Must(err)
	client := w.vm("client", "hv1", 1, "clients")
	near := w.vm("near", "hv1", 2, "list")
	far := w.vm("far", "hv2", 3, "list")
	ends := func(check func(*lab.Host, lab.Probe), port uint16) {
		t.Helper()
		for _, server := range []*lab.Host{near.Host, far.Host} {
			for _, p := range both(server, tcpTo(port)) {
				check(client.Host, p)
			}
		}
	}
	t.Run("A-006 what no rule matches is denied", func(t *testing.T) { ends(w.stops, portA) })
	w.rule("list", "allow", ingress(policy.TCP))
	ends(w.passes, portA)
	streams := []*lab.Stream{
		client.StreamTCP(near.Host, netip.AddrPortFrom(near.Addr4(), 5001)),
		client.StreamTCP(far.Host, netip.AddrPortFrom(far.Addr6(), 5001)),
	}
	for _, s := range streams {
		require.True(t, s.Down.GoesOn(5*time.Second))
	}
	t.Run("A-005 A-044 a drop before an allow ends live connections at once, and they go on without it", func(t *testing.T) {
		w.rule("list", "stop", dropping(fromGroup(ingress(policy.TCP), "clients")), api.Before(w.ruleID("list", "allow")))
		for _, s := range streams {
			_, stopped := s.Down.Stops(300*time.Millisecond, 5*time.Second)
			require.True(t, stopped)
		}
		ends(w.stops, portA)
		_, err := w.API.Rules().Patch(w.ctx, w.ruleID("list", "stop"), map[string]any{}, api.After(w.ruleID("list", "allow")), api.WaitApplied(cloud.Patience))
		w.Must(err)
		for _, s := range streams {
			require.True(t, s.Down.GoesOn(10*time.Second), "behind the allow it decides nothing")
		}
		ends(w.passes, portA)
	})
	t.Run("A-041 A-042 a drop for one of the VM's addresses, from one source", func(t *testing.T) {
		r := dropping(ingress(policy.TCP, int(portA)))
		r.Remote.CIDRs = []policy.CIDR{policy.CIDR(netip.PrefixFrom(client.Addr4(), 32))}
		local := policy.CIDR(netip.PrefixFrom(near.Addr4(), 32))
		r.LocalCIDR = &local
		w.rule("list", "local", r, api.Before(w.ruleID("list", "allow")))
		w.stops(client.Host, lab.TCP(near.Addr4(), portA))
		w.passes(client.Host, lab.TCP(near.Addr6(), portA))
		w.passes(client.Host, lab.TCP(far.Addr4(), portA))
		w.Must(w.API.Rules().Delete(w.ctx, w.ruleID("list", "local"), api.WaitApplied(cloud.Patience)))
		w.passes(client.Host, lab.TCP(near.Addr4(), portA))
	})
	t.Run("A-007 narrow allows and a final drop, also against a union group", func(t *testing.T) {
		w.group("open", ingress(policy.All))
		w.assign("near", "open", "list")
		w.assign("far", "list", "open")
		rules := []api.Rule{{Rule: ingress(policy.TCP, int(portA))}, {Rule: dropping(ingress(policy.All))}}
		_, err := w.API.ReplaceRules(w.ctx, "list", rules, api.WaitApplied(cloud.Patience))
		w.Must(err)
		ends(w.passes, portA)
		ends(w.stops, portB)
		_, err = w.API.ReplaceRules(w.ctx, "list", rules[:1], api.WaitApplied(cloud.Patience))
		w.Must(err)
		ends(w.passes, portB)
	})
}

// TestSetsAndAttachments changes IP sets whose prefixes overlap, and what has a group, under running VMs.
func TestSetsAndAttachments(t *testing.T) {
	w := newTown(t)
	w.group("clients", egress(policy.All))
	for _, set := range []string{"wide", "narrow"} {
		_, err := w.API.IPSets().Put(w.ctx, set, &api.IPSet{IPSet: policy.IPSet{Name: set, ProjectID: "p", IPVersion: 4}})
		w.Must(err)
	}
	entry := func(set, prefix string) {
		t.Helper()
		_, err := w.API.EntriesOf(policy.IPSetID(set)).Create(w.ctx, &api.Entry{CIDR: policy.CIDR(netip.MustParsePrefix(prefix))}, api.WaitApplied(cloud.Patience))
		w.Must(err)
	}
	gone := func(set, prefix string) {
		t.Helper()
		w.Must(w.API.EntriesOf(policy.IPSetID(set)).Delete(w.ctx, prefix, api.WaitApplied(cloud.Patience)))
	}
	fromSet := func(set string, port uint16) policy.Rule {
		r := ingress(policy.TCP, int(port))
		r.Remote = policy.Remote{IPSetID: policy.IPSetID(set)}
		return r
	}
	w.group("servers", fromSet("wide", portA), fromSet("narrow", portB))
	client := w.vm("client", "hv1", 1, "clients")
	near := w.vm("near", "hv1", 2)
	far := w.vm("far", "hv2", 3)
	servers := []*lab.Host{near.Host, far.Host}
	each := func(check func(*lab.Host, lab.Probe), port uint16) {
		t.Helper()
		for _, s := range servers {
			check(client.Host, lab.TCP(s.Addr4(), port))
		}
	}
	entry("wide", "10.0.0.0/8")
	entry("narrow", "10.0.0.0/24")
	each(w.stops, portA)
	t.Run("A-056 A-060 A-065 a running VM gets a group, several at once", func(t *testing.T) {
		_, err := w.API.Attach(w.ctx, "servers", []policy.Target{{InstanceID: "near"}, {PortID: "far"}}, api.WaitApplied(cloud.Patience))
		w.Must(err)
		each(w.passes, portA)
		each(w.passes, portB)
	})
	t.Run("A-037 an entry of one set goes, the other that covers it stays", func(t *testing.T) {
		gone("narrow", "10.0.0.0/24")
		each(w.stops, portB)
		each(w.passes, portA)
		entry("narrow", "10.0.0.1/32")
		each(w.passes, portB)
		gone("wide", "10.0.0.0/8")
		each(w.stops, portA)
		each(w.passes, portB)
		entry("wide", "10.0.0.0/30")
		each(w.passes, portA)
	})
	t.Run("A-062 A-065 detached from the group's side", func(t *testing.T) {
		_, err := w.API.AttachOnly(w.ctx, "servers", []policy.Target{{PortID: "far"}}, api.WaitApplied(cloud.Patience))
		w.Must(err)
		w.stops(client.Host, lab.TCP(near.Addr4(), portA))
		w.passes(client.Host, lab.TCP(far.Addr4(), portA))
	})
	t.Run("A-061 by CIDR, subnet and tag", func(t *testing.T) {
		cidr := policy.CIDR(netip.PrefixFrom(near.Addr4(), 32))
		_, err := w.API.Instances().Patch(w.ctx, "near", map[string]any{"tags": map[string]string{"tier": "web"}})
		w.Must(err)
		for _, target := range []policy.Target{{CIDR: &cidr, VPCID: "v"}, {SubnetID: "lan"}, {Tag: map[string]string{"tier": "web"}}} {
			_, err := w.API.Attach(w.ctx, "servers", []policy.Target{target}, api.WaitApplied(cloud.Patience))
			w.Must(err)
			w.passes(client.Host, lab.TCP(near.Addr4(), portA))
			w.Must(w.API.DetachFrom(w.ctx, "servers", []policy.Target{target}, api.WaitApplied(cloud.Patience)))
			w.stops(client.Host, lab.TCP(near.Addr4(), portA))
			w.passes(client.Host, lab.TCP(far.Addr4(), portA))
		}
	})
}
