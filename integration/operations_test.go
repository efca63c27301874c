package integration

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/integration/cloud"
	"conjunct/integration/lab"
	"conjunct/members"
	"conjunct/policy"
)

// TestA067_TheFirewallIsThereBeforeTheNetwork follows a provisioning system: intent first, then the interface; the port passes
// nothing until the mark says that its flows are in force, and the mark names revision, port number and MAC.
func TestA067_TheFirewallIsThereBeforeTheNetwork(t *testing.T) {
	w := newTown(t)
	w.group("open", egress(policy.All), ingress(policy.All))
	peer := w.vm("peer", "hv1", 1, "open")
	id := w.declare("late", "lan", 2, "open")
	p, err := w.API.Ports().Get(w.ctx, string(id))
	w.Must(err)
	require.Equal(t, policy.PortUnbound, p.State)

	vm := w.Plug("hv1", "late", id)
	p, err = w.API.Ports().Get(w.ctx, string(id))
	w.Must(err)
	require.Equal(t, policy.PortActive, p.State)
	mark := w.Hypervisor("hv1").Vsctl("get", "Interface", vm.Tap(), "external_ids:conjunct-installed")
	require.Equal(t, fmt.Sprintf("%q", fmt.Sprintf("%d %d %s", p.AppliedRevision, vm.OFPort(), vm.MAC)), strings.TrimSpace(mark))
	w.passes(peer.Host, lab.Ping(vm.Addr4()))

	vm.Unplug()
	w.Until("the port is no longer active", func() bool {
		p, err := w.API.Ports().Get(w.ctx, string(id))
		return err == nil && p.State != policy.PortActive && p.OFPort == 0
	})
	require.NotContains(t, w.Hypervisor("hv1").DumpFlows(), vm.MAC.String(), "nothing of it is left")
}

// TestDrift changes a bridge by hand: what is missing comes back, what is foreign goes, and the tables that are not ours are left alone.
func TestDrift(t *testing.T) {
	w := newTown(t, "--bridge-compare=1s")
	w.group("servers", ingress(policy.TCP, int(portA)))
	w.group("clients", egress(policy.All))
	client := w.vm("client", "hv1", 1, "clients")
	server := w.vm("server", "hv1", 2, "servers")
	w.passes(client.Host, lab.TCP(server.Addr4(), portA))
	hv := w.Hypervisor("hv1")
	ours := func() []string {
		var out []string
		for line := range strings.Lines(hv.DumpFlows()) {
			if !strings.Contains(line, "table=100") {
				out = append(out, line)
			}
		}
		slices.Sort(out) // A switch dumps in an order of its own.
		return out
	}
	before := ours()
	hv.AddFlows("table=100,priority=7,ip actions=drop")
	_, err := hv.Ofctl("del-flows", "br-int", "table=44")
	w.Must(err)
	hv.AddFlows("table=44,priority=9999,ip actions=set_field:0x1/0x1->reg4") // a hole
	w.Until("the bridge is as before", func() bool { return slices.Equal(before, ours()) })
	require.Contains(t, hv.DumpFlows(), "table=100", "what is not ours is left alone")
	h, err := w.API.Hypervisors().Get(w.ctx, "hv1")
	w.Must(err)
	require.Positive(t, h.Drift.Repaired)
	require.Positive(t, h.Drift.Foreign)
	require.Positive(t, h.Drift.Missing)
	w.passes(client.Host, lab.TCP(server.Addr4(), portA))
	w.stops(client.Host, lab.TCP(server.Addr4(), portB))
}

// TestSwitchRestart restarts Open vSwitch under a policy: the bridge is programmed again by itself.
func TestSwitchRestart(t *testing.T) {
	w := newTown(t)
	w.group("servers", ingress(policy.TCP, int(portA)))
	w.group("clients", egress(policy.All))
	client := w.vm("client", "hv1", 1, "clients")
	server := w.vm("server", "hv2", 2, "servers")
	w.passes(client.Host, lab.TCP(server.Addr4(), portA))
	w.Hypervisor("hv2").RestartOVS()
	w.passesWithin(client.Host, lab.TCP(server.Addr4(), portA), cloud.Patience)
	w.stops(client.Host, lab.TCP(server.Addr4(), portB))
}

// passesWithin is passes with more patience.
func (w *town) passesWithin(from *lab.Host, p lab.Probe, patience time.Duration) {
	w.t.Helper()
	require.Equal(w.t, lab.Open, from.TryUntil(lab.Open, p.Within(500*time.Millisecond), patience), "%s → %s", from.Label, p)
}

