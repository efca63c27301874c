package integration

import (
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

// TestTraffic sends real packets through one cloud: client and near are on hv1, far on hv2, so that everything is tried on one host
// and across two.
func TestTraffic(t *testing.T) {
	w := newTown(t)
	w.group("clients", egress(policy.All))
	w.group("servers")
	client := w.vm("client", "hv1", 1, "clients")
	near := w.vm("near", "hv1", 2, "servers")
	far := w.vm("far", "hv2", 3, "servers")
	near.ListenRaw(4, 47)
	far.ListenRaw(4, 47)
	near.ListenSCTP(portA)
	far.ListenSCTP(portA)
	servers := []*lab.Host{near.Host, far.Host}

	each := func(t *testing.T, check func(*lab.Host, lab.Probe), probe func(netip.Addr) lab.Probe) {
		t.Helper()
		w.t = t
		for _, server := range servers {
			for _, p := range both(server, probe) {
				check(client.Host, p)
			}
		}
	}

	t.Run("A-008 nothing without a rule", func(t *testing.T) {
		each(t, w.stops, tcpTo(portA))
		each(t, w.stops, udpTo(portA))
		each(t, w.stops, lab.Ping)
	})
	t.Run("A-017 tcp and udp on their port alone", func(t *testing.T) {
		w.group("servers", ingress(policy.TCP, int(portA)), ingress(policy.UDP, int(portB)))
		each(t, w.passes, tcpTo(portA))
		each(t, w.stops, tcpTo(portB))
		each(t, w.passes, udpTo(portB))
		each(t, w.stops, udpTo(portA))
	})
	t.Run("A-003 replies need no rule, the other direction has none", func(t *testing.T) {
		w.t = t
		w.passes(client.Host, lab.TCP(far.Addr4(), portA)) // far has no egress rule at all.
		w.stops(far.Host, lab.TCP(client.Addr4(), portA))
	})
	t.Run("A-019 icmp for both families", func(t *testing.T) {
		w.group("servers", ingress(policy.ICMP))
		each(t, w.passes, lab.Ping)
		each(t, w.stops, tcpTo(portA))
	})
	t.Run("A-018 icmpv6 for IPv6 alone", func(t *testing.T) {
		w.group("servers", ingress(policy.ICMPv6))
		w.t = t
		for _, server := range servers {
			w.passes(client.Host, lab.Ping(server.Addr6()))
			w.stops(client.Host, lab.Ping(server.Addr4()))
		}
	})
	t.Run("echo by its type", func(t *testing.T) {
		echo := ingress(policy.ICMP)
		echo.ICMPType = new(int(layers.ICMPv4TypeEchoRequest))
		w.group("servers", echo)
		w.t = t
		for _, server := range servers {
			w.passes(client.Host, lab.Ping(server.Addr4()))
		}
	})
	t.Run("A-020 sctp by port", func(t *testing.T) {
		w.group("servers", ingress(policy.SCTP, int(portA)))
		each(t, w.passes, func(a netip.Addr) lab.Probe { return lab.SCTP(a, portA) })
		w.group("servers", ingress(policy.SCTP, int(portB)))
		each(t, w.stops, func(a netip.Addr) lab.Probe { return lab.SCTP(a, portA) })
	})
	t.Run("A-023 all passes every protocol", func(t *testing.T) {
		w.group("servers", ingress(policy.All))
		each(t, w.passes, lab.IPIP)
		each(t, w.passes, func(a netip.Addr) lab.Probe { return lab.Raw(a, 47) })
		each(t, w.passes, func(a netip.Addr) lab.Probe { return lab.SCTP(a, portA) })
		each(t, w.passes, tcpTo(portB))
	})
	t.Run("A-024 tcp and udp do not pass IP in IP", func(t *testing.T) {
		w.group("servers", ingress(policy.TCP), ingress(policy.UDP))
		each(t, w.stops, lab.IPIP)
		each(t, w.stops, func(a netip.Addr) lab.Probe { return lab.SCTP(a, portA) })
		each(t, w.passes, udpTo(portA))
	})
	t.Run("fragments to an allowed port pass, to another do not", func(t *testing.T) {
		w.group("servers", ingress(policy.UDP, int(portA)))
		big := func(port uint16) func(netip.Addr) lab.Probe {
			return func(a netip.Addr) lab.Probe { return lab.UDP(a, port).OfSize(4000) }
		}
		each(t, w.passes, big(portA))
		each(t, w.stops, big(portB))
	})
	t.Run("A-031 a rule for one family", func(t *testing.T) {
		r := ingress(policy.TCP, int(portA))
		r.IPVersion = new(4)
		w.group("servers", r)
		w.t = t
		for _, server := range servers {
			w.passes(client.Host, lab.TCP(server.Addr4(), portA))
			w.stops(client.Host, lab.TCP(server.Addr6(), portA))
		}
	})
	t.Run("A-035 a port nobody listens on is refused by the VM, so ICMP errors and resets come back", func(t *testing.T) {
		w.group("servers", ingress(policy.UDP), ingress(policy.TCP))
		w.t = t
		for _, server := range servers {
			for _, p := range append(both(server, udpTo(9)), both(server, tcpTo(9))...) {
				require.Equal(t, lab.Refused, client.TryUntil(lab.Refused, p.Within(500*time.Millisecond), settles), "%s", p)
			}
		}
	})
	t.Run("A-036 A-066 members come and go", func(t *testing.T) {
		w.t = t
		w.group("friends")
		w.group("servers", fromGroup(ingress(policy.TCP, int(portA)), "friends"))
		each(t, w.stops, tcpTo(portA)) // A group without members allows nobody.
		w.assign("client", "clients", "friends")
		each(t, w.passes, tcpTo(portA))
		w.assign("client", "clients")
		each(t, w.stops, tcpTo(portA))
	})
	t.Run("an address in two groups leaves one", func(t *testing.T) {
		w.t = t
		w.group("friends2")
		w.group("servers", fromGroup(ingress(policy.TCP, int(portA)), "friends"), fromGroup(ingress(policy.TCP, int(portA)), "friends2"))
		w.assign("client", "clients", "friends", "friends2")
		each(t, w.passes, tcpTo(portA))
		w.assign("client", "clients", "friends2")
		each(t, w.passes, tcpTo(portA))
		w.assign("client", "clients")
		each(t, w.stops, tcpTo(portA))
	})
	t.Run("A-004 a second group adds, and takes away only its part", func(t *testing.T) {
		w.t = t
		w.group("servers", ingress(policy.TCP, int(portA)))
		w.group("more", ingress(policy.TCP, int(portB)))
		w.assign("near", "servers", "more")
		w.passes(client.Host, lab.TCP(near.Addr4(), portA))
		w.passes(client.Host, lab.TCP(near.Addr4(), portB))
		w.assign("near", "servers")
		w.passes(client.Host, lab.TCP(near.Addr4(), portA))
		w.stops(client.Host, lab.TCP(near.Addr4(), portB))
	})
	t.Run("A-037 A-101 an IP set and its entries", func(t *testing.T) {
		w.t = t
		_, err := w.API.IPSets().Put(w.ctx, "known", &api.IPSet{IPSet: policy.IPSet{Name: "known", ProjectID: "p", IPVersion: 4}})
		w.Must(err)
		r := ingress(policy.TCP, int(portA))
		r.Remote = policy.Remote{IPSetID: "known"}
		w.group("servers", r)
		w.stops(client.Host, lab.TCP(far.Addr4(), portA))
		_, err = w.API.EntriesOf("known").Create(w.ctx, &api.Entry{CIDR: policy.CIDR(netip.MustParsePrefix("10.0.0.0/30"))}, api.WaitApplied(cloud.Patience))
		w.Must(err)
		w.passes(client.Host, lab.TCP(far.Addr4(), portA))
	})
	t.Run("A-038 a subnet as the remote", func(t *testing.T) {
		r := ingress(policy.TCP, int(portA))
		r.Remote = policy.Remote{SubnetID: "lan"}
		w.group("servers", r)
		each(t, w.passes, tcpTo(portA))
	})
	t.Run("a port that is plugged again has another number", func(t *testing.T) {
		w.t = t
		w.group("servers", ingress(policy.TCP, int(portA)))
		before := near.OFPort()
		near.Replug(0)
		w.Until("the port has another number", func() bool {
			p, err := w.API.Ports().Get(w.ctx, "near")
			return err == nil && p.OFPort == near.OFPort() && p.State == policy.PortActive
		})
		require.NotEqual(t, before, near.OFPort())
		w.passes(client.Host, lab.TCP(near.Addr4(), portA))
		w.stops(client.Host, lab.TCP(near.Addr4(), portB))
	})
	t.Run("an interface that nobody declared passes nothing", func(t *testing.T) {
		stranger := w.Hypervisor("hv1").Plug(lab.VM{Name: "stranger", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.77/24"), netip.MustParsePrefix("fd00::77/64")}})
		heard := client.Sniff(func(p gopacket.Packet) bool { return p.LinkLayer().LinkFlow().Src().String() == stranger.MAC.String() })
		w.group("clients", egress(policy.All), ingress(policy.All))
		require.NotEqual(t, lab.Open, stranger.Try(lab.TCP(client.Addr4(), portA)))
		require.NotEqual(t, lab.Open, client.Try(lab.Ping(netip.MustParseAddr("10.0.0.77"))))
		require.False(t, heard.Heard(300*time.Millisecond), "not even ARP")
		heard.Close()
	})
	t.Run("lies leave no port", func(t *testing.T) { w.lies(t, client.Host, near.Host) })
}

// lies has a VM send what is not its own; its neighbour, which takes everything, hears nothing of it.
func (w *town) lies(t *testing.T, liar, victim *lab.Host) {
	w.group("servers", ingress(policy.All))
	w.group("clients", egress(policy.All))
	mac := net.HardwareAddr{0x02, 0xba, 0xdb, 0xad, 0, 1}
	stolen4, stolen6 := netip.MustParseAddr("10.0.0.66"), netip.MustParseAddr("fd00::66")
	all6 := lab.IPHeader{SrcMAC: liar.MAC, DstMAC: lab.MulticastMAC(lab.AllNodes6), Src: lab.LinkLocal(liar.MAC), Dst: lab.AllNodes6}
	mine := lab.IPHeader{SrcMAC: liar.MAC, DstMAC: victim.MAC, Src: liar.Addr4(), Dst: victim.Addr4()}
	with := func(change func(*lab.IPHeader)) lab.IPHeader { h := mine; change(&h); return h }
	for name, frame := range map[string][]byte{
		"MAC":                          lab.UDPFrame(with(func(h *lab.IPHeader) { h.SrcMAC = mac }), 1, 6666, nil),
		"IPv4":                         lab.UDPFrame(with(func(h *lab.IPHeader) { h.Src = stolen4 }), 1, 6666, nil),
		"IPv6":                         lab.UDPFrame(with(func(h *lab.IPHeader) { h.Src, h.Dst = stolen6, victim.Addr6() }), 1, 6666, nil),
		"ARP request":                  lab.ARPFrame(liar.MAC, layers.ARPRequest, lab.Claim{Addr: stolen4, MAC: liar.MAC}, lab.Claim{Addr: victim.Addr4()}),
		"ARP reply":                    lab.ARPFrame(liar.MAC, layers.ARPReply, lab.Claim{Addr: stolen4, MAC: liar.MAC}, lab.Claim{Addr: victim.Addr4(), MAC: victim.MAC}),
		"ARP with another's MAC":       lab.ARPFrame(liar.MAC, layers.ARPRequest, lab.Claim{Addr: liar.Addr4(), MAC: mac}, lab.Claim{Addr: victim.Addr4()}),
		"neighbour advertisement":      lab.NAFrame(all6, lab.Claim{Addr: stolen6, MAC: liar.MAC}),
		"advertisement of another MAC": lab.NAFrame(all6, lab.Claim{Addr: liar.Addr6(), MAC: mac}),
		"router advertisement":         lab.RAFrame(all6),
		"DHCP answer":                  lab.UDPFrame(mine, 67, 68, []byte("offer")),
		"tagged frame":                 lab.Frame(lab.Ethernet(liar.MAC, victim.MAC, layers.EthernetTypeDot1Q), &layers.Dot1Q{VLANIdentifier: 5, Type: layers.EthernetTypeIPv4}),
	} {
		t.Run(name, func(t *testing.T) {
			heard := victim.Sniff(func(p gopacket.Packet) bool {
				flow := p.LinkLayer().LinkFlow()
				lying := flow.Src().String() == liar.MAC.String() || flow.Src().String() == mac.String()
				truth := p.Layer(layers.LayerTypeUDP) == nil && isOwnDiscovery(p, liar)
				return lying && !truth
			})
			defer heard.Close()
			liar.SendFrames(frame)
			liar.SendFrames(lab.UDPFrame(mine, 1, 7777, []byte("truth"))) // so that silence means something
			require.True(t, heard.Heard(2*time.Second), "the truth arrives")
			for _, p := range heard.Packets() {
				udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
				require.True(t, ok && udp.DstPort == 7777, "%s", p)
			}
		})
	}
}

// isOwnDiscovery tells the VM's own ARP and ND, which its kernel sends now and then, from lies.
func isOwnDiscovery(p gopacket.Packet, h *lab.Host) bool {
	if arp, ok := p.Layer(layers.LayerTypeARP).(*layers.ARP); ok {
		sender, _ := netip.AddrFromSlice(arp.SourceProtAddress)
		return sender == h.Addr4() && net.HardwareAddr(arp.SourceHwAddress).String() == h.MAC.String()
	}
	if na, ok := p.Layer(layers.LayerTypeICMPv6NeighborAdvertisement).(*layers.ICMPv6NeighborAdvertisement); ok {
		target, _ := netip.AddrFromSlice(na.TargetAddress)
		own := target == h.Addr6() || target == lab.LinkLocal(h.MAC)
		for _, o := range na.Options {
			own = own && net.HardwareAddr(o.Data).String() == h.MAC.String()
		}
		return own
	}
	return p.Layer(layers.LayerTypeICMPv6NeighborSolicitation) != nil || p.Layer(layers.LayerTypeICMPv6RouterSolicitation) != nil ||
		p.Layer(layers.LayerTypeICMPv6) != nil && p.Layer(layers.LayerTypeICMPv6RouterAdvertisement) == nil
}
