package integration

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/require"

	"conjunct/integration/cloud"
	"conjunct/integration/lab"
	"conjunct/policy"
)

// press has a VM send a frame every few milliseconds until the returned function is called, which waits for the last.
func press(from *lab.Host, frame []byte) (stop func()) {
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				from.SendFrames(frame)
			case <-quit:
				return
			}
		}
	})
	return func() { close(quit); wg.Wait() }
}

func toUDP(port uint16) lab.Match {
	return func(p gopacket.Packet) bool {
		udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
		return ok && uint16(udp.DstPort) == port
	}
}

// TestRestartFailsClosed restarts both switches while a VM presses what is refused: with the controller, and without, when nothing at
// all passes until it is back.
func TestRestartFailsClosed(t *testing.T) {
	w := newTown(t)
	w.group("clients", egress(policy.All))
	w.group("servers", ingress(policy.UDP, int(portA)))
	client := w.vm("client", "hv1", 1, "clients")
	near := w.vm("near", "hv1", 2, "servers")
	far := w.vm("far", "hv2", 3, "servers")
	var refused []*lab.Sniffer
	for _, s := range []*lab.Host{near.Host, far.Host} {
		w.passes(client.Host, lab.UDP(s.Addr4(), portA))
		defer press(client.Host, lab.UDPFrame(header(client.Host, s, 4), 9, portB, []byte("refused")))()
		refused = append(refused, s.Sniff(toUDP(portB)))
	}
	for _, hv := range []string{"hv1", "hv2"} {
		w.Hypervisor(hv).RestartOVS()
	}
	for _, s := range []*lab.Host{near.Host, far.Host} {
		w.passesWithin(client.Host, lab.UDP(s.Addr4(), portA), cloud.Patience)
	}
	w.KillDaemon()
	for _, s := range []*lab.Host{near.Host, far.Host} {
		w.passes(client.Host, lab.UDP(s.Addr4(), portA)) // The flows stay without it.
	}
	for _, hv := range []string{"hv1", "hv2"} {
		w.Hypervisor(hv).RestartOVS()
	}
	for _, s := range []*lab.Host{near.Host, far.Host} {
		heard := s.Sniff(nil)
		require.NotEqual(t, lab.Open, client.Try(lab.UDP(s.Addr4(), portA)))
		require.Zero(t, heard.Total(), "%s hears something from a switch that nobody has programmed", s.Label)
		heard.Close()
	}
	w.StartDaemon()
	for _, s := range []*lab.Host{near.Host, far.Host} {
		w.passesWithin(client.Host, lab.UDP(s.Addr4(), portA), cloud.Patience)
	}
	for _, s := range refused {
		require.Zero(t, s.Total(), "refused packets that arrived")
	}
}

// TestMigration has a port on two hosts for a while, as a live migration does: on both its rules hold, and one may go.
func TestMigration(t *testing.T) {
	w := newTown(t)
	w.group("clients", egress(policy.All))
	w.group("servers", ingress(policy.UDP, int(portA)))
	client := w.vm("client", "hv1", 1, "clients")
	mover := w.vm("mover", "hv2", 2, "servers")
	w.passes(client.Host, lab.UDP(mover.Addr4(), portA))
	defer press(client.Host, lab.UDPFrame(header(client.Host, mover.Host, 4), 9, portB, []byte("refused")))()
	here := w.VM(lab.VM{Name: "mover-here", IfaceID: "mover", MAC: mover.MAC, Addrs: mover.Addrs})
	here.Plug(w.Hypervisor("hv1"))
	serve(here.Host)
	refused := []*lab.Sniffer{here.Sniff(toUDP(portB)), mover.Sniff(toUDP(portB))}
	arrived := here.Sniff(toUDP(portA))
	w.Until("the port passes what is allowed where it comes to", func() bool {
		client.SendFrames(lab.UDPFrame(header(client.Host, here.Host, 4), 9, portA, []byte("allowed")))
		return arrived.Total() > 0
	})
	mover.Unplug()
	w.passes(client.Host, lab.UDP(here.Addr4(), portA))
	here.Replug(0)
	w.passesWithin(client.Host, lab.UDP(here.Addr4(), portA), cloud.Patience)
	for _, s := range refused {
		require.Zero(t, s.Total(), "refused packets that arrived")
	}
	w.stops(client.Host, lab.UDP(here.Addr4(), portB))
}

