package openflow_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	. "conjunct/openflow"
)

// A line of dump-flows has the counts; add-flow reads the same line without them.
func TestParseFlowStats(t *testing.T) {
	const line = "cookie=0xc0de000000000001, duration=12.345s, table=44, n_packets=7, n_bytes=1024, idle_age=3, " +
		"priority=100,conj_id=1001,ip actions=set_field:0x1/0x1->reg4"
	f, err := ParseFlowStats(line)
	require.NoError(t, err)
	want := Flow{
		Table: 44, Priority: 100, Cookie: 0xc0de000000000001,
		Match:   NewMatch(ip4, Exact(ConjID, 1001)),
		Actions: []Action{SetMasked(Reg4, 1, 1)},
	}
	require.Equal(t, FlowStats{Flow: want, Duration: 12345 * time.Millisecond, IdleAge: 3 * time.Second, Packets: 7, Bytes: 1024}, f)
	require.Equal(t, line, f.String())
	g, err := ParseFlow(line)
	require.NoError(t, err)
	require.Equal(t, want, g)
}

func TestFlowStatsDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", time.Second: "1s", 1500 * time.Millisecond: "1.5s", 2*time.Second + 7: "2.000000007s"} {
		f := FlowStats{Duration: d}
		require.Contains(t, f.String(), "duration="+want+", ")
	}
}

func TestFlowKey(t *testing.T) {
	f := Flow{Table: 1, Priority: 2, Match: NewMatch(ip4), Cookie: 3}
	g := Flow{Table: 1, Priority: 2, Match: NewMatch(ip4), Cookie: 4, Goto: 9}
	require.Equal(t, f.Key(), g.Key())
	require.True(t, map[FlowKey]bool{f.Key(): true}[g.Key()])
	for _, h := range []Flow{{Table: 2, Priority: 2, Match: f.Match}, {Table: 1, Priority: 3, Match: f.Match}, {Table: 1, Priority: 2}} {
		require.NotEqual(t, f.Key(), h.Key())
	}
}

// Equal is about all, SameEffect about what happens to packets.
func TestFlowEqual(t *testing.T) {
	parse := func(s string) *Flow {
		f, err := ParseFlow(s)
		require.NoError(t, err)
		return &f
	}
	base := "table=1,priority=5,cookie=1,ip actions=load:1->NXM_NX_REG0[],resubmit(,5),goto_table:2"
	for _, c := range []struct {
		text          string
		equal, effect bool
	}{
		{base, true, true},
		{"table=1,priority=5,cookie=1,ip actions=set_field:1->reg0,resubmit(in_port,5),goto_table:2", true, true},
		{"table=1,priority=5,cookie=2,ip actions=set_field:1->reg0,resubmit(,5),goto_table:2", false, true},
		{"table=1,priority=5,cookie=1,idle_timeout=9,ip actions=set_field:1->reg0,resubmit(,5),goto_table:2", false, true},
		{"table=1,priority=5,cookie=1,ip actions=set_field:2->reg0,resubmit(,5),goto_table:2", false, false},
		{"table=1,priority=5,cookie=1,ip actions=resubmit(,5),set_field:1->reg0,goto_table:2", false, false},
		{"table=1,priority=5,cookie=1,ip actions=set_field:1->reg0,resubmit(,5),goto_table:3", false, false},
		{"table=1,priority=5,cookie=1,ip actions=set_field:1->reg0,resubmit(,5)", false, false},
	} {
		f, g := parse(base), parse(c.text)
		require.Equal(t, c.equal, f.Equal(g), c.text)
		require.Equal(t, c.effect, f.SameEffect(g), c.text)
	}
}

// The vectors would be worth little if a field or a kind of action were in none of them.
func TestVectorsCoverEveryKind(t *testing.T) {
	fields, kinds := map[Field]bool{}, map[string]bool{}
	var see func(actions []Action)
	see = func(actions []Action) {
		for _, a := range actions {
			kinds[fmt.Sprintf("%T", a)] = true
			switch a := a.(type) {
			case SetField:
				fields[a.Field] = true
			case Move:
				fields[a.Src.Field], fields[a.Dst.Field] = true, true
			case CT:
				see(a.Exec)
			}
		}
	}
	for _, v := range readVectors(t, "flows.txt") {
		f, err := ParseFlow(v["in"])
		require.NoError(t, err)
		for m := range f.Match.Fields() {
			fields[m.Field] = true
		}
		see(f.Actions)
	}
	for f := Field(1); f.Info() != nil; f++ {
		i := f.Info()
		if i.MatchName == "" && f != VLANVID && f != VLANPCP && !fields[f] {
			f0, _ := ParseFlow("actions=set_field:1->" + i.Name) // another view of the registers
			require.Len(t, f0.Actions, 1, i.Name)
			continue
		}
		require.True(t, fields[f], "no vector has %s", i.Name)
	}
	for _, a := range []Action{Output{}, SetField{}, Move{}, Resubmit{}, CT{}, CTClear{}, Conjunction{}, PushVLAN{}, PopVLAN{}, Group{}, DecTTL{}, Exit{}, Note{}} {
		kind := fmt.Sprintf("%T", a)
		require.True(t, kinds[kind] || kind == "openflow.Group", "no vector has %s", kind) // a switch refuses groups that it has not
	}
}

