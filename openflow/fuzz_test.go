package openflow_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
)

// seedLines gives fuzzing the flows, and the texts that are none.
func seedLines(f *testing.F) {
	for _, name := range []string{"testdata/flows.txt", "testdata/bad.txt"} {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		for _, l := range lines(string(b)) {
			f.Add(l)
		}
	}
}

func seedVectors(f *testing.F, add func([]byte)) {
	t := &testing.T{}
	for _, name := range []string{"flows.txt", "messages.txt"} {
		for _, v := range readVectors(t, name) {
			add(v.bytes(t))
		}
	}
	if t.Failed() {
		f.Fatal("vectors are not readable")
	}
}

// What decodes encodes, and then decodes to the same.
func FuzzDecode(f *testing.F) {
	seedVectors(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		xid, m, err := openflow.Decode(b)
		if err != nil {
			require.Nil(t, m)
			return
		}
		wire, err := openflow.Append(nil, xid, m)
		if err != nil {
			require.Greater(t, len(b), 1<<15, "%v", err) // what was left out on the wire may not fit when written
			return
		}
		again, n, err := openflow.Decode(wire)
		require.NoError(t, err)
		require.Equal(t, xid, again)
		require.Equal(t, m, n)
		if mod, ok := m.(openflow.FlowMod); ok {
			require.NotEmpty(t, mod.String())
		}
	})
}

// What parses prints, and then parses to the same; it also survives the wire.
func FuzzParseFlow(f *testing.F) {
	seedLines(f)
	f.Fuzz(func(t *testing.T, s string) {
		flow, err := openflow.ParseFlowStats(s)
		if err != nil {
			require.Zero(t, flow)
			return
		}
		again, err := openflow.ParseFlow(flow.Flow.String())
		require.NoError(t, err, "printed as %q", flow.Flow.String())
		require.Equal(t, flow.Flow, again)
		wire, err := openflow.Append(nil, 1, openflow.FlowMod{Flow: again})
		if err != nil {
			return // too long for a message
		}
		_, m, err := openflow.Decode(wire)
		require.NoError(t, err)
		require.Equal(t, openflow.FlowMod{Flow: again}, m)
	})
}

// A match from the wire is canonical: its key is a match of the same key, and its text, where a switch would take
// the match, is its own.
func FuzzDecodeMatch(f *testing.F) {
	seedVectors(f, func(b []byte) {
		if _, m, err := openflow.Decode(b); err == nil {
			if mod, ok := m.(openflow.FlowMod); ok {
				f.Add([]byte(mod.Flow.Match.Key()))
			}
		}
	})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := openflow.DecodeMatch(b)
		if err != nil {
			require.Zero(t, m)
			return
		}
		again, err := openflow.DecodeMatch([]byte(m.Key()))
		require.NoError(t, err)
		require.Equal(t, m, again)
		require.Equal(t, m, m.With())
		var fields []openflow.MatchField
		for f := range m.Fields() {
			v, mask, ok := m.Get(f.Field)
			require.True(t, ok)
			require.Equal(t, f, openflow.MatchField{Field: f.Field, Value: v, Mask: mask})
			fields = append(fields, f)
		}
		if m.Unknown() == nil {
			require.Equal(t, m, openflow.NewMatch(fields...))
		}
		if m.Check() == nil {
			parsed, err := openflow.ParseMatch(m.String())
			require.NoError(t, err, m.String())
			require.Equal(t, m, parsed, m.String())
		}
	})
}
