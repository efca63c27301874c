package lab_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
)

// normal is the flow of a bridge that is a learning switch.
const normal = "priority=0,actions=NORMAL"

// Each kind of probe is open where everything passes, and times out where its packets alone
// are dropped.
func TestProbesSeeWhatFlowsDo(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	w.b.ListenTCP(80)
	w.b.ListenUDP(53)
	w.b.ListenSCTP(2905)
	w.b.ListenRaw(4, 47)
	v4, v6 := w.b.Addr4(), w.b.Addr6()
	second := netip.MustParseAddr("10.0.0.111")
	w.a.AddAddr(netip.PrefixFrom(second, 24))

	cases := []struct {
		name    string
		probe   lab.Probe
		drop    string
		control lab.Probe // goes on meanwhile
	}{
		{"tcp", lab.TCP(v4, 80), "tcp,tp_dst=80", lab.Ping(v6)},
		{"tcp6", lab.TCP(v6, 80), "tcp6,tp_dst=80", lab.Ping(v6)},
		{"udp", lab.UDP(v4, 53), "udp,tp_dst=53", lab.Ping(v6)},
		{"udp6", lab.UDP(v6, 53), "udp6,tp_dst=53", lab.Ping(v6)},
		{"reply of udp", lab.UDP(v4, 53), "udp,tp_src=53", lab.Ping(v6)},
		{"ping", lab.Ping(v4), "icmp,icmp_type=8", lab.Ping(v6)},
		{"ping6", lab.Ping(v6), "icmp6,icmp_type=128", lab.Ping(v4)},
		{"sctp", lab.SCTP(v4, 2905), "sctp,tp_dst=2905", lab.Ping(v6)},
		{"sctp6", lab.SCTP(v6, 2905), "sctp6,tp_dst=2905", lab.Ping(v6)},
		{"ipip", lab.IPIP(v4), "ip,nw_proto=4", lab.Ping(v6)},
		{"ip in ip6", lab.IPIP(v6), "ipv6,nw_proto=4", lab.Ping(v6)},
		{"gre", lab.Raw(v4, 47), "ip,nw_proto=47", lab.Ping(v6)},
		{"fragments", lab.UDP(v4, 53).OfSize(4000), "udp,nw_frag=later", lab.Ping(v6)},
		{"fragments6", lab.UDP(v6, 53).OfSize(4000), "ipv6,nw_frag=later", lab.Ping(v6)},
		{"fragments of ping", lab.Ping(v4).OfSize(4000), "icmp,nw_frag=later", lab.Ping(v6)},
		{"fragments of ping6", lab.Ping(v6).OfSize(4000), "ipv6,nw_frag=later", lab.Ping(v6)},
		{"second source address", lab.TCP(v4, 80).As(second), "tcp,nw_src=10.0.0.111", lab.TCP(v4, 80)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w.hv1.ReplaceFlows(normal)
			require.Equal(t, lab.Open, w.a.TryUntil(lab.Open, c.probe, 5*time.Second), "%s while all passes", c.probe)
			w.hv1.ReplaceFlows(normal, "priority=1,"+c.drop+",actions=drop")
			require.Equal(t, lab.Timeout, w.a.TryUntil(lab.Timeout, c.probe.Within(300*time.Millisecond), 5*time.Second), "%s while %s is dropped", c.probe, c.drop)
			require.Equal(t, lab.Open, w.a.Try(c.control), "%s while %s is dropped", c.control, c.drop)
		})
	}
}

// What nobody serves is refused, which is not silence.
func TestProbesOfWhatNobodyServes(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	for _, p := range []lab.Probe{
		lab.TCP(w.b.Addr4(), 80), lab.TCP(w.b.Addr6(), 80),
		lab.UDP(w.b.Addr4(), 53), lab.UDP(w.b.Addr6(), 53),
		lab.SCTP(w.b.Addr4(), 2905), lab.Raw(w.b.Addr4(), 47),
	} {
		require.Equal(t, lab.Refused, w.a.Try(p), p.String())
	}
}

// An address without a route, and one that no machine has.
func TestProbesOfNobody(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	require.Equal(t, lab.Unreachable, w.a.Try(lab.TCP(addrs("192.0.2.1/32")[0].Addr(), 80)))
	require.Equal(t, lab.Unreachable, w.a.Try(lab.TCP(addrs("10.0.0.77/32")[0].Addr(), 80).Within(10*time.Second)))
}

// A matrix of many probes gives each its own outcome.
func TestTryAll(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	w.a.ListenTCP(22)
	w.b.ListenTCP(22, 80)
	var attempts []lab.Attempt
	var want []lab.Outcome
	for range 20 {
		attempts = append(attempts,
			lab.Attempt{From: w.a.Host, Probe: lab.TCP(w.b.Addr4(), 80)},
			lab.Attempt{From: w.b.Host, Probe: lab.TCP(w.a.Addr4(), 80)},
			lab.Attempt{From: w.out, Probe: lab.TCP(w.a.Addr6(), 22)},
			lab.Attempt{From: w.out, Probe: lab.Ping(w.b.Addr6())},
			lab.Attempt{From: w.a.Host, Probe: lab.UDP(w.b.Addr4(), 53)})
		want = append(want, lab.Open, lab.Refused, lab.Open, lab.Open, lab.Refused)
	}
	require.Equal(t, want, lab.TryAll(attempts))
}
