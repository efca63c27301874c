package integration

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/integration/cloud"
	"conjunct/integration/lab"
	"conjunct/policy"
)

// tcpFrame is a segment with flags of its own.
func tcpFrame(h lab.IPHeader, from, to uint16, flags func(*layers.TCP), payload string) []byte {
	eth, ip := h.Layers(layers.IPProtocolTCP)
	tcp := &layers.TCP{SrcPort: layers.TCPPort(from), DstPort: layers.TCPPort(to), Seq: 1000, Ack: 2000, Window: 65535}
	flags(tcp)
	return lab.Frame(eth, ip, tcp, gopacket.Payload(payload))
}

// icmpError is an ICMP message of IPv4 that quotes a packet (RFC 792).
func icmpError(h lab.IPHeader, kind, code uint8, quoted []byte) []byte {
	eth, ip := h.Layers(layers.IPProtocolICMPv4)
	return lab.Frame(eth, ip, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(kind, code)}, gopacket.Payload(quoted[14:]))
}

// hears reports whether the listener hears some frame when the sender sends the lies and then the truth, which it must hear.
func (w *town) hears(t *testing.T, from, at *lab.Host, truth []byte, lies ...[]byte) bool {
	t.Helper()
	said := at.Sniff(func(p gopacket.Packet) bool { return bytes.Equal(p.Data(), truth) })
	defer said.Close()
	heard := at.Sniff(func(p gopacket.Packet) bool { return isPartOf(p, lie{frames: lies}) })
	defer heard.Close()
	from.SendFrames(append(lies, truth)...)
	require.True(t, said.Heard(5*time.Second), "the truth arrives")
	return heard.Total() > 0
}

// TestUnasked sends what looks like an answer, a continuation or an error of a connection that there is not, or that is somebody
// else's.
func TestUnasked(t *testing.T) {
	w := newTown(t)
	w.group("pingable", egress(policy.All), ingress(policy.ICMP))
	w.group("servers", egress(policy.All), ingress(policy.ICMP), ingress(policy.TCP, 7003))
	victim := w.vm("victim", "hv1", 1, "pingable")
	server := w.vm("server", "hv2", 2, "servers")
	stream := victim.StreamTCP(server.Host, netip.AddrPortFrom(server.Addr4(), 7003))
	set := func(names string) func(*layers.TCP) {
		return func(tcp *layers.TCP) {
			tcp.SYN, tcp.ACK, tcp.RST, tcp.FIN, tcp.PSH =
				bytes.ContainsRune([]byte(names), 'S'), bytes.ContainsRune([]byte(names), 'A'), bytes.ContainsRune([]byte(names), 'R'),
				bytes.ContainsRune([]byte(names), 'F'), bytes.ContainsRune([]byte(names), 'P')
		}
	}
	for _, c := range []struct {
		name string
		from *cloud.VM
	}{{"near", w.vm("near", "hv1", 3, "pingable")}, {"far", w.vm("far", "hv2", 4, "pingable")}} {
		h, back := header(c.from.Host, victim.Host, 4), header(victim.Host, server.Host, 4)
		truth := lab.PingFrame(h, 77)
		lies := map[string][]byte{
			"answer of DNS":                lab.UDPFrame(h, 53, 4000, []byte("an answer that nobody asked for")),
			"echo reply":                   icmpError(h, layers.ICMPv4TypeEchoReply, 0, lab.PingFrame(h, 5)),
			"unreachable, about others":    icmpError(h, layers.ICMPv4TypeDestinationUnreachable, 1, tcpFrame(back, 4000, portA, set("A"), "quoted, quoted, quoted")),
			"redirect, about others":       icmpError(h, layers.ICMPv4TypeRedirect, 1, tcpFrame(back, 4000, portA, set("A"), "quoted, quoted, quoted")),
			"unreachable, about nobody":    icmpError(h, layers.ICMPv4TypeDestinationUnreachable, 3, lab.UDPFrame(header(victim.Host, c.from.Host, 4), 4000, 53, []byte("quoted, quoted, quoted"))),
			"router advertisement of IPv4": icmpError(h, layers.ICMPv4TypeRouterAdvertisement, 0, lab.PingFrame(h, 5)),
		}
		for _, flags := range []string{"S", "SA", "A", "PA", "R", "RA", "F", "FA", "", "SF", "SR"} {
			lies["TCP "+flags] = tcpFrame(h, portA, 4000, set(flags), "in the middle of nothing")
		}
		for name, f := range lies {
			t.Run(c.name+" "+name, func(t *testing.T) {
				require.False(t, w.hears(t, c.from.Host, victim.Host, truth, f))
			})
		}
	}
	require.True(t, stream.Down.GoesOn(5*time.Second), "the connection of the victim is still there")
}

