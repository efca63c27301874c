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

// TestFragments_Whole sends a datagram in three parts from one port to another and to the fabric: all of them arrive, one by one, when
// both ends are open, as new connections and as known ones; none does when one end is not.
func TestFragments_Whole(t *testing.T) {
	const uplink = 100
	for _, c := range []struct{ egress, ingress bool }{{true, true}, {true, false}, {false, true}} {
		g := newPlayground(nil)
		mac := func(n byte) policy.MAC { return policy.MAC{2, 0, 0, 0, 0, n} }
		for n := range byte(2) {
			g.host.SetPort(&Port{
				Number: policy.Number(n + 1), OFPort: uint16(n + 1), VPC: 1, Segment: Segment{Number: 1, VPC: 1, VLAN: 7}, MAC: mac(n + 1),
				Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, n + 1}), netip.AddrFrom16([16]byte{0: 0xfd, 15: n + 1})},
				Class:     LocalClass{OpenEgress: c.egress, OpenIngress: c.ingress},
			})
		}
		g.host.SetUplinks([]uint16{uplink})
		s := oftest.NewSwitch(oftest.Config{DatapathID: 1})
		s.SetFragments(openflow.FragNXMatch)
		s.AddPorts(1, 2, uplink)
		for f := range g.host.All() {
			require.NoError(t, s.Apply(openflow.FlowMod{Command: openflow.FlowAdd, Flow: f}))
		}
		for at, to := range map[openflow.Port]policy.MAC{2: mac(2), uplink: mac(9)} {
			for _, addrs := range [][2]string{{"10.0.0.1", "10.0.0.2"}, {"fd00::1", "fd00::2"}} {
				for id := range uint32(2) {
					p := ofeval.UDP(netip.AddrPortFrom(netip.MustParseAddr(addrs[0]), 1000), netip.AddrPortFrom(netip.MustParseAddr(addrs[1]), 2000)).
						With(openflow.MAC(openflow.EthSrc, mac(1)), openflow.MAC(openflow.EthDst, to))
					arrived := 0
					for _, part := range p.Fragments(id, 3) {
						for _, o := range s.Inject(1, part).Outputs {
							require.Equal(t, at, o.Port)
							arrived++
						}
					}
					want := 0
					if c.egress && (c.ingress || at == uplink) {
						want = 3
					}
					require.Equal(t, want, arrived, "%+v to %d, %v, datagram %d", c, at, addrs, id)
				}
			}
		}
		s.Close()
	}
}
