package oftest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/openflow/ofconn"
	. "conjunct/openflow/ofeval"
	. "conjunct/openflow/oftest"
	"conjunct/openflow/oftest/real"
)

// bridge returns a connection to a real switch with ports 1, 2 and 3.
func bridge(t *testing.T) (*real.OVS, *ofconn.Conn, context.Context) {
	t.Helper()
	o := real.Start(t)
	o.AddPorts(1, 2, 3)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	nc, err := ofconn.Dial(ctx, o.Target(), nil)
	require.NoError(t, err)
	c, err := ofconn.New(ctx, nc, ofconn.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return o, c, ctx
}

// A table of random flows, many of them of conjunctions, has the same answer for the same packet here and in a real switch.
// That includes what is left open in the documentation, and depends on the order of insertion. Half of the tables are
// filled by a bundle, half flow by flow.
func TestSameLookup_Real(t *testing.T) {
	o, c, ctx := bridge(t)
	tables, packets := 200, 50
	if testing.Short() {
		tables = 40
	}
	hits, conjunctive := 0, 0
	for table := 1; table <= tables; table++ { // each in a table of its own: a classifier keeps traces of what was deleted
		g := newGenerator(uint64(table))
		text := g.table(table, 5+g.IntN(30), 1)
		all, err := mods(text)
		require.NoError(t, err, text)
		s := NewSwitch(Config{})
		s.AddPorts(1, 2, 3)
		if table%2 == 0 {
			require.NoError(t, c.Bundle(ctx, all), text)
			require.NoError(t, s.Apply(all...))
		} else {
			for _, m := range all {
				require.NoError(t, c.Send(ctx, m))
				require.NoError(t, s.Apply(m))
			}
		}
		for range packets {
			packet := g.packet()
			p, err := ParsePacket(packet)
			require.NoError(t, err, packet)
			reply, err := o.Appctl("ofproto/trace-packet-out", "br0", packet, fmt.Sprintf("resubmit(,%d)", table))
			require.NoError(t, err)
			want := parseTrace(t, reply)[0]
			f, ok := s.Lookup(uint8(table), p)
			require.Equal(t, want.cookie, f.Cookie, "table of seed %d:\n%s\npacket %s\n%s", table, text, packet, reply)
			if ok {
				hits++
			}
			if _, _, byConjunction := f.Match.Get(openflow.ConjID); byConjunction {
				conjunctive++
			}
		}
	}
	t.Logf("%d lookups, %d hits, %d of them by conjunctions", tables*packets, hits, conjunctive)
	require.Greater(t, hits, tables*packets/4, "the packets miss too often to prove anything")
	require.Greater(t, conjunctive, tables*packets/50, "too few conjunctions to prove anything")
}

// Random flows in several tables take a random packet the same way, table by table.
func TestSameWay_Real(t *testing.T) {
	o, c, ctx := bridge(t)
	rounds, packets, tables := 150, 40, 6
	if testing.Short() {
		rounds = 8
	}
	steps := 0
	for round := range rounds {
		g := newGenerator(uint64(1000 + round))
		text := g.pipeline(tables, 4+g.IntN(6))
		all, err := mods(text)
		require.NoError(t, err, text)
		s := NewSwitch(Config{})
		s.AddPorts(1, 2, 3)
		all = append([]openflow.FlowMod{{Command: openflow.FlowDelete, Flow: openflow.Flow{Table: openflow.AllTables}}}, unambiguous(all)...)
		require.NoError(t, c.Bundle(ctx, all), text)
		require.NoError(t, s.Apply(all...))
		for range packets {
			packet := g.packet()
			p, err := ParsePacket(packet)
			require.NoError(t, err)
			reply, err := o.Appctl("ofproto/trace", "br0", packet)
			require.NoError(t, err)
			j := s.Trace(0, p)
			require.Equal(t, parseTrace(t, reply), stepsOf(j), "round %d\n%s\npacket %s\nreal:\n%s\nhere:\n%s", round, text, packet, reply, j)
			steps += len(j.Steps)
		}
	}
	t.Logf("%d packets, %d lookups", rounds*packets, steps)
	require.Greater(t, steps, 2*rounds*packets)
}

// unambiguous gives every flow a priority of its own, so that what a classifier keeps of deleted flows decides nothing.
func unambiguous(all []openflow.FlowMod) []openflow.FlowMod {
	for i := range all {
		all[i].Flow.Priority = all[i].Flow.Priority*1000 + uint16(i)
	}
	return all
}
