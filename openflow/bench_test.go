package openflow_test

import (
	"net/netip"
	"testing"

	"conjunct/openflow"
)

// memberFlow maps one address to its class: the flow that a host has most of.
var memberFlow = openflow.Flow{
	Table: 42, Priority: 100, Cookie: 0xc0de000000000001,
	Match: openflow.NewMatch(
		openflow.Exact(openflow.Reg0, 7), openflow.Masked(openflow.CTState, openflow.CTTracked, openflow.CTTracked|openflow.CTInvalid),
		openflow.Exact(openflow.EthType, openflow.EtherTypeIPv4), openflow.Addr(openflow.CTNwSrc, netip.MustParseAddr("10.0.0.1"))),
	Actions: []openflow.Action{openflow.Set(openflow.Reg8, 1)},
}

func BenchmarkNewMatch(b *testing.B) {
	addr := netip.MustParseAddr("10.0.0.1")
	b.ReportAllocs()
	for b.Loop() {
		openflow.NewMatch(
			openflow.Exact(openflow.Reg0, 7), openflow.Masked(openflow.CTState, openflow.CTTracked, openflow.CTTracked|openflow.CTInvalid),
			openflow.Exact(openflow.EthType, openflow.EtherTypeIPv4), openflow.Addr(openflow.CTNwSrc, addr))
	}
}

func BenchmarkAppendBundleAdd(b *testing.B) {
	var add openflow.Message = openflow.BundleAdd{ID: 1, Message: openflow.FlowMod{Flow: memberFlow}}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = openflow.Append(buf[:0], 1, add); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendNewBundleAdd(b *testing.B) {
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = openflow.Append(buf[:0], 1, openflow.BundleAdd{ID: 1, Message: openflow.FlowMod{Flow: memberFlow}}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeFlowMod(b *testing.B) {
	wire, err := openflow.Append(nil, 1, openflow.FlowMod{Flow: memberFlow})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := openflow.Decode(wire); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeFlowDesc counts per flow.
func BenchmarkDecodeFlowDesc(b *testing.B) {
	const flows = 300
	reply := openflow.FlowDescReply{Flows: make([]openflow.FlowStats, flows)}
	for i := range reply.Flows {
		reply.Flows[i] = openflow.FlowStats{Flow: memberFlow, Packets: uint64(i)}
	}
	wire, err := openflow.Append(nil, 1, reply)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; i < b.N; i += flows {
		if _, _, err := openflow.Decode(wire); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFlowString(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = memberFlow.String()
	}
}

func BenchmarkParseFlow(b *testing.B) {
	text := memberFlow.String()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := openflow.ParseFlow(text); err != nil {
			b.Fatal(err)
		}
	}
}
