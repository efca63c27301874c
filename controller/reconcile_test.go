package controller

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/openflow"
)

func flowsOf(t *testing.T, lines ...string) (out []openflow.Flow) {
	t.Helper()
	for _, line := range lines {
		f, err := openflow.ParseFlow(line)
		require.NoError(t, err, line)
		out = append(out, f)
	}
	return out
}

func holding(list []openflow.Flow) installed {
	out := make(installed)
	for i := range list {
		out[list[i].Key()] = &list[i]
	}
	return out
}

// The flows of the tests below: what is wanted, and what a bridge has.
const (
	wantedA  = "cookie=0xc004000000000001, table=24, priority=100,conj_id=1 actions=set_field:0x1/0x1->reg4"
	wantedB  = "cookie=0xc002000000000005, priority=100,in_port=1 actions=goto_table:10"
	otherB   = "cookie=0xc002000000000006, priority=100,in_port=1 actions=goto_table:10"
	stale    = "cookie=0xc004000000000009, table=24, priority=100,conj_id=9 actions=set_field:0x1/0x1->reg4"
	foreign  = "cookie=0x5, table=24, priority=7 actions=drop"
	sameElse = "cookie=0xc004000000000001, table=24, priority=100,conj_id=1 idle_timeout=5, actions=set_field:0x1/0x1->reg4"
)

func TestCompare(t *testing.T) {
	want := flowsOf(t, wantedA, wantedB)
	for name, row := range map[string]struct {
		have []string
		is   comparison
	}{
		"nothing there": {nil, comparison{wanted: 2, missing: flowsOf(t, wantedB, wantedA)}},
		"all as it is":  {[]string{wantedA, wantedB}, comparison{wanted: 2}},
		"other cookie":  {[]string{wantedA, otherB}, comparison{wanted: 2, changed: flowsOf(t, wantedB)}},
		"stale, foreign": {[]string{wantedA, wantedB, stale, foreign},
			comparison{wanted: 2, stale: flowsOf(t, stale), foreign: flowsOf(t, foreign)}},
	} {
		t.Run(name, func(t *testing.T) {
			c := compare(holding(flowsOf(t, row.have...)), slices.Values(want))
			require.Equal(t, row.is.wanted, c.wanted)
			require.ElementsMatch(t, texts(row.is.missing), texts(c.missing))
			require.Equal(t, texts(row.is.changed), texts(c.changed))
			require.Equal(t, texts(row.is.stale), texts(c.stale))
			require.Equal(t, texts(row.is.foreign), texts(c.foreign))
		})
	}
}

// Time-outs are part of what a flow is: one that goes by itself is not what is wanted.
func TestCompare_Timeouts(t *testing.T) {
	want := flowsOf(t, wantedA)
	have := slices.Clone(want)
	have[0].IdleTimeout = 5
	require.Len(t, compare(holding(have), slices.Values(want)).changed, 1)
}

func TestStep_Mods(t *testing.T) {
	st := step{add: flowsOf(t, wantedA, wantedB), remove: flowsOf(t, stale)}
	var got []string
	for m := range st.mods(map[openflow.FlowKey]refusal{st.add[0].Key(): {}}) {
		got = append(got, m.String())
	}
	require.Equal(t, []string{
		"delete_strict table=24, priority=100,conj_id=1 actions=drop", // refused: what was there goes
		"add " + wantedB,
		"delete_strict table=24, priority=100,conj_id=9 actions=drop",
	}, got)
}

func TestStep_Whole(t *testing.T) {
	for name, row := range map[string]struct {
		step  step
		whole bool
	}{
		"one is added":         {step{add: flowsOf(t, wantedA)}, false},
		"one is removed":       {step{remove: flowsOf(t, stale)}, false},
		"one is renewed":       {step{renew: flowsOf(t, wantedB), add: flowsOf(t, wantedB)}, true},
		"two":                  {step{add: flowsOf(t, wantedA), remove: flowsOf(t, stale)}, true},
		"two of which is said": {step{add: flowsOf(t, wantedA), remove: flowsOf(t, stale), apart: true}, false},
	} {
		require.Equal(t, row.whole, row.step.whole(), name)
	}
}

func TestOccupants(t *testing.T) {
	b, other := flowsOf(t, wantedB), flowsOf(t, otherB)
	o := make(occupants)
	require.Equal(t, []uint16{1}, o.zonesOf(b), "nobody knows whose connections are in the zone")
	o.moved(&step{add: b})
	require.Empty(t, o.zonesOf(b))
	require.Equal(t, []uint16{1}, o.zonesOf(other), "another port")
	o.moved(&step{remove: b})
	require.Equal(t, []uint16{1}, o.zonesOf(b), "it was away")
	require.Empty(t, o.zonesOf(flowsOf(t, wantedA, "cookie=0xc002000000000005, table=50, priority=100,reg2=1 actions=output:1")))
}

// repair on each occasion, with and without the licence to change what others have written.
func TestRepair(t *testing.T) {
	c := comparison{missing: flowsOf(t, wantedA), changed: flowsOf(t, wantedB), stale: flowsOf(t, stale), foreign: flowsOf(t, foreign)}
	a, b, s, f := wantedA, wantedB, stale, foreign
	for name, row := range map[string]struct {
		why         occasion
		policy      Foreign
		add, remove []string
	}{
		"adoption, remove": {adoption, ForeignRemove, []string{a, b}, []string{s, f}},
		"adoption, report": {adoption, ForeignReport, []string{a, b}, []string{s}},
		"recovery, remove": {recovery, ForeignRemove, []string{a, b}, []string{s, f}},
		"recovery, report": {recovery, ForeignReport, []string{a, b}, []string{s}},
		"routine, remove":  {routine, ForeignRemove, []string{a, b}, []string{s, f}},
		"routine, report":  {routine, ForeignReport, []string{a}, []string{s}},
	} {
		t.Run(name, func(t *testing.T) {
			st, _, left := repair(why(row.why, row.policy), c)
			require.Equal(t, row.add, texts(st.add))
			require.Equal(t, row.remove, texts(st.remove))
			require.Len(t, left, 4-len(row.add)-len(row.remove))
		})
	}
}

// What follows from a change that was not sent yet, or from a refusal, is not drift.
func TestRepair_ExplainedIsNoDrift(t *testing.T) {
	c := comparison{missing: flowsOf(t, wantedA), stale: flowsOf(t, stale)}
	w := why(routine, ForeignRemove)
	w.unsent = map[openflow.FlowKey]struct{}{c.stale[0].Key(): {}}
	w.refused = map[openflow.FlowKey]refusal{c.missing[0].Key(): {}}
	st, found, _ := repair(w, c)
	require.Len(t, st.add, 1, "a refused flow is tried again")
	require.Len(t, st.remove, 1)
	require.Equal(t, drift{}, found)

	_, found, _ = repair(why(routine, ForeignRemove), c)
	require.Equal(t, drift{missing: 1, foreign: 1, repaired: 2, examples: []string{wantedA, stale}}, found)
}

func why(o occasion, foreign Foreign) circumstances {
	return circumstances{occasion: o, leave: foreign == ForeignReport, reported: make(map[openflow.FlowKey]struct{})}
}

func TestDatapathID(t *testing.T) {
	require.Equal(t, DatapathID("hv1"), DatapathID("hv1"))
	require.NotEqual(t, DatapathID("hv1"), DatapathID("hv2"))
	require.Len(t, datapathText(DatapathID("hv1")), 16)
	require.LessOrEqual(t, flows.LastTable, uint8(63))
}
