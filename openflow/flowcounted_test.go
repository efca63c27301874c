package openflow_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	. "conjunct/openflow"
)

// Of an answer, what has counted something is decoded as ever, and nothing else.
func TestEachCounted(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var list []FlowStats
	for i := range 300 {
		f := FlowStats{Flow: randomFlow(r, uint16(i)), Duration: time.Duration(r.Uint32()), IdleAge: time.Second}
		switch i % 4 {
		case 0:
			f.Packets, f.Bytes = r.Uint64(), r.Uint64()
		case 1:
			f.Bytes = 1
		}
		list = append(list, f)
	}
	for _, more := range []bool{true, false} {
		wire, err := Append(nil, 1, FlowDescReply{More: more, Flows: list})
		require.NoError(t, err)
		require.Len(t, requireCounted(t, wire), 150)
		_, err = EachCounted(wire[HeaderLen:len(wire)-1], func(*FlowStats) {})
		require.Error(t, err)
	}
}

// requireCounted holds EachCounted against Decode, where that understands the message, and returns what it finds.
func requireCounted(t *testing.T, wire []byte) (got []string) {
	t.Helper()
	more, err := EachCounted(wire[HeaderLen:], func(f *FlowStats) { got = append(got, fmt.Sprint(*f)) })
	_, m, decodeErr := Decode(wire)
	d, ok := m.(FlowDescReply)
	if decodeErr != nil || !ok {
		return got
	}
	require.NoError(t, err)
	require.Equal(t, d.More, more)
	var want []string
	for _, f := range d.Flows {
		if f.Packets != 0 || f.Bytes != 0 {
			want = append(want, fmt.Sprint(f))
		}
	}
	require.Equal(t, want, got)
	return got
}

// Whatever comes, it is what Decode makes of it.
func FuzzEachCounted(f *testing.F) {
	seedVectors(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= HeaderLen {
			requireCounted(t, b)
		}
	})
}

// BenchmarkReply reads an answer of 200 flows, one in ten of which has counted something.
func BenchmarkReply(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var m FlowDescReply
	for i := range 200 {
		f := FlowStats{Flow: randomFlow(r, uint16(i))}
		if i%10 == 0 {
			f.Packets = 1
		}
		m.Flows = append(m.Flows, f)
	}
	wire, err := Append(nil, 1, m)
	require.NoError(b, err)
	h, sum := NewFlowHasher(), FlowSum{}
	for name, read := range map[string]func() error{
		"decode":  func() error { _, _, err := Decode(wire); return err },
		"sum":     func() error { _, err := h.AddReply(&sum, wire[HeaderLen:]); return err },
		"counted": func() error { _, err := EachCounted(wire[HeaderLen:], func(*FlowStats) {}); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, read())
			}
		})
	}
}
