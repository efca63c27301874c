package lab_test

import (
	"net"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
)

// VMs with a tag talk to their own VLAN across the fabric, to an outside host in it, and to
// nobody else; the tag is on the wire between the hypervisors.
func TestVLANsAreKeptApart(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	tagged := func(hv *lab.Hypervisor, name, addr, tag string) *lab.Machine {
		m := hv.Plug(lab.VM{Name: name, Addrs: addrs(addr)})
		hv.Vsctl("set", "Port", name, "tag="+tag)
		return m
	}
	c := tagged(w.hv1, "c", "10.0.0.3/24", "10")
	d := tagged(w.hv2, "d", "10.0.0.4/24", "10")
	e := tagged(w.hv2, "e", "10.0.0.5/24", "20")
	in10 := w.Outside(lab.Outside{Name: "in10", Addrs: addrs("10.0.0.10/24"), VLAN: 10})

	wire := w.hv2.SniffUplink(func(p gopacket.Packet) bool {
		tag, ok := p.Layer(layers.LayerTypeDot1Q).(*layers.Dot1Q)
		return ok && tag.VLANIdentifier == 10
	})
	require.Equal(t, lab.Open, c.Try(lab.Ping(d.Addr4())))
	require.True(t, wire.Heard(patience))
	require.Equal(t, lab.Open, c.Try(lab.Ping(in10.Addr4())))
	require.Equal(t, lab.Open, in10.Try(lab.Ping(d.Addr4())))
	var crossings []lab.Attempt
	for _, other := range []*lab.Host{w.a.Host, w.b.Host, e.Host, w.out} {
		for _, in := range []*lab.Host{c.Host, d.Host, in10} {
			crossings = append(crossings,
				lab.Attempt{From: in, Probe: lab.Ping(other.Addr4())},
				lab.Attempt{From: other, Probe: lab.Ping(in.Addr4())})
		}
	}
	for i, outcome := range lab.TryAll(crossings) {
		require.NotEqual(t, lab.Open, outcome, "%s: %s", crossings[i].From.Label, crossings[i].Probe)
	}
}

// Frames that carry a tag already pass the fabric as they are.
func TestFabricIsTransparent(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	w.hv1.ReplaceFlows("in_port=a,actions=output:uplink")
	frame := lab.Frame(
		lab.Ethernet(w.a.MAC, lab.Broadcast, layers.EthernetTypeDot1Q),
		&layers.Dot1Q{VLANIdentifier: 77, Priority: 5, Type: 0x88b5}, // a type for experiments: IEEE 802
		gopacket.Payload(make([]byte, 60)))
	wire := w.hv2.SniffUplink(has(layers.LayerTypeDot1Q))
	w.a.SendFrames(frame)
	require.True(t, wire.Heard(patience))
	require.Equal(t, frame, wire.Packets()[0].Data())
}

// The namespaces of a lab are the only place where it shows.
func TestMachineIsLeftAlone(t *testing.T) {
	before, err := net.Interfaces()
	require.NoError(t, err)
	w := newTwoHosts(t)
	w.Node("ctl")
	during, err := net.Interfaces()
	require.NoError(t, err)
	require.Equal(t, names(before), names(during))
}

func names(ifs []net.Interface) []string {
	var s []string
	for _, i := range ifs {
		s = append(s, i.Name)
	}
	return s
}