func TestFieldTableIsConsistent(t *testing.T) {
	type number struct {
		class  uint16
		number uint8
	}
	seen := map[number]string{}
	for f := Field(1); f.Info() != nil; f++ {
		i := f.Info()
		require.NotEmpty(t, i.Name)
		require.NotEmpty(t, i.NXMName)
		require.LessOrEqual(t, i.Bits, i.Bytes*8, i.Name)
		require.Positive(t, i.Bits, i.Name)
		n := number{i.Class, i.Number}
		require.Empty(t, seen[n], "%s has the number of another field", i.Name)
		seen[n] = i.Name
	}
	require.Len(t, seen, int(InPortNXM))
}

func TestFlowCheck(t *testing.T) {
	for _, c := range []struct {
		flow Flow
		want ErrorCode
	}{
		{Flow{Match: NewMatch(Exact(TCPDst, 80))}, ErrBadPrereq},
		{Flow{Match: NewMatch(ip4, Exact(IPProto, ProtoUDP), Exact(TCPDst, 80))}, ErrBadPrereq},
		{Flow{Match: NewMatch(ip4, Addr(CTNwSrc, host))}, ErrBadPrereq},
		{Flow{Match: NewMatch(Exact(VLANPCP, 1))}, ErrBadPrereq},
		{Flow{Match: NewMatch(ip4, Masked(CTState, CTTracked, CTTracked|CTInvalid), Exact(CTTpDst, 80))}, ErrBadPrereq},
		{Flow{Match: NewMatch(ip4, Masked(CTState, CTTracked, CTTracked|CTInvalid), Exact(CTNwProto, 6), Exact(CTTpDst, 80))}, 0},
		{Flow{Match: NewMatch(Exact(InPort, 0xff00))}, ErrBadValue},
		{Flow{Match: NewMatch(ip4, Exact(IPProto, ProtoTCP), Exact(TCPDst, 80), Exact(IPFrag, FragAny|FragLater))}, ErrBadPrereq},
		{Flow{Table: 7, Goto: 7}, ErrBadInstructionTable},
		{Flow{Actions: []Action{Output{Port: PortAny}}}, ErrBadOutPort},
		{Flow{Actions: []Action{Set(IPv4Src, 1)}}, ErrMatchInconsistent},
		{Flow{Actions: []Action{Set(VLANVID, 0x1001)}}, ErrMatchInconsistent},
		{Flow{Match: NewMatch(Exact(VLANVID, 0x1001)), Actions: []Action{Set(VLANVID, 0x1002), PopVLAN{}}}, 0},
		{Flow{Match: NewMatch(Exact(VLANVID, 0x1001)), Actions: []Action{Set(VLANVID, 2)}}, ErrBadSetArgument},
		{Flow{Actions: []Action{Set(VLANPCP, 1)}}, ErrMatchInconsistent},
		{Flow{Actions: []Action{PushVLAN{0x8100}, Set(VLANPCP, 1)}}, 0},
		{Flow{Actions: []Action{PushVLAN{0x8100}, PopVLAN{}, Set(VLANPCP, 1)}}, ErrMatchInconsistent},
		{Flow{Actions: []Action{PopVLAN{}}}, ErrMatchInconsistent},
		{Flow{Actions: []Action{PushVLAN{0x8100}, PushVLAN{0x88a8}, PushVLAN{0x8100}}}, ErrBadActionTag},
		{Flow{Actions: []Action{PushVLAN{0x800}}}, ErrBadActionArg},
		{Flow{Actions: []Action{Set(CTState, 1)}}, ErrBadSetArgument},
		{Flow{Actions: []Action{Move{Whole(Reg0), Low(Reg1, 16)}}}, ErrBadActionArg},
		{Flow{Match: NewMatch(ip4), Actions: []Action{CT{Force: true, Table: NoTable}}}, ErrBadActionArg},
		{Flow{Match: NewMatch(ip4), Actions: []Action{CT{ZoneSrc: Whole(Reg1), Table: NoTable}}}, ErrBadActionArg},
		{Flow{Match: NewMatch(ip4), Actions: []Action{CT{Commit: true, ZoneSrc: Low(Reg1, 16), Table: NoTable}}}, 0},
		{Flow{Actions: []Action{CT{Table: NoTable}}}, ErrMatchInconsistent},
		{Flow{Actions: []Action{Conjunction{ID: 1, N: 1}}}, ErrBadConjunction},
		{Flow{Actions: []Action{Conjunction{ID: 1, N: 2, Clause: 2}}}, ErrBadConjunction},
		{Flow{Actions: []Action{Conjunction{ID: 1, N: 2}, Output{Port: 1}}}, ErrBadConjunction},
		{Flow{Actions: []Action{Conjunction{ID: 1, N: 2}}, Goto: 5}, ErrBadConjunction},
		{Flow{Actions: []Action{Conjunction{ID: 1, N: 2}, Conjunction{ID: 2, N: 3, Clause: 2}, Note{}}}, 0},
	} {
		err := c.flow.Check()
		if c.want == 0 {
			require.NoError(t, err, c.flow.String())
		} else {
			require.ErrorIs(t, err, c.want, c.flow.String())
		}
	}
}
