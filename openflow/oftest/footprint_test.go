package oftest_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	. "conjunct/openflow/ofeval"
	. "conjunct/openflow/oftest"
)

// addressFlows are n flows that map an address to a class.
func addressFlows(n int) []openflow.FlowMod {
	all := make([]openflow.FlowMod, n)
	for i := range all {
		all[i].Flow = openflow.Flow{
			Table: 22, Priority: 100, Cookie: uint64(i),
			Match: openflow.NewMatch(openflow.Exact(openflow.EthType, openflow.EtherTypeIPv4),
				openflow.Exact(openflow.Reg0, 7), openflow.Exact(openflow.IPv4Src, 0x0a000000+uint64(i))),
			Actions: []openflow.Action{openflow.Set(openflow.Reg8, uint64(i%100))},
		}
	}
	return all
}

// A thousand switches with 22,000 flows each fit a small machine, for what they have in common is kept once.
func TestFootprint(t *testing.T) {
	const switches, flows = 20, 22_000
	all := addressFlows(flows)
	first := NewSwitch(Config{})
	require.NoError(t, first.Apply(all...))
	before := liveHeap()
	fleet := make([]*Switch, switches)
	for i := range fleet {
		fleet[i] = NewSwitch(Config{DatapathID: uint64(i)})
		require.NoError(t, fleet[i].Apply(all...))
	}
	each := float64(liveHeap()-before) / (switches * flows)
	t.Logf("%.0f bytes a flow and switch", each)
	require.Less(t, each, 130.0)
	runtime.KeepAlive(fleet)
	runtime.KeepAlive(first)
	runtime.KeepAlive(all)
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Lookups in a table of many flows of one mask, and of one flow of each of many masks.
func BenchmarkLookup(b *testing.B) {
	addresses := NewSwitch(Config{})
	require.NoError(b, addresses.Apply(addressFlows(20_000)...))
	masks := NewSwitch(Config{})
	for bits := range 33 {
		require.NoError(b, masks.Load(fmt.Sprintf("table=22,priority=%d,ip,nw_src=10.0.0.0/%d actions=drop", 100+bits, bits)))
	}
	p, err := ParsePacket("tcp,reg0=7,nw_src=10.0.39.16,nw_dst=10.0.0.2,tp_dst=80")
	require.NoError(b, err)
	for name, s := range map[string]*Switch{"20000 flows, 1 mask": addresses, "33 flows, 33 masks": masks} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.Lookup(22, p)
			}
		})
	}
}

func BenchmarkInject(b *testing.B) {
	s := prototype(b)
	p := tcpTo(80, SYN)
	for b.Loop() {
		s.Inject(1, p)
	}
}

func BenchmarkApply(b *testing.B) {
	all := addressFlows(20_000)
	for b.Loop() {
		require.NoError(b, NewSwitch(Config{}).Apply(all...))
	}
	b.ReportMetric(float64(len(all))*float64(b.N)/b.Elapsed().Seconds(), "flows/s")
}
