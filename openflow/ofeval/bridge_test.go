package ofeval_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	. "conjunct/openflow/ofeval"
)

// judging has port 1 ask and port 2 answer: table 1 looks at the state in port 1's zone, and lets pass what rule 7 allows, a conjunction
// of the asker and TCP 80, whichever way the packet goes.
const judging = `
	table=0,in_port=1,ip actions=ct(table=1,zone=1)
	table=0,in_port=2,ip actions=ct(table=1,zone=1)
	cookie=0x7,table=1,priority=100,conj_id=7,ip actions=resubmit(,2)
	table=1,priority=100,ip,ct_nw_src=10.0.0.1,ct_state=+trk-inv actions=conjunction(7,1/2)
	table=1,priority=100,ip,ct_nw_src=10.0.0.0/24,ct_state=+trk-inv actions=conjunction(8,1/2)
	table=1,priority=100,ip,ct_nw_proto=6,ct_tp_dst=80,ct_state=+trk-inv actions=conjunction(7,2/2)
	table=2,in_port=1 actions=output:2
	table=2,in_port=2 actions=output:1`

func bridge(t testing.TB, text string) *Bridge {
	t.Helper()
	var flows []openflow.Flow
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			f, err := openflow.ParseFlow(line)
			require.NoError(t, err, line)
			flows = append(flows, f)
		}
	}
	return NewBridge(slices.Values(flows), 1, 2)
}

var (
	asker, answerer = netip.MustParseAddrPort("10.0.0.1:4000"), netip.MustParseAddrPort("10.0.0.2:80")
	opening         = TCP(asker, answerer, SYN)
	answer          = opening.Reply().With(openflow.Exact(openflow.TCPFlags, ACK))
)

func TestBridge_ComponentsAreThoseOfTheConjunctionThatMatched(t *testing.T) {
	j := bridge(t, judging).Inject(1, opening)
	require.True(t, j.Reached(2), j)
	at := slices.IndexFunc(j.Steps, func(s Step) bool { return s.Flow.Cookie == 7 })
	require.Positive(t, at, j)
	var components []string
	for _, c := range j.Steps[at].Components {
		components = append(components, c.Match.String())
	}
	require.ElementsMatch(t, []string{
		"ct_state=-inv+trk,ct_nw_src=10.0.0.1,ip", "ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=80,ip",
	}, components, "conjunction 8 is not complete")
	for _, s := range j.Steps[:at] {
		require.Empty(t, s.Components)
	}
	require.Empty(t, bridge(t, judging).Inject(1, TCP(asker, netip.AddrPortFrom(answerer.Addr(), 81), SYN)).Outputs)
}

func TestBridge_EstablishedConnectionsAreKnownWithTheirTuple(t *testing.T) {
	require.Empty(t, bridge(t, judging).Inject(2, answer).Outputs, "of nothing that was opened")
	for _, p := range []struct {
		name    string
		packet  Packet
		in, out openflow.Port
	}{
		{"a later packet", opening.With(openflow.Exact(openflow.TCPFlags, ACK)), 1, 2},
		{"the reply", answer, 2, 1},
		{"an error about it", Unreachable(answerer.Addr(), opening), 2, 1},
	} {
		b := bridge(t, judging)
		b.Establish(1, opening)
		j := b.Inject(p.in, p.packet)
		require.True(t, j.Reached(p.out), "%s: %s", p.name, j)
	}
	b := bridge(t, judging)
	b.Establish(9, opening)
	require.Empty(t, b.Inject(2, answer).Outputs, "another zone's")
	for _, p := range []Packet{UDP(asker, answerer), SCTP(asker, answerer), Echo(asker.Addr(), answerer.Addr(), 3), Proto(asker.Addr(), answerer.Addr(), 47)} {
		b := bridge(t, "table=0,ip actions=ct(table=1)\ntable=1,ct_state=+est+rpl+trk,ip actions=output:1")
		b.Establish(0, p)
		require.True(t, b.Inject(2, p.Reply()).Reached(1), p)
	}
}

func TestBridge_ShowsPortsOfFragmentsAsConfigured(t *testing.T) {
	b := bridge(t, "table=0,udp,tp_dst=80 actions=output:2\ntable=0,priority=1 actions=drop")
	first := UDP(asker, answerer).Fragments(1, 2)[0]
	require.True(t, b.Inject(1, first).Reached(2))
	b.Frags = openflow.FragNormal
	require.Empty(t, b.Inject(1, first).Outputs)
	b.Frags = openflow.FragDrop
	require.False(t, b.Inject(1, first).Steps[0].Hit)
}
