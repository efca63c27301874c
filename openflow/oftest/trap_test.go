package oftest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	. "conjunct/openflow/ofeval"
	. "conjunct/openflow/oftest"
	"conjunct/openflow/oftest/real"
)

// A trap is a flow table that does not do what one would think. Each flow has a cookie; hits are the flows that the packets
// hit in table 0.
type trap struct {
	name    string
	flows   string
	packet  string // in the syntax of ovs-ofctl, without in_port
	hit     uint64 // cookie of the flow; 0 for a miss
	because string
}

// traps are the experiments E1 to E13 on lookups, each of which was made on a real switch.
var traps = []trap{
	{"E1 two clauses on one flow", `
		cookie=1,priority=10,ip actions=conjunction(1,1/2),conjunction(1,2/2)
		cookie=2,priority=10,conj_id=1,ip actions=output:1
		cookie=9,priority=0 actions=drop`,
		"tcp,nw_src=10.0.0.1,tp_dst=80", 9, "one flow is one soft match, and an id needs as many as it has clauses"},
	{"E1b two of three clauses on one flow", `
		cookie=1,priority=10,ip actions=conjunction(1,1/3),conjunction(1,2/3)
		cookie=2,priority=10,tcp,tp_dst=80 actions=conjunction(1,3/3)
		cookie=3,priority=10,conj_id=1,ip actions=output:1
		cookie=9,priority=0 actions=drop`,
		"tcp,nw_src=10.0.0.1,tp_dst=80", 9, "two soft matches are not three"},
	{"a conjunction", `
		cookie=1,priority=10,ip,nw_src=10.0.0.1 actions=conjunction(1,1/2)
		cookie=2,priority=10,tcp,tp_dst=80 actions=conjunction(1,2/2)
		cookie=3,priority=10,conj_id=1,ip actions=output:1
		cookie=9,priority=0 actions=drop`,
		"tcp,nw_src=10.0.0.1,tp_dst=80", 3, "both clauses are there"},
	{"a conjunction, one clause missing", `
		cookie=1,priority=10,ip,nw_src=10.0.0.1 actions=conjunction(1,1/2)
		cookie=2,priority=10,tcp,tp_dst=80 actions=conjunction(1,2/2)
		cookie=3,priority=10,conj_id=1,ip actions=output:1
		cookie=9,priority=0 actions=drop`,
		"tcp,nw_src=10.0.0.1,tp_dst=81", 9, "one of two clauses is nothing"},
	{"E2 conj_id flow missing, table-miss flow there", `
		cookie=1,priority=20,ip,nw_src=10.0.0.1 actions=conjunction(1,1/2)
		cookie=2,priority=20,tcp,tp_dst=80 actions=conjunction(1,2/2)
		cookie=3,priority=10,ip,nw_dst=10.0.0.2 actions=conjunction(2,1/2)
		cookie=4,priority=10,ip,nw_ttl=64 actions=conjunction(2,2/2)
		cookie=5,priority=10,conj_id=2,ip actions=output:1
		cookie=9,priority=0 actions=drop`,
		"tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tp_dst=80", 9, "the second search finds the table-miss flow, and that ends the lookup"},
	{"E2b conj_id flow missing, no table-miss flow", `
		cookie=1,priority=20,ip,nw_src=10.0.0.1 actions=conjunction(1,1/2)
		cookie=2,priority=20,tcp,tp_dst=80 actions=conjunction(1,2/2)
		cookie=3,priority=10,ip,nw_dst=10.0.0.2 actions=conjunction(2,1/2)
		cookie=4,priority=10,ip,nw_ttl=64 actions=conjunction(2,2/2)
		cookie=5,priority=10,conj_id=2,ip actions=output:1`,
		"tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tp_dst=80", 5,
		"the second search finds nothing, so the next lower priority is tried"},
	{"E3 two complete ids, first inserted first", `
		cookie=1,priority=10,ip,nw_src=10.0.0.1 actions=conjunction(1,1/2)
		cookie=2,priority=10,tcp,tp_dst=80 actions=conjunction(1,2/2)
		cookie=3,priority=10,ip,nw_dst=10.0.0.2 actions=conjunction(2,1/2)
		cookie=4,priority=10,ip,nw_ttl=64 actions=conjunction(2,2/2)
		cookie=5,priority=10,conj_id=1,ip actions=output:1
		cookie=6,priority=10,conj_id=2,ip actions=output:2`,
		"tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tp_dst=80", 5, "the order of insertion decides"},
	{"E4 two complete ids, second inserted first", `
		cookie=3,priority=10,ip,nw_dst=10.0.0.2 actions=conjunction(2,1/2)
		cookie=4,priority=10,ip,nw_ttl=64 actions=conjunction(2,2/2)
		cookie=1,priority=10,ip,nw_src=10.0.0.1 actions=conjunction(1,1/2)
		cookie=2,priority=10,tcp,tp_dst=80 actions=conjunction(1,2/2)
		cookie=5,priority=10,conj_id=1,ip actions=output:1
		cookie=6,priority=10,conj_id=2,ip actions=output:2`,
		"tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tp_dst=80", 6, "the order of insertion decides"},
	{"E5 plain flow of equal priority", `
		cookie=1,priority=10,ip,nw_src=10.0.0.1 actions=conjunction(1,1/2)
		cookie=2,priority=10,tcp,tp_dst=80 actions=conjunction(1,2/2)
		cookie=3,priority=10,conj_id=1,ip actions=output:1
		cookie=4,priority=10,ip,nw_dst=10.0.0.2 actions=drop`,
		"tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80", 4, "a hard match wins over soft ones of its priority"},
	{"E6 the same match, written as host and as prefix", `
		cookie=1,priority=10,ip,nw_src=10.0.0.1 actions=conjunction(1,1/2)
		cookie=2,priority=10,ip,nw_src=10.0.0.1/32 actions=conjunction(2,1/2)
		cookie=3,priority=10,tcp,tp_dst=80 actions=conjunction(1,2/2),conjunction(2,2/2)
		cookie=5,priority=10,conj_id=1,ip actions=output:1
		cookie=6,priority=10,conj_id=2,ip actions=output:2`,
		"tcp,nw_src=10.0.0.1,tp_dst=80", 6, "the second replaces the first"},
	{"E7 two dimensions that are anything", `
		cookie=1,priority=10,ip,nw_src=0.0.0.0/0 actions=conjunction(1,1/2)
		cookie=2,priority=10,ip,nw_dst=0.0.0.0/0 actions=conjunction(1,2/2)
		cookie=3,priority=10,conj_id=1,ip actions=output:1
		cookie=9,priority=0 actions=drop`,
		"tcp,nw_src=10.0.0.1,tp_dst=80", 9, "both are the match ip, so one replaces the other"},
	{"E8 extra match on a conj_id flow", `
		cookie=1,priority=10,ip,nw_src=10.0.0.1 actions=conjunction(1,1/2),conjunction(2,1/2)
		cookie=2,priority=10,tcp,tp_dst=80 actions=conjunction(1,2/2),conjunction(2,2/2)
		cookie=3,priority=10,conj_id=1,ip,nw_dst=10.9.9.9 actions=output:1
		cookie=4,priority=10,conj_id=2,ip actions=output:2`,
		"tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80", 0, "the other ids of the same flow are not looked at"},
	{"E10 conj_id flow below a plain flow", `
		cookie=1,priority=20,ip,nw_src=10.0.0.1 actions=conjunction(1,1/2)
		cookie=2,priority=20,tcp,tp_dst=80 actions=conjunction(1,2/2)
		cookie=3,priority=10,conj_id=1,ip actions=output:1
		cookie=4,priority=15,ip,nw_dst=10.0.0.2 actions=drop`,
		"tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80", 4, "the second search is an ordinary one"},
	{"E11 clauses at two priorities", `
		cookie=1,priority=20,ip,nw_src=10.0.0.1 actions=conjunction(1,1/2)
		cookie=2,priority=10,tcp,tp_dst=80 actions=conjunction(1,2/2)
		cookie=3,priority=20,conj_id=1,ip actions=output:1
		cookie=4,priority=10,conj_id=1,ip actions=output:1`,
		"tcp,nw_src=10.0.0.1,tp_dst=80", 0, "only soft matches of one priority are taken together"},
	{"E13 a later fragment has no port", `
		cookie=1,priority=10,tcp,tp_dst=80 actions=output:1
		cookie=9,priority=0 actions=drop`,
		"tcp,nw_frag=later,nw_src=10.0.0.1", 9, ""},
	{"E13 the first fragment has none either, as long as fragments are treated as usual", `
		cookie=1,priority=10,tcp,tp_dst=80 actions=output:1
		cookie=9,priority=0 actions=drop`,
		"tcp,nw_frag=first,nw_src=10.0.0.1,tp_dst=80", 9, "OFPC_FRAG_NORMAL"},
	{"a hard match behind a soft one of the same match", `
		cookie=1,priority=20,tcp,tp_dst=80 actions=conjunction(1,1/2)
		cookie=2,priority=10,tcp,tp_dst=80 actions=output:1
		cookie=3,priority=20,conj_id=1,ip actions=output:2`,
		"tcp,nw_src=10.0.0.1,tp_dst=80", 2, "falling back finds the rule of lower priority with the identical match"},
}

