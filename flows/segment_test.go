package flows

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/openflow/ofeval"
	"conjunct/openflow/oftest"
	"conjunct/policy"
)

// TestSharedMAC: what is for the MAC of an address pair goes to whoever may be the master, here and elsewhere; what comes from
// the fabric does not go back, and nobody hears what it sent. A MAC of one port alone is here or nowhere.
func TestSharedMAC(t *testing.T) {
	const uplink = 100
	virtual := policy.MAC{0, 0, 0x5e, 0, 1, 7}
	pair := []policy.AddressPair{{MAC: virtual, CIDR: netip.MustParsePrefix("10.0.0.100/32")}}
	g := newPlayground(nil)
	for n := range uint16(3) {
		p := &Port{
			Number: policy.Number(n + 1), OFPort: n + 1, VPC: 1, Segment: Segment{Number: 1, VPC: 1}, MAC: policy.MAC{2, 0, 0, 0, 0, byte(n + 1)},
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(n + 1)})}, Class: LocalClass{OpenEgress: true, OpenIngress: true},
		}
		if n < 2 {
			p.Pairs = pair
		}
		g.host.SetPort(p)
	}
	g.host.Changes()
	g.host.SetUplinks([]uint16{uplink}) // the fabric comes last, and must be told to the MACs
	g.host.Changes()
	s := oftest.NewSwitch(oftest.Config{DatapathID: 1})
	defer s.Close()
	s.AddPorts(1, 2, 3, uplink)
	for f := range g.host.All() {
		require.NoError(t, s.Apply(openflow.FlowMod{Command: openflow.FlowAdd, Flow: f}))
	}
	for _, c := range []struct {
		name    string
		from    openflow.Port
		src     policy.MAC
		dst     policy.MAC
		reaches []openflow.Port
	}{
		{"from a neighbour", 3, policy.MAC{2, 0, 0, 0, 0, 3}, virtual, []openflow.Port{1, 2, uplink}},
		{"from the fabric", uplink, policy.MAC{2, 0, 0, 0, 9, 9}, virtual, []openflow.Port{1, 2}},
		{"from one of them", 1, policy.MAC{2, 0, 0, 0, 0, 1}, virtual, []openflow.Port{2, uplink}},
		{"to a port's own", 3, policy.MAC{2, 0, 0, 0, 0, 3}, policy.MAC{2, 0, 0, 0, 0, 1}, []openflow.Port{1}},
	} {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(c.from)}), 1)
		p := ofeval.UDP(at, netip.MustParseAddrPort("10.0.0.100:9")).With(openflow.MAC(openflow.EthSrc, c.src), openflow.MAC(openflow.EthDst, c.dst))
		var got []openflow.Port
		j := s.Inject(c.from, p)
		for _, o := range j.Outputs {
			got = append(got, o.Port)
		}
		require.ElementsMatch(t, c.reaches, got, "%s\n%s", c.name, j)
	}
}

// TestFragments_OfOthers: a fragment that comes out of connection tracking with another port's zone or MAC is dropped.
func TestFragments_OfOthers(t *testing.T) {
	p := &Port{
		Number: 1, OFPort: 1, VPC: 1, Segment: Segment{Number: 1, VPC: 1}, MAC: policy.MAC{2, 0, 0, 0, 0, 1},
		Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Class: LocalClass{OpenEgress: true, OpenIngress: true},
	}
	g := newPlayground(nil)
	g.host.SetPort(p)
	for f := range g.host.All() {
		if f.Table != TableSenderWhose && f.Table != TableRecvWhose || f.Priority == priorityDrop {
			continue
		}
		zone, _, ok := f.Match.Get(openflow.CTZone)
		require.True(t, ok, "%s", &f)
		require.EqualValues(t, 1, zone.Uint64())
		mac := openflow.EthSrc
		if f.Table == TableRecvWhose {
			mac = openflow.EthDst
		}
		_, _, ok = f.Match.Get(mac)
		require.True(t, ok, "%s", &f)
	}
	for _, table := range []uint8{TableSenderJudge, TableRecvJudge, TableSenderNoted, TableRecvNoted} {
		fragments := 0
		for f := range g.host.All() {
			if v, _, ok := f.Match.Get(openflow.IPFrag); ok && f.Table == table && v.Uint64() == openflow.FragAny {
				fragments++
			}
		}
		require.Equal(t, 2, fragments, "table %d sends the fragments of both families their own way", table)
	}
}
