package openflow_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	. "conjunct/openflow"
)

// randomFlow draws a flow that passes Check: it tries conditions and actions of all kinds and keeps those that fit.
func randomFlow(r *rand.Rand, priority uint16) Flow {
	f := Flow{Table: uint8(r.IntN(200)), Priority: priority, Cookie: uint64(r.IntN(3)), IdleTimeout: uint16(r.IntN(2)) * 60000}
	frames := []Match{
		{}, NewMatch(ip4), NewMatch(Exact(EthType, EtherTypeIPv6)), NewMatch(Exact(EthType, EtherTypeARP)),
		NewMatch(ip4, Masked(CTState, CTTracked, CTTracked|CTInvalid)),
		NewMatch(Exact(EthType, EtherTypeIPv6), Masked(CTState, CTTracked, CTTracked|CTInvalid)),
		NewMatch(ip4, Exact(IPProto, ProtoTCP)), NewMatch(ip4, Exact(IPProto, ProtoUDP)), NewMatch(ip4, Exact(IPProto, ProtoSCTP)),
		NewMatch(Exact(EthType, EtherTypeIPv6), Exact(IPProto, ProtoTCP)), NewMatch(ip4, Exact(IPProto, ProtoICMP)),
		NewMatch(Exact(EthType, EtherTypeIPv6), Exact(IPProto, ProtoICMPv6), Exact(ICMPv6Type, ICMPv6NeighborSolicit)),
		NewMatch(Exact(EthType, EtherTypeIPv6), Exact(IPProto, ProtoICMPv6), Exact(ICMPv6Type, ICMPv6NeighborAdvertise)),
	}
	f.Match = frames[r.IntN(len(frames))]
	for range r.IntN(8) {
		with := f
		with.Match = f.Match.With(randomCondition(r))
		if with.Check() == nil {
			f = with
		}
	}
	if r.IntN(3) == 0 {
		f.Goto = f.Table + 1 + uint8(r.IntN(50))
	}
	for range r.IntN(5) {
		with := f
		with.Actions = append(f.Actions[:len(f.Actions):len(f.Actions)], randomAction(r))
		if with.Check() == nil {
			f = with
		}
	}
	return f
}

func randomCondition(r *rand.Rand) MatchField {
	for {
		f := Field(1 + r.IntN(int(InPortNXM)))
		i := f.Info()
		ones := SetBits(f, Bits{})
		m := MatchField{Field: f, Mask: ones.Mask}
		for b := range m.Value {
			m.Value[b] = byte(r.Uint32()) & ones.Mask[b]
			if i.Maskable && r.IntN(3) == 0 {
				m.Mask[b] &= byte(r.Uint32())
			}
		}
		switch {
		case i.Form == FormPort || i.Form == FormPort16:
			m.Value = BitsUint64(uint64(1 + r.IntN(65000)))
		case f == IPProto, f == EthType, f == ICMPv6Type: // the frame says them
			continue
		}
		return m
	}
}

func randomAction(r *rand.Rand) Action {
	field := func() Field { return Field(1 + r.IntN(int(InPortNXM))) }
	switch r.IntN(9) {
	case 0:
		return Output{Port: Port(1 + r.IntN(65000))}
	case 1:
		return Resubmit{Table: uint8(r.IntN(254))}
	case 2:
		return Conjunction{ID: r.Uint32(), N: uint8(2 + r.IntN(63)), Clause: uint8(r.IntN(2))}
	case 3:
		return CTClear{}
	case 4:
		ct := CT{Commit: r.IntN(2) == 0, Table: uint8(r.IntN(254)), Zone: uint16(r.IntN(65536))}
		if r.IntN(2) == 0 {
			ct.Zone, ct.ZoneSrc = 0, Subfield{Reg(r.IntN(16)), uint16(r.IntN(17)), 16}
		}
		if ct.Commit && r.IntN(2) == 0 {
			ct.Exec = []Action{SetMasked(CTMark, uint64(r.Uint32()), uint64(r.Uint32()|1))}
		}
		return ct
	case 5:
		src, dst := field(), field()
		n := uint16(1 + r.IntN(8))
		return Move{Low(src, n), Low(dst, n)}
	case 6:
		return PushVLAN{0x8100}
	}
	c := randomCondition(r)
	return SetField(c)
}

// What Check lets through, a switch takes, and prints as we do.
func TestSwitchTakesWhatCheckPasses(t *testing.T) {
	s := startOVS(t)
	p := s.connect()
	r := rand.New(rand.NewPCG(20261121, 1))
	var flows []Flow
	kinds := map[Field]bool{}
	for i := range 3000 {
		f := randomFlow(r, uint16(i))
		for c := range f.Match.Fields() {
			kinds[c.Field] = true
		}
		flows = append(flows, f)
		xid := p.send(FlowMod{Flow: f})
		p.send(BarrierRequest{})
		got, m := p.recv()
		if e, ok := m.(Error); ok {
			require.Equal(t, xid, got)
			t.Errorf("%s: %s", f, e.Code)
			p.recv()
		}
	}
	sameLines(t, printed(flows), s.dump())
	require.Greater(t, len(kinds), 65, "the flows have become poor")
}