// TestReusedPortNumber gives the number of a port that is gone to another VM's: the connections of the former, which conntrack still
// knew in that zone, do not let anything in.
func TestReusedPortNumber(t *testing.T) {
	w := newTown(t)
	w.group("clients", egress(policy.All))
	w.group("silent")
	peer := w.vm("peer", "hv2", 1, "clients")
	former := w.vm("former", "hv1", 2, "clients")
	h := header(former.Host, peer.Host, 4)
	back := header(peer.Host, former.Host, 4)
	// The former opens a connection from port 1000 to port 2000 of the peer, whose answers pass.
	former.SendFrames(lab.UDPFrame(h, 1000, 2000, []byte("hello")))
	answered := former.Sniff(func(p gopacket.Packet) bool {
		u, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
		return ok && u.SrcPort == 2000
	})
	w.Until("the answer passes", func() bool {
		peer.SendFrames(lab.UDPFrame(back, 2000, 1000, []byte("answer")))
		return answered.Total() > 0
	})
	answered.Close()
	number := former.OFPort()
	w.Must(w.API.Ports().Delete(w.ctx, "former", api.WaitApplied(cloud.Patience)))
	former.Unplug()
	// The next VM has the former's addresses, MAC and number, and may hear nothing.
	p := w.declare("next", "lan", 2, "silent")
	machine := w.VM(lab.VM{Name: "next", IfaceID: string(p), MAC: former.MAC, Addrs: former.Addrs, OFPort: number})
	machine.Plug(w.Hypervisor("hv1"))
	_, err := w.API.Ports().Get(w.ctx, "next", api.WaitActive(cloud.Patience))
	w.Must(err)
	require.Equal(t, number, machine.OFPort())
	heard := machine.Sniff(func(p gopacket.Packet) bool { return p.Layer(layers.LayerTypeUDP) != nil })
	defer heard.Close()
	for range 5 {
		peer.SendFrames(lab.UDPFrame(back, 2000, 1000, []byte("answer")))
	}
	w.group("silent", ingress(policy.ICMP))
	w.passes(peer.Host, lab.Ping(machine.Addr4()))
	require.Zero(t, heard.Total(), "answers to a connection of the former VM")
}

// TestManyReceivers sends multicast and broadcast: the sender's rules and those of each receiver judge, on one host and across, and the
// sender does not hear itself.
func TestManyReceivers(t *testing.T) {
	w := newTown(t)
	w.group("may", egress(policy.UDP, int(portA), int(portB)))
	w.group("hear-a", ingress(policy.UDP, int(portA)))
	w.group("hear-all", ingress(policy.UDP, int(portA), int(portB)), egress(policy.ICMP), ingress(policy.ICMP))
	from := w.vm("from", "hv1", 1, "may", "hear-all")
	receivers := map[string]*lab.Host{
		"near a": w.vm("near-a", "hv1", 2, "hear-a").Host, "near all": w.vm("near-all", "hv1", 3, "hear-all").Host,
		"far a": w.vm("far-a", "hv2", 4, "hear-a").Host, "far all": w.vm("far-all", "hv2", 5, "hear-all").Host,
	}
	for name, group := range map[string]netip.Addr{
		"multicast": netip.MustParseAddr("239.1.2.3"), "multicast of IPv6": netip.MustParseAddr("ff05::1:3"),
		"all nodes": lab.AllNodes6, "broadcast": netip.MustParseAddr("255.255.255.255"),
	} {
		t.Run(name, func(t *testing.T) {
			h := lab.IPHeader{SrcMAC: from.MAC, DstMAC: lab.MulticastMAC(group), Src: from.Addr4(), Dst: group}
			if group.Is6() {
				h.Src = from.Addr6()
			}
			if name == "broadcast" {
				h.DstMAC = lab.Broadcast
			}
			udp := func(p gopacket.Packet) bool { return p.Layer(layers.LayerTypeUDP) != nil }
			own := from.Sniff(udp)
			defer own.Close()
			sniffers := map[string]*lab.Sniffer{}
			for who, r := range receivers {
				sniffers[who] = r.Sniff(udp)
				defer sniffers[who].Close()
			}
			from.SendFrames(
				lab.UDPFrame(h, 1, 9999, []byte("refused by the sender's rules")),
				lab.UDPFrame(h, 2, portB, []byte("refused by some")),
				lab.UDPFrame(h, 3, portA, []byte("taken by all")))
			for who, s := range sniffers {
				want := map[bool]int{true: 2, false: 1}[who == "near all" || who == "far all"]
				require.True(t, s.Reaches(want, 5*time.Second), "%s hears %d of %d", who, s.Total(), want)
				for _, p := range s.Packets() {
					port := uint16(p.Layer(layers.LayerTypeUDP).(*layers.UDP).DstPort)
					require.True(t, port == portA || want == 2 && port == portB, "%s has heard port %d", who, port)
				}
			}
			require.Zero(t, own.Total(), "the sender hears itself")
		})
	}
}

