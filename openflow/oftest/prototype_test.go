package oftest_test

import (
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	. "conjunct/openflow/oftest"
)

// prototype is the pipeline that was tried with real packets on a real switch: port 1 is 10.0.0.1 in group web, port 2 is 10.0.0.2 in group db. The
// head of the file says what it allows.
func prototype(t testing.TB) *Switch {
	t.Helper()
	text, err := os.ReadFile("testdata/prototype.flows")
	require.NoError(t, err)
	s := NewSwitch(Config{})
	s.AddPorts(1, 2)
	require.NoError(t, s.Load(string(text)))
	return s
}

var (
	web    = netip.MustParseAddr("10.0.0.1")
	db     = netip.MustParseAddr("10.0.0.2")
	webAt  = netip.AddrPortFrom(web, 40000)
	dbAt   = func(port uint16) netip.AddrPort { return netip.AddrPortFrom(db, port) }
	tcpTo  = func(port uint16, flags uint16) Packet { return TCP(webAt, dbAt(port), flags) }
	flags  = func(f uint16) openflow.MatchField { return openflow.Exact(openflow.TCPFlags, uint64(f)) }
	toDB   = openflow.Port(2)
	toWeb  = openflow.Port(1)
	remove = func(t *testing.T, s *Switch, flow string) {
		t.Helper()
		f, err := openflow.ParseFlow(flow + " actions=drop")
		require.NoError(t, err)
		require.NoError(t, s.Apply(openflow.FlowMod{Command: openflow.FlowDeleteStrict, Flow: f}))
	}
)

func TestPrototype_FirstPackets(t *testing.T) {
	for _, c := range []struct {
		name   string
		in     openflow.Port
		p      Packet
		passes bool
	}{
		{"web to db tcp 80, by the conjunction", 1, tcpTo(80, SYN), true},
		{"web to db tcp 81, no rule", 1, tcpTo(81, SYN), false},
		{"web to db ping", 1, Echo(web, db, 1), true},
		{"web to db udp 5000", 1, UDP(webAt, dbAt(5000)), true},
		{"web to db udp 5001, no rule", 1, UDP(webAt, dbAt(5001)), false},
		{"web to db tcp 8080, dropped by the ordered group", 1, tcpTo(8080, SYN), false},
		{"web to db tcp 9090, allowed by the ordered group", 1, tcpTo(9090, SYN), true},
		{"web to db tcp 25, refused on the way out", 1, tcpTo(25, SYN), false},
		{"spoofed source", 1, TCP(netip.MustParseAddrPort("10.0.0.9:40000"), dbAt(80), SYN), false},
		{"db to web, no ingress rule", 2, TCP(dbAt(40000), netip.AddrPortFrom(web, 80), SYN), false},
		{"unknown port", 3, tcpTo(80, SYN), false},
		{"gre, no rule", 1, Proto(web, db, 47), false},
		{"a stray syn+ack", 1, tcpTo(80, SYN|ACK), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := prototype(t).Inject(c.in, c.p)
			require.Empty(t, j.Problem, j)
			require.Equal(t, c.passes, len(j.Outputs) == 1, j)
		})
	}
}

// A connection lives as long as its rule: it stops when the rule goes and goes on when the rule is back, in both directions, without a flush.
func TestPrototype_Revocation(t *testing.T) {
	s := prototype(t)
	syn := tcpTo(80, SYN)
	require.True(t, must(t, s.Inject(1, syn)).Reached(toDB))
	reply := syn.Reply().With(flags(SYN | ACK))
	require.True(t, must(t, s.Inject(2, reply)).Reached(toWeb))
	data, answer := tcpTo(80, ACK|PSH), syn.Reply().With(flags(ACK|PSH))
	for _, p := range []struct {
		in openflow.Port
		p  Packet
	}{{1, tcpTo(80, ACK)}, {1, data}, {2, answer}} {
		require.Len(t, must(t, s.Inject(p.in, p.p)).Outputs, 1)
	}
	rule := "table=44,priority=100,conj_id=1001,ip"
	remove(t, s, rule)
	require.Empty(t, must(t, s.Inject(1, data)).Outputs)
	require.Empty(t, must(t, s.Inject(2, answer)).Outputs)
	require.NoError(t, s.Load(rule+" actions=load:1->NXM_NX_REG4[0]"))
	require.Len(t, must(t, s.Inject(1, data)).Outputs, 1)
	require.Len(t, must(t, s.Inject(2, answer)).Outputs, 1)
}

// A server that streams to a silent client is cut, too.
func TestPrototype_OneWayStream(t *testing.T) {
	s := prototype(t)
	ask := UDP(webAt, dbAt(5000))
	require.Len(t, must(t, s.Inject(1, ask)).Outputs, 1)
	for range 3 {
		require.Len(t, must(t, s.Inject(2, ask.Reply())).Outputs, 1)
	}
	rule := "table=44,priority=100,conj_id=1003,ip"
	remove(t, s, rule)
	require.Empty(t, must(t, s.Inject(2, ask.Reply())).Outputs)
	require.NoError(t, s.Load(rule+" actions=load:1->NXM_NX_REG4[0]"))
	require.Len(t, must(t, s.Inject(2, ask.Reply())).Outputs, 1)
}

// An ICMP error goes where the connection it speaks of may go, and nowhere else.
func TestPrototype_ICMPErrors(t *testing.T) {
	s := prototype(t)
	ask := UDP(webAt, dbAt(5000))
	require.Len(t, must(t, s.Inject(1, ask)).Outputs, 1)
	require.Len(t, must(t, s.Inject(2, Unreachable(db, ask))).Outputs, 1)
	unknown := UDP(webAt, dbAt(5001))
	require.Empty(t, must(t, s.Inject(2, Unreachable(db, unknown))).Outputs)
	remove(t, s, "table=44,priority=100,conj_id=1003,ip")
	require.Empty(t, must(t, s.Inject(2, Unreachable(db, ask))).Outputs)
}

func TestPrototype_ARPFloods(t *testing.T) {
	s := prototype(t)
	j := must(t, s.Inject(1, ARP(1, [6]byte{2, 0, 0, 0, 0, 1}, web, db)))
	require.Equal(t, []openflow.Port{2}, j.Ports(), j)
	require.Empty(t, must(t, s.Inject(1, ARP(1, [6]byte{2, 0, 0, 0, 0, 1}, db, web))).Outputs)
}

// The conj_id flow of a rule counts the packets that the rule allows.
func TestPrototype_Counters(t *testing.T) {
	s := prototype(t)
	for range 3 {
		s.Inject(1, tcpTo(80, SYN))
	}
	counts := map[string]uint64{}
	for _, f := range s.Flows() {
		counts[f.Flow.String()] = f.Packets
	}
	require.EqualValues(t, 3, counts["table=44, priority=100,conj_id=1001,ip actions=set_field:0x1/0x1->reg4"], counts)
	component := "table=44, priority=100,ip,reg8=0x1 actions=conjunction(1001,2/3),conjunction(1002,2/3),conjunction(1003,2/3)"
	require.Contains(t, counts, component)
	require.Zero(t, counts[component])
}

func must(t *testing.T, j Journey) *Journey {
	t.Helper()
	require.Empty(t, j.Problem, j)
	return &j
}