func (c trap) fields(t *testing.T) Packet {
	t.Helper()
	p, err := ParsePacket("in_port=1," + c.packet)
	require.NoError(t, err)
	return p
}

func TestTraps(t *testing.T) {
	for _, c := range traps {
		t.Run(c.name, func(t *testing.T) {
			s := NewSwitch(Config{})
			require.NoError(t, s.Load(c.flows))
			f, ok := s.Lookup(0, c.fields(t))
			require.Equal(t, c.hit != 0, ok, c.because)
			require.Equal(t, c.hit, f.Cookie, c.because)
		})
	}
}

// The same tables and packets on a real switch, each on one of its own: a switch takes flows out of its classifier some time after
// it has deleted them, and until then their subtables keep the order that they were made in.
func TestTraps_Real(t *testing.T) {
	for _, c := range traps {
		t.Run(c.name, func(t *testing.T) {
			o := real.Start(t)
			o.AddPorts(1, 2)
			o.ReplaceFlows(c.flows)
			steps := realTrace(t, o, "in_port=1,"+c.packet)
			require.Len(t, steps, 1, c.because)
			require.Equal(t, c.hit, steps[0].cookie, c.because)
		})
	}
}

// E12, and what else changes a flow in place: counts stay.
func TestCounters(t *testing.T) {
	s := NewSwitch(Config{})
	s.AddPorts(1, 2)
	flow := "cookie=1,priority=10,ip actions=output:2"
	require.NoError(t, s.Load(flow))
	count := func() uint64 { return s.Flows()[0].Packets }
	p := UDP(webAt, dbAt(53))
	s.Inject(1, p)
	require.EqualValues(t, 1, count())
	require.NoError(t, s.Load("cookie=2,priority=10,ip actions=drop"))
	require.EqualValues(t, 1, count(), "an ADD of the same flow")
	f, err := openflow.ParseFlow("cookie=77,priority=10,ip actions=output:2")
	require.NoError(t, err)
	require.NoError(t, s.Apply(openflow.FlowMod{Command: openflow.FlowModifyStrict, Flow: f, CookieMask: 0}))
	require.EqualValues(t, 1, count(), "a strict MODIFY")
	require.EqualValues(t, 2, s.Flows()[0].Cookie, "which does not change the cookie")
	require.Len(t, must(t, s.Inject(1, p)).Outputs, 1)
	require.EqualValues(t, 2, count())
	f.Flags = openflow.FlowResetCounts
	require.NoError(t, s.Apply(openflow.FlowMod{Command: openflow.FlowAdd, Flow: f}))
	require.Zero(t, count(), "reset_counts")
}

