package openflow_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	. "conjunct/openflow"
)

var (
	ip4      = Exact(EthType, EtherTypeIPv4)
	host     = netip.MustParseAddr("10.0.0.1")
	network  = netip.MustParsePrefix("10.0.0.0/24")
	anywhere = netip.MustParsePrefix("0.0.0.0/0")
)

// However a match is written, the same packets are the same value.
func TestMatchIsCanonical(t *testing.T) {
	for name, pair := range map[string][2]Match{
		"order":                 {NewMatch(ip4, Exact(Reg0, 1)), NewMatch(Exact(Reg0, 1), ip4)},
		"/32 is the host":       {NewMatch(ip4, Prefix(IPv4Src, netip.PrefixFrom(host, 32))), NewMatch(ip4, Addr(IPv4Src, host))},
		"/0 is no field":        {NewMatch(ip4, Prefix(IPv4Src, anywhere)), NewMatch(ip4)},
		"host bits":             {NewMatch(ip4, Prefix(IPv4Src, netip.MustParsePrefix("10.0.0.77/24"))), NewMatch(ip4, Prefix(IPv4Src, network))},
		"full mask":             {NewMatch(Masked(Reg3, 7, 0xffffffff)), NewMatch(Exact(Reg3, 7))},
		"empty mask":            {NewMatch(Masked(Reg3, 7, 0)), NewMatch()},
		"bits outside the mask": {NewMatch(Masked(Reg3, 0xff, 0xf)), NewMatch(Masked(Reg3, 0xf, 0xf))},
		"later wins":            {NewMatch(Exact(Reg3, 1), Exact(Reg3, 2)), NewMatch(Exact(Reg3, 2))},
		"64-bit register":       {NewMatch(Exact(XReg1, 1<<32|2)), NewMatch(Exact(Reg2, 1), Exact(Reg3, 2))},
		"half of one":           {NewMatch(Masked(XReg1, 2, 0xffffffff)), NewMatch(Exact(Reg3, 2))},
		"128-bit register":      {NewMatch(Masked(XXReg1, 5<<32|6, ^uint64(0))), NewMatch(Exact(Reg6, 5), Exact(Reg7, 6))},
		"port in 16 bits":       {NewMatch(Exact(InPortNXM, 0xfffe)), NewMatch(Exact(InPort, uint64(PortLocal)))},
		"mapped address":        {NewMatch(ip4, Addr(IPv4Src, netip.MustParseAddr("::ffff:10.0.0.1"))), NewMatch(ip4, Addr(IPv4Src, host))},
		"nothing":               {NewMatch(), {}},
	} {
		require.True(t, pair[0] == pair[1], "%s: %s and %s", name, pair[0], pair[1])
		require.Equal(t, pair[0].Key(), pair[1].Key(), name)
	}
	require.NotEqual(t, NewMatch(Exact(Reg0, 0)), NewMatch(), "zero is not any")
	require.NotEqual(t, NewMatch(Exact(Reg0, 1)), NewMatch(Exact(Reg1, 1)))
}

func TestMatchWithAndWithout(t *testing.T) {
	m := NewMatch(ip4, Exact(Reg0, 7), Exact(Reg1, 8))
	require.Equal(t, NewMatch(ip4, Exact(Reg0, 9), Exact(Reg1, 8)), m.With(Exact(Reg0, 9)))
	require.Equal(t, NewMatch(ip4, Exact(Reg1, 8)), m.Without(Reg0))
	require.Equal(t, NewMatch(ip4), m.Without(XReg0, InPort))
	require.Equal(t, "ip,reg0=0x7,reg1=0x8", m.String(), "unchanged")
	require.True(t, m.Without(EthType, Reg0, Reg1).IsZero())
}

func TestMatchGet(t *testing.T) {
	m := NewMatch(ip4, Exact(Reg0, 7), Masked(Reg3, 1, 3), Prefix(CTNwSrc, network))
	for _, c := range []struct {
		f           Field
		value, mask uint64
		ok          bool
	}{
		{EthType, 0x800, 0xffff, true}, {Reg0, 7, 0xffffffff, true}, {Reg1, 0, 0, false}, {Reg2, 0, 0, false},
		{Reg3, 1, 3, true}, {CTNwSrc, 0x0a000000, 0xffffff00, true}, {InPort, 0, 0, false}, {CTNwDst, 0, 0, false},
	} {
		value, mask, ok := m.Get(c.f)
		require.Equal(t, c.ok, ok, c.f)
		require.Equal(t, BitsUint64(c.value), value, c.f)
		require.Equal(t, BitsUint64(c.mask), mask, c.f)
	}
}

// A condition that the field cannot have is a mistake of the program.
func TestMatchFieldPanics(t *testing.T) {
	v6 := netip.MustParseAddr("2001:db8::1")
	for name, f := range map[string]func(){
		"too wide":       func() { Exact(TCPDst, 65536) },
		"mask too wide":  func() { Masked(IPProto, 1, 0x1ff) },
		"other family":   func() { Addr(IPv4Src, v6) },
		"other family 6": func() { Addr(IPv6Src, host) },
		"not an address": func() { Prefix(Reg0, netip.Prefix{}) },
		"no field":       func() { Exact(0, 0) },
	} {
		require.Panics(t, f, name)
	}
}

// anyField draws a condition on any field, with a mask where the field has one.
func anyField(t *rapid.T) MatchField {
	f := Field(rapid.IntRange(1, int(InPortNXM)).Draw(t, "field"))
	i := f.Info()
	ones := Bits{}
	for n := range i.Bits {
		ones[15-n/8] |= 1 << (n % 8)
	}
	draw := func(name string) (b Bits) {
		copy(b[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name))
		return b.And(ones)
	}
	m := MatchField{Field: f, Value: draw("value"), Mask: ones}
	if i.Maskable {
		m.Mask = draw("mask")
	}
	if i.Form == FormPort || i.Form == FormPort16 {
		m.Value = BitsUint64(uint64(rapid.IntRange(1, 65279).Draw(t, "port")))
	}
	return m
}

// Any set of conditions, in any order, is one value, is the same from the wire, and says of each field what was put in.
func TestMatchProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.SliceOfNDistinct(rapid.Custom(anyField), 0, 40, func(m MatchField) Field { return m.Field }).Draw(t, "fields")
		seen := map[Field]bool{} // registers go by several names
		for _, f := range fields {
			seen[f.Field] = true
		}
		m := NewMatch(fields...)
		again, err := DecodeMatch([]byte(m.Key()))
		require.NoError(t, err)
		require.Equal(t, m, again)

		var got []MatchField
		for f := range m.Fields() {
			got = append(got, f)
			require.Equal(t, f.Value, f.Value.And(f.Mask))
			require.False(t, f.Mask.IsZero())
		}
		rand.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		require.Equal(t, m, NewMatch(got...))
		for _, f := range fields {
			if f.Field >= XReg0 || f.Field >= Reg0 && f.Field <= Reg15 || f.Field == InPort && seen[InPortNXM] {
				continue
			}
			value, mask, ok := m.Get(f.Field)
			require.Equal(t, !f.Mask.IsZero(), ok, f.Field)
			if ok {
				require.Equal(t, f.Mask, mask, f.Field)
				require.Equal(t, f.Value.And(f.Mask), value, f.Field)
			}
		}
		if m.Check() == nil {
			parsed, err := ParseMatch(m.String())
			require.NoError(t, err)
			require.Equal(t, m, parsed)
		}
	})
}
