package integration

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
	"conjunct/policy"
)

// TestA001_FilteredAtTheHypervisor: what a VM's groups refuse reaches its network interface no more than another host's bridge; the
// VM itself has nothing to do with it.
func TestA001_FilteredAtTheHypervisor(t *testing.T) {
	w := newTown(t)
	w.group("free", egress(policy.All))
	w.group("mute", ingress(policy.All))
	w.group("web", ingress(policy.TCP, int(portA)))
	server := w.vm("server", "hv2", 1, "web")
	client := w.vm("client", "hv1", 2, "free")
	mute := w.vm("mute", "hv1", 3, "mute")
	refused := server.Sniff(func(p gopacket.Packet) bool {
		tcp, ok := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
		return ok && tcp.DstPort == layers.TCPPort(portB)
	})
	left := w.Hypervisor("hv2").SniffUplink(func(p gopacket.Packet) bool {
		eth, ok := p.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
		return ok && bytes.Equal(eth.SrcMAC, mute.MAC) && p.Layer(layers.LayerTypeTCP) != nil
	})

	w.passes(client.Host, lab.TCP(server.Addr4(), portA))
	w.stops(client.Host, lab.TCP(server.Addr4(), portB))
	w.stops(mute.Host, lab.TCP(server.Addr4(), portA))
	require.Empty(t, refused.Packets(), "what the server's group refuses reaches the server")
	require.Empty(t, left.Packets(), "what the sender's group refuses leaves its hypervisor")

	w.group("web", ingress(policy.TCP, int(portA), int(portB)))
	w.group("mute", egress(policy.All))
	w.passes(client.Host, lab.TCP(server.Addr4(), portB))
	w.passes(mute.Host, lab.TCP(server.Addr4(), portA))
	require.NotEmpty(t, refused.Packets())
	require.NotEmpty(t, left.Packets())
}