// E12: component flows stay at 0, the conj_id flow counts.
func TestCounters_Conjunction(t *testing.T) {
	s := NewSwitch(Config{})
	s.AddPorts(1, 2)
	require.NoError(t, s.Load(traps[2].flows))
	s.Inject(2, traps[2].fields(t))
	counts := map[uint64]uint64{}
	for _, f := range s.Flows() {
		counts[f.Cookie] = f.Packets
	}
	require.Equal(t, map[uint64]uint64{1: 0, 2: 0, 3: 1, 9: 0}, counts)
}

// E9, E16: a flow may have as many conjunctions as fit a message, and a lookup works with such lists.
func TestLongLists(t *testing.T) {
	const ids = 4000
	var a, b strings.Builder
	for id := 1; id <= ids; id++ {
		fmt.Fprintf(&a, ",conjunction(%d,1/2)", id)
		fmt.Fprintf(&b, ",conjunction(%d,2/2)", id)
	}
	s := NewSwitch(Config{})
	require.NoError(t, s.Load(fmt.Sprintf("cookie=1,priority=10,ip,nw_src=10.0.0.1 actions=%s\ncookie=2,priority=10,tcp,tp_dst=80 actions=%s\n"+
		"cookie=3,priority=10,conj_id=4000,ip actions=output:1\ncookie=4,priority=10,conj_id=1,ip actions=output:2", a.String()[1:], b.String()[1:])))
	p, err := ParsePacket("tcp,nw_src=10.0.0.1,tp_dst=80")
	require.NoError(t, err)
	f, ok := s.Lookup(0, p)
	require.True(t, ok)
	require.EqualValues(t, 4, f.Cookie, "the first id that is complete")
	for id := ids + 1; id <= 4100; id++ {
		fmt.Fprintf(&a, ",conjunction(%d,1/2)", id)
	}
	require.ErrorIs(t, s.Load("priority=10,ip,nw_src=10.0.0.1 actions="+a.String()[1:]), openflow.ErrBadLen)
}
