package oftest_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	. "conjunct/openflow/ofeval"
	. "conjunct/openflow/oftest"
)

// prototype is the pipeline that was tried with real packets on a real switch: port 1 is 10.0.0.1 in group web, port 2 is
// 10.0.0.2 in group db. The head of the file says what it allows.
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

// A connection lives as long as its rule: it stops when the rule goes and goes on when the rule is back, in both
// directions, without a flush.
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

// Random packets of a few connections between the two ports, rules that go and come back among them, leave by the same
// ports as of a real switch.
func TestPrototype_Real(t *testing.T) {
	text, err := os.ReadFile("testdata/prototype.flows")
	require.NoError(t, err)
	p := newTap(t, string(text), 1, 2)
	rules := []string{
		"table=44,priority=100,conj_id=1001,ip", "table=44,priority=100,conj_id=1002,ip", "table=44,priority=100,conj_id=1003,ip",
		"table=24,priority=100,ip,reg3=2",
	}
	rounds, packets := 25, 40
	if testing.Short() {
		rounds = 4
	}
	passed := 0
	for round := range rounds {
		g := rand.New(rand.NewPCG(uint64(round), 4))
		s := prototype(t)
		p.o.ReplaceFlows(markFlow + string(text))
		for _, zone := range []string{"1", "2"} {
			p.o.Ofctl("ct-flush-zone", p.o.Target(), zone)
		}
		history := ""
		for i := range packets {
			if i%10 == 5 {
				rule := rules[g.IntN(len(rules))]
				if g.IntN(3) > 0 {
					remove(t, s, rule)
					p.o.Ofctl("--strict", "del-flows", p.o.Target(), rule)
					history += "without " + rule + "\n"
				} else {
					rule += " actions=load:1->NXM_NX_REG4[0]"
					require.NoError(t, s.Load(rule))
					p.o.Ofctl("add-flow", p.o.Target(), rule)
					history += "with " + rule + "\n"
				}
				_, err := p.o.Appctl("revalidator/purge") // a change is seen by the datapath's cache a moment later
				require.NoError(t, err)
			}
			in, w := prototypePacket(g)
			passed += len(p.compare(s, in, w, history))
			history += fmt.Sprintf("port %d: %v\n", in, w.packet)
		}
	}
	t.Logf("%d of %d packets passed", passed, rounds*packets)
	require.Greater(t, passed, rounds*packets/5)
	require.Less(t, passed, rounds*packets*4/5)
}

// prototypePacket is a packet of one of a few connections, and the port by which it comes in.
func prototypePacket(g *rand.Rand) (in int, w wirePacket) {
	ports := []uint16{80, 80, 80, 25, 8080, 9090}
	src, dst, in := webAt, dbAt(ports[g.IntN(len(ports))]), 1
	flags := []uint16{SYN, ACK, ACK | PSH}
	if g.IntN(3) == 0 {
		src, dst, in = dst, src, 2
		flags = []uint16{SYN | ACK, ACK, SYN}
	}
	switch g.IntN(8) {
	case 0, 1, 2:
		return in, tcpBytes(src, dst, flags[g.IntN(3)])
	case 3, 4:
		if in == 2 {
			return in, udpBytes(dbAt(5000), webAt)
		}
		return in, udpBytes(webAt, dbAt(5000))
	case 5:
		kind := uint8(8)
		if g.IntN(2) == 0 {
			kind = 0
		}
		return in, icmpBytes(src.Addr(), dst.Addr(), kind, 0, 7)
	case 6:
		return 2, errorBytes(db, 3, 3, udpBytes(webAt, dbAt(5000)))
	default:
		return 1, tcpBytes(netip.MustParseAddrPort("10.0.0.9:40000"), dbAt(80), SYN)
	}
}