// TestVirtualRouter lets two VMs on two hosts share a MAC and an address: whoever claims it is reached, from both hosts, the address
// is a member of their group, and a third VM can't have it.
func TestVirtualRouter(t *testing.T) {
	w := newTown(t)
	w.group("routers", egress(policy.All), ingress(policy.UDP))
	w.group("clients", egress(policy.All), fromGroup(ingress(policy.UDP), "routers"))
	virtual, mac := netip.MustParseAddr("10.0.0.100"), net.HardwareAddr{0, 0, 0x5e, 0, 1, 7}
	routers := []*cloud.VM{w.vm("r1", "hv1", 1, "routers"), w.vm("r2", "hv2", 2, "routers")}
	for _, r := range routers {
		_, err := w.API.Ports().Patch(w.ctx, string(r.Port), map[string]any{"allowed_address_pairs": []map[string]any{{"mac": mac.String(), "cidr": "10.0.0.100/32"}}}, api.WaitApplied(cloud.Patience))
		w.Must(err)
	}
	clients := []*cloud.VM{w.vm("c1", "hv1", 3, "clients"), w.vm("c2", "hv2", 4, "clients")}
	for turn, master := range []*cloud.VM{routers[0], routers[1], routers[0]} {
		for i, c := range clients {
			to := lab.IPHeader{SrcMAC: c.MAC, DstMAC: mac, Src: c.Addr4(), Dst: virtual}
			from := lab.IPHeader{SrcMAC: mac, DstMAC: c.MAC, Src: virtual, Dst: c.Addr4()}
			port := uint16(3000 + 10*turn + i)
			// The master announces itself again and again, is asked, and speaks by itself as a member of its group.
			announce := func() {
				master.SendFrames(lab.ARPFrame(mac, layers.ARPRequest, lab.Claim{Addr: virtual, MAC: mac}, lab.Claim{Addr: virtual}))
			}
			arrives(t, c.Host, master.Host, lab.UDPFrame(to, port, 53, []byte("question")), announce)
			arrives(t, master.Host, c.Host, lab.UDPFrame(from, 5353, port, []byte("news")), announce)
		}
	}
	stolen := lab.UDPFrame(lab.IPHeader{SrcMAC: mac, DstMAC: clients[1].MAC, Src: virtual, Dst: clients[1].Addr4()}, 1, 2, []byte("I am the router"))
	truth := lab.PingFrame(header(clients[0].Host, clients[1].Host, 4), 9)
	w.group("clients", egress(policy.All), fromGroup(ingress(policy.UDP), "routers"), ingress(policy.ICMP))
	w.passes(clients[0].Host, lab.Ping(clients[1].Addr4()))
	require.False(t, w.hears(t, clients[0].Host, clients[1].Host, truth, stolen))
}

// arrives sends a frame again and again until it is heard, and does something before each time.
func arrives(t *testing.T, from, to *lab.Host, frame []byte, before func()) {
	t.Helper()
	heard := to.Sniff(func(p gopacket.Packet) bool { return bytes.Equal(p.Data(), frame) })
	defer heard.Close()
	for range 20 {
		before()
		from.SendFrames(frame)
		if heard.Heard(250 * time.Millisecond) {
			return
		}
	}
	require.Fail(t, "does not arrive", "%s → %s", from.Label, to.Label)
}
