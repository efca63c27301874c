package integration

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// BenchmarkColdStart is a switch that comes back without flows: from its connection until it has confirmed the last of them. The
// host has 50 ports, each in 2 of 20 groups of 10 rules and 1,000 members elsewhere. Beside it is one `ovs-ofctl --bundle
// add-flows` of the same flows, as `conjunct flows` prints them, into an empty bridge of the same switch. The start is made of
// three parts: until the first flow-mod (greeting-ms), until the last (sending-ms), and until that is confirmed (settling-ms).
//
// It measures once, whatever b.N is: run it with -benchtime=1x.
func BenchmarkColdStart(b *testing.B) {
	y := newYard(b)
	ports := y.yardstick()
	y.connect(ports...)
	flows := y.installed()
	file := y.file(y.Conjunct("flows", "hv1"))
	var ours, tool, greeting, sending, settling []time.Duration
	for range 5 {
		before := y.tap.read()
		y.hv.KillVswitchd()
		y.hv.StartOVS()
		y.until("the switch has come back", func() bool { return y.tap.read().connections > before.connections })
		y.until("the switch has its flows", func() bool { return y.installed() == flows })
		y.synced()
		now := y.tap.read()
		ours = append(ours, now.confirmed.Sub(now.begun))
		greeting = append(greeting, now.first.Sub(now.begun))
		sending = append(sending, now.last.Sub(now.first))
		settling = append(settling, now.confirmed.Sub(now.last))
		b.ReportMetric(float64(now.mods-before.mods), "flow-mods")

		y.hv.Vsctl("--if-exists", "del-br", "tool", "--", "add-br", "tool", "--", "set", "Bridge", "tool", "datapath_type=netdev",
			"fail_mode=secure", "protocols=OpenFlow15")
		tool = append(tool, y.ofctl("--bundle", "add-flows", "tool", file))
		require.Equal(b, flows, y.installed())
		y.hv.Vsctl("del-br", "tool")
	}
	b.ReportMetric(float64(flows), "flows")
	report(b, median(ours), "start-ms")
	report(b, median(greeting), "greeting-ms")
	report(b, median(sending), "sending-ms")
	report(b, median(settling), "settling-ms")
	report(b, median(tool), "ovs-ofctl-ms")
	b.ReportMetric(ratio(median(ours), median(tool)), "ratio")
	reportLoad(b)
}

// yardstick declares the host's policy and returns its ports.
func (y *yard) yardstick() (ports []string) {
	const groups, members, local = 20, 1000, 50
	name := func(n int) string { return fmt.Sprintf("g%d", n%groups) }
	for g := range groups {
		rules := []policy.Rule{ingress(policy.TCP, 22), ingress(policy.TCP, 1000, 1999), ingress(policy.ICMP)}
		for i := range 3 {
			rules = append(rules, fromCIDR(ingress(policy.TCP, 3000+i), fmt.Sprintf("192.0.%d.0/24", 2+i)))
		}
		for i := range 4 {
			rules = append(rules, fromGroup(ingress(policy.TCP, 4000+i), name(g+i)))
		}
		y.groupOf(name(g), rules...)
	}
	for g := range groups {
		y.vm("far"+name(g), netip.AddrFrom4([4]byte{10, byte(64 + g), 0, 1}), members, name(g))
	}
	for n := range local {
		vm := fmt.Sprintf("vm%d", n)
		y.vm(vm, netip.AddrFrom4([4]byte{10, 1, 0, byte(n + 1)}), 1, name(n), name(n+1+n/groups))
		ports = append(ports, portOf(vm, 0))
	}
	return ports
}

func fromCIDR(r policy.Rule, cidr string) policy.Rule {
	r.Remote = policy.Remote{CIDRs: []policy.CIDR{policy.CIDR(netip.MustParsePrefix(cidr))}}
	return r
}
