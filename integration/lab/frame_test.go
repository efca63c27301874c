package lab_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
)

// Frames that lie are seen at the other end as they were sent, and not while a flow drops them.
func TestForgedFrames(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	a, b := w.a, w.b
	liar := []byte{0x02, 0xba, 0xdb, 0xad, 0x00, 0x01}
	stolen4, stolen6 := netip.MustParseAddr("10.0.0.66"), netip.MustParseAddr("fd00::66")
	ip4 := lab.IPHeader{SrcMAC: a.MAC, DstMAC: b.MAC, Src: stolen4, Dst: b.Addr4()}
	ip6 := lab.IPHeader{SrcMAC: a.MAC, DstMAC: b.MAC, Src: stolen6, Dst: b.Addr6()}
	all6 := lab.IPHeader{SrcMAC: a.MAC, DstMAC: lab.MulticastMAC(lab.AllNodes6), Src: lab.LinkLocal(a.MAC), Dst: lab.AllNodes6}

	cases := []struct {
		name  string
		frame []byte
		drop  string
		is    lab.Match
	}{
		{"mac", lab.UDPFrame(lab.IPHeader{SrcMAC: liar, DstMAC: b.MAC, Src: a.Addr4(), Dst: b.Addr4()}, 1, 2, nil),
			"dl_src=02:ba:db:ad:00:01", func(p gopacket.Packet) bool {
				return p.LinkLayer().LinkFlow().Src().String() == "02:ba:db:ad:00:01"
			}},
		{"ip", lab.UDPFrame(ip4, 1, 7777, []byte("x")), "ip,nw_src=10.0.0.66", udpTo(7777, stolen4)},
		{"ipv6", lab.UDPFrame(ip6, 1, 7777, []byte("x")), "ipv6,ipv6_src=fd00::66", udpTo(7777, stolen6)},
		{"syn", lab.SYNFrame(ip4, 1, 80), "tcp,nw_src=10.0.0.66", has(layers.LayerTypeTCP)},
		{"ping", lab.PingFrame(ip4, 7), "icmp,nw_src=10.0.0.66", from(stolen4)},
		{"ping6", lab.PingFrame(ip6, 7), "icmp6,ipv6_src=fd00::66", from(stolen6)},
		{"arp request", lab.ARPFrame(a.MAC, layers.ARPRequest, lab.Claim{Addr: stolen4, MAC: a.MAC}, lab.Claim{Addr: b.Addr4()}),
			"arp,arp_spa=10.0.0.66", arpFrom(stolen4)},
		{"arp reply", lab.ARPFrame(a.MAC, layers.ARPReply, lab.Claim{Addr: stolen4, MAC: a.MAC}, lab.Claim{Addr: b.Addr4(), MAC: b.MAC}),
			"arp,arp_op=2", arpFrom(stolen4)},
		{"neighbour advertisement", lab.NAFrame(all6, lab.Claim{Addr: stolen6, MAC: a.MAC}),
			"icmp6,icmp_type=136,nd_target=fd00::66", has(layers.LayerTypeICMPv6NeighborAdvertisement)},
		{"neighbour solicitation", lab.NSFrame(all6, stolen6),
			"icmp6,icmp_type=135,nd_target=fd00::66", has(layers.LayerTypeICMPv6NeighborSolicitation)},
		{"router advertisement", lab.RAFrame(all6), "icmp6,icmp_type=134", has(layers.LayerTypeICMPv6RouterAdvertisement)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w.hv1.ReplaceFlows(normal)
			heard := b.Sniff(c.is)
			a.SendFrames(c.frame)
			require.True(t, heard.Heard(patience))
			require.Equal(t, c.frame, padding(heard.Packets()[0].Data(), len(c.frame)), "the frame arrives as it was sent")
			heard.Close()

			w.hv1.ReplaceFlows(normal, "priority=1,"+c.drop+",actions=drop")
			require.Eventually(t, func() bool { // cached datapath flows live on for a moment
				again := b.Sniff(c.is)
				defer again.Close()
				a.SendFrames(c.frame)
				require.Equal(t, lab.Open, w.out.Try(lab.Ping(b.Addr4())), "the way is open for others")
				return !again.Heard(200 * time.Millisecond)
			}, patience, time.Millisecond)
		})
	}
}

// padding cuts what Ethernet may have added to a short frame.
func padding(frame []byte, n int) []byte { return frame[:min(n, len(frame))] }

func has(t gopacket.LayerType) lab.Match {
	return func(p gopacket.Packet) bool { return p.Layer(t) != nil }
}

func from(a netip.Addr) lab.Match {
	return func(p gopacket.Packet) bool {
		return p.NetworkLayer() != nil && p.NetworkLayer().NetworkFlow().Src().String() == a.String()
	}
}

func udpTo(port uint16, src netip.Addr) lab.Match {
	return func(p gopacket.Packet) bool {
		u, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
		return ok && uint16(u.DstPort) == port && from(src)(p)
	}
}

func arpFrom(a netip.Addr) lab.Match {
	return func(p gopacket.Packet) bool {
		arp, ok := p.Layer(layers.LayerTypeARP).(*layers.ARP)
		return ok && netip.AddrFrom4([4]byte(arp.SourceProtAddress)) == a
	}
}

// A datagram above the MTU crosses the switches in pieces.
func TestSnifferSeesFragments(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	w.b.ListenUDP(53)
	fragments4 := w.b.Sniff(func(p gopacket.Packet) bool {
		ip, ok := p.NetworkLayer().(*layers.IPv4)
		return ok && (ip.FragOffset > 0 || ip.Flags&layers.IPv4MoreFragments != 0)
	})
	fragments6 := w.b.Sniff(has(layers.LayerTypeIPv6Fragment))
	require.Equal(t, lab.Open, w.a.Try(lab.UDP(w.b.Addr4(), 53).OfSize(4000)))
	require.True(t, fragments4.Reaches(3, patience))
	require.Equal(t, lab.Open, w.a.Try(lab.UDP(w.b.Addr6(), 53).OfSize(4000)))
	require.True(t, fragments6.Reaches(3, patience))
}

// A machine without an address gets one of a server, and not from behind a flow that drops it.
func TestDHCP(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	client := w.hv1.Plug(lab.VM{Name: "client"})
	lease4, lease6 := netip.MustParseAddr("10.0.0.50"), netip.MustParseAddr("fd00::50")
	w.out.ServeDHCP(map[string]netip.Addr{client.MAC.String(): lease4})
	w.out.ServeDHCP6(map[string]netip.Addr{client.MAC.String(): lease6})

	got, outcome := client.DHCP(patience)
	require.Equal(t, lab.Open, outcome)
	require.Equal(t, lease4, got)
	got, outcome = client.DHCP6(patience)
	require.Equal(t, lab.Open, outcome)
	require.Equal(t, lease6, got)

	_, outcome = w.a.DHCP(200 * time.Millisecond)
	require.Equal(t, lab.Timeout, outcome, "a has no lease")
	w.hv1.ReplaceFlows(normal, "priority=1,udp,tp_src=67,actions=drop", "priority=1,udp6,tp_src=547,actions=drop")
	_, outcome = client.DHCP(200 * time.Millisecond)
	require.Equal(t, lab.Timeout, outcome)
	_, outcome = client.DHCP6(200 * time.Millisecond)
	require.Equal(t, lab.Timeout, outcome)
}