// TestSameAddressesSameMAC gives two VMs on one host the same MAC and addresses in two segments: each gets what is for its own, from a
// neighbour and from the fabric, and nobody gets what has a tag of no segment.
func TestSameAddressesSameMAC(t *testing.T) {
	w := newTown(t)
	w.network("v2", "two", 200) // As long a name as lan: the same MACs.
	w.group("open", egress(policy.All), ingress(policy.All))
	twins := []*cloud.VM{w.vm("twin-one", "hv1", 1, "open"), w.Plug("hv1", "twin-two", w.declare("twin-two", "two", 1, "open"))}
	peers := []*cloud.VM{w.vm("peer-one", "hv2", 2, "open"), w.Plug("hv2", "peer-two", w.declare("peer-two", "two", 2, "open"))}
	require.Equal(t, twins[0].MAC, twins[1].MAC)
	outside := w.Outside(lab.Outside{Name: "outside", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.99/24")}})
	h := lab.IPHeader{SrcMAC: outside.MAC, DstMAC: twins[0].MAC, Src: outside.Addr4(), Dst: twins[0].Addr4()}
	tagged := func(port uint16, tpidTCI ...uint32) []byte {
		f := lab.UDPFrame(h, 1, port, []byte("from the fabric"))
		return append(append([]byte{}, f[:12]...), tags(f[14:], 0x0800, tpidTCI...)...)
	}
	got := []*lab.Sniffer{twins[0].Sniff(isUDP), twins[1].Sniff(isUDP)}
	outside.SendFrames(
		tagged(5001, 0x8100_0005), tagged(5003, 0x8100_00c8, 0x8100_0005), tagged(5004, 0x8100_00c8, 0x8100_00c8), tagged(5005, 0x8100_0005, 0x8100_00c8))
	peers[0].SendFrames(lab.UDPFrame(header(peers[0].Host, twins[0].Host, 4), 1, 6000, nil))
	peers[1].SendFrames(lab.UDPFrame(header(peers[1].Host, twins[1].Host, 4), 1, 6001, nil))
	outside.SendFrames(lab.UDPFrame(h, 1, 7000, nil), tagged(7001, 0x8100_00c8))
	for i, s := range got {
		require.True(t, s.Reaches(2, 5*time.Second), "%d", i)
		for _, p := range s.Packets() {
			port := int(p.Layer(layers.LayerTypeUDP).(*layers.UDP).DstPort)
			require.True(t, port == 6000+i || port == 7000+i, "twin %d hears port %d", i, port)
		}
	}
}

func isUDP(p gopacket.Packet) bool { return p.Layer(layers.LayerTypeUDP) != nil }

// TestDHCPIsNoWayIn: what the platform lets a VM without rules send and hear is DHCP's own ports, and nothing else.
func TestDHCPIsNoWayIn(t *testing.T) {
	w := newTown(t)
	w.group("nothing")
	w.group("open", egress(policy.All), ingress(policy.All))
	mute := w.vm("mute", "hv1", 1, "nothing")
	open := w.vm("open", "hv1", 2, "open")
	out, in := header(mute.Host, open.Host, 4), header(open.Host, mute.Host, 4)
	request := lab.UDPFrame(out, 68, 67, []byte("a request"))
	require.False(t, w.hears(t, mute.Host, open.Host, request,
		lab.UDPFrame(out, 67, 67, []byte("from another port than a client's")),
		lab.UDPFrame(out, 68, 68, []byte("to another port than a server's ")),
		lab.UDPFrame(out, 68, portA, []byte("to another port than a server's ")),
		lab.UDPFrame(out, 546, 547, []byte("the ports of the other family    "))))
	arp := lab.ARPFrame(open.MAC, layers.ARPRequest, lab.Claim{Addr: open.Addr4(), MAC: open.MAC}, lab.Claim{Addr: mute.Addr4()})
	require.False(t, w.hears(t, open.Host, mute.Host, arp,
		lab.UDPFrame(in, 67, 68, []byte("an answer of one without the role")),
		lab.UDPFrame(in, 68, 67, []byte("a request to one without the role")),
		lab.UDPFrame(in, 67, 67, []byte("a relay without the role         "))))
}
