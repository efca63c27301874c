package openflow_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	. "conjunct/openflow"
)

// sumOfReply sums flows as a switch sends them.
func sumOfReply(t testing.TB, h *FlowHasher, s *FlowSum, more bool, list []FlowStats) {
	t.Helper()
	wire, err := Append(nil, 1, FlowDescReply{More: more, Flows: list})
	require.NoError(t, err)
	followed, err := h.AddReply(s, wire[HeaderLen:])
	require.NoError(t, err)
	require.Equal(t, more, followed)
}

// A set of flows has one sum, whether they are put in one by one, in whatever order, come from a switch in parts with whatever it
// has counted, or are what is left when others have gone.
func TestFlowSum_OneForOneSet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	h := NewFlowHasher()
	var list []FlowStats
	for i := range 500 {
		list = append(list, FlowStats{
			Flow: randomFlow(r, uint16(i)), Packets: r.Uint64(), Bytes: r.Uint64(), Duration: time.Duration(r.Uint32()), IdleAge: time.Second,
		})
	}
	var want, reply, left FlowSum
	for i := range list {
		h.Add(&want, &list[i].Flow)
	}
	require.Equal(t, 500, want.Flows)
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	sumOfReply(t, h, &reply, true, list[:100])
	sumOfReply(t, h, &reply, true, nil)
	sumOfReply(t, h, &reply, true, list[100:300])
	sumOfReply(t, h, &reply, false, list[300:])
	require.Equal(t, want, reply)

	other := randomFlow(r, 1000)
	h.Add(&left, &other)
	for i := range list {
		h.Add(&left, &list[i].Flow)
	}
	require.NotEqual(t, want, left)
	h.Remove(&left, &other)
	require.Equal(t, want, left)
}

// Whatever Equal looks at makes another sum.
func TestFlowSum_AllThatCounts(t *testing.T) {
	base := Flow{
		Table: 5, Priority: 7, Cookie: 9, Match: NewMatch(ip4, Exact(Reg0, 1)), Actions: []Action{Set(Reg4, 1)}, Goto: 6, Flags: FlowSendRemoved,
	}
	h := NewFlowHasher()
	seen := map[FlowSum]string{}
	for name, change := range map[string]func(*Flow){
		"itself": func(*Flow) {}, "table": func(f *Flow) { f.Table = 4 }, "priority": func(f *Flow) { f.Priority = 8 },
		"cookie": func(f *Flow) { f.Cookie = 10 }, "match": func(f *Flow) { f.Match = NewMatch(ip4, Exact(Reg0, 2)) },
		"wider match": func(f *Flow) { f.Match = NewMatch(ip4) }, "actions": func(f *Flow) { f.Actions = []Action{Set(Reg4, 2)} },
		"no actions": func(f *Flow) { f.Actions = nil }, "goto": func(f *Flow) { f.Goto = 8 }, "flags": func(f *Flow) { f.Flags = 0 },
		"idle": func(f *Flow) { f.IdleTimeout = 1 }, "hard": func(f *Flow) { f.HardTimeout = 1 }, "importance": func(f *Flow) { f.Importance = 1 },
		"instructions": func(f *Flow) { f.Instructions = []byte{0, 5, 0, 8, 0, 0, 0, 0} },
	} {
		f := base
		change(&f)
		var s, reply FlowSum
		h.Add(&s, &f)
		sumOfReply(t, h, &reply, false, []FlowStats{{Flow: f}})
		require.Equal(t, s, reply, name)
		require.Empty(t, seen[s], name)
		seen[s] = name
	}
}

// The sum of what a switch sends is that of the flows that it decodes to, if these are written in the same bytes.
func FuzzFlowSum(f *testing.F) {
	seedVectors(f, func(b []byte) { f.Add(b) })
	h := NewFlowHasher()
	f.Fuzz(func(t *testing.T, b []byte) {
		var reply, want FlowSum
		if len(b) < HeaderLen {
			return
		}
		more, err := h.AddReply(&reply, b[HeaderLen:])
		xid, m, decodeErr := Decode(b)
		d, ok := m.(FlowDescReply)
		if decodeErr != nil || !ok {
			return
		}
		require.NoError(t, err)
		require.Equal(t, d.More, more)
		require.Equal(t, len(d.Flows), reply.Flows)
		again, err := Append(nil, xid, d)
		if err != nil || string(again) != string(b) {
			return
		}
		for i := range d.Flows {
			h.Add(&want, &d.Flows[i].Flow)
		}
		require.Equal(t, want, reply)
	})
}

func BenchmarkFlowSum_Add(b *testing.B) {
	f := randomFlow(rand.New(rand.NewPCG(1, 2)), 1)
	h, s := NewFlowHasher(), FlowSum{}
	b.ReportAllocs()
	for b.Loop() {
		h.Add(&s, &f)
	}
}