// TestHits counts the packets of a rule, and the counter stays when another rule comes.
func TestHits(t *testing.T) {
	w := newTown(t)
	w.group("clients", egress(policy.All))
	w.group("servers", ingress(policy.TCP, int(portA)))
	client := w.vm("client", "hv1", 1, "clients")
	server := w.vm("server", "hv2", 2, "servers")
	hits := func() uint64 {
		rules, err := w.API.RulesOf("servers").List(w.ctx)
		w.Must(err)
		return rules[0].Hits.Packets
	}
	require.Zero(t, hits())
	for range 5 {
		w.passes(client.Host, lab.TCP(server.Addr4(), portA))
	}
	w.Until("the rule has counted", func() bool { return hits() >= 5 })
	had := hits()
	w.group("servers", ingress(policy.TCP, int(portA)), ingress(policy.UDP))
	require.GreaterOrEqual(t, hits(), had)
}

// TestExplain asks why, with the policy that the switches enforce.
func TestExplain(t *testing.T) {
	w := newTown(t)
	w.group("clients", egress(policy.All))
	w.group("servers", ingress(policy.TCP, int(portA)))
	w.declare("client", "lan", 1, "clients")
	w.declare("server", "lan", 2, "servers")
	ask := func(port int) *api.Answer {
		a, err := w.API.Explain(w.ctx, &api.Question{From: api.QuestionEnd{PortID: "client"}, To: api.QuestionEnd{PortID: "server"}, Protocol: policy.TCP, Port: new(policy.PortNumber(port))})
		w.Must(err)
		return a
	}
	require.True(t, ask(int(portA)).Allowed)
	require.False(t, ask(int(portB)).Allowed)
	rules, err := w.API.EffectiveRules(w.ctx, "server")
	w.Must(err)
	require.NotEmpty(t, rules)
}

// TestRedis mirrors members to a real Redis, which may come and go without anybody on the way to the switch noticing.
func TestRedis(t *testing.T) {
	if err := lab.Usable(); err != nil {
		t.Skip(err)
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed; scripts/provision.sh installs it")
	}
	w := newTown(t, "--redis-url=redis://10.255.0.1:6379")
	start := func() *lab.Process {
		p, err := w.Ctl.Start(exec.Command("redis-server", "--bind", "10.255.0.1", "--port", "6379", "--protected-mode", "no", "--save", "", "--dir", t.TempDir()), t.TempDir()+"/redis.log")
		w.Must(err)
		return p
	}
	redis := start()
	in := func(group string) []string {
		ctx, cancel := context.WithTimeout(w.ctx, 5*time.Second)
		defer cancel()
		out, err := w.Ctl.Command(ctx, "redis-cli", "-h", "10.255.0.1", "SMEMBERS", memberKey(group)).Output()
		if err != nil {
			return nil
		}
		return strings.Fields(string(out))
	}
	w.group("g", egress(policy.All))
	w.declare("a", "lan", 1, "g")
	w.Until("the member is in Redis", func() bool { return fmt.Sprint(in("g")) == "[10.0.0.1]" })
	redis.Kill()
	w.declare("b", "lan", 2, "g")
	redis = start()
	w.Until("both members are in the Redis that came back", func() bool { return len(in("g")) == 2 })
	redis.Kill()
}

func memberKey(group string) string { return members.MemberKey(policy.GroupID(group), 4) }

// TestDryRun changes nothing, on the store and on the switch.
func TestDryRun(t *testing.T) {
	w := newTown(t)
	w.group("servers", ingress(policy.TCP, int(portA)))
	w.vm("server", "hv1", 2, "servers")
	before := w.Hypervisor("hv1").DumpFlows()
	_, err := w.API.RulesOf("servers").Create(w.ctx, &api.Rule{Rule: ingress(policy.TCP, int(portB))}, api.DryRun())
	w.Must(err)
	_, err = w.API.RulesOf("servers").Create(w.ctx, &api.Rule{Rule: ingress(policy.ICMP, int(portB))}, api.DryRun())
	require.ErrorContains(t, err, "port_min/port_max may only be set for tcp, udp or sctp", "A-030")
	rules, err := w.API.RulesOf("servers").List(w.ctx)
	w.Must(err)
	require.Len(t, rules, 1)
	require.Equal(t, before, w.Hypervisor("hv1").DumpFlows())
}

// TestDeletedPort gives an address away after the port that had it was deleted: what the old one was allowed, the next is not.
func TestDeletedPort(t *testing.T) {
	w := newTown(t)
	w.group("friends", egress(policy.All))
	w.group("strangers", egress(policy.All))
	w.group("servers", fromGroup(ingress(policy.TCP, int(portA)), "friends"))
	server := w.vm("server", "hv1", 1, "servers")
	old := w.vm("old", "hv2", 9, "friends")
	w.passes(old.Host, lab.TCP(server.Addr4(), portA))
	w.Must(w.API.Ports().Delete(w.ctx, "old", api.WaitApplied(cloud.Patience)))
	w.stops(old.Host, lab.TCP(server.Addr4(), portA))
	next := w.vm("next", "hv2", 9, "strangers")
	require.Equal(t, netip.MustParseAddr("10.0.0.9"), next.Addr4())
	w.stops(next.Host, lab.TCP(server.Addr4(), portA))
}
