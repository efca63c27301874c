package integration

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
	"conjunct/policy"
)

// A lie is one or more frames that no VM may send, however much its rules allow.
type lie struct {
	name   string
	frames [][]byte
}

// liar builds frames byte by byte, since most of them are what a library takes care not to build.
type liar struct {
	mac, victim net.HardwareAddr
	v4, v6      netip.Addr // its own
	to4, to6    netip.Addr // the victim's
	link        netip.Addr // its own link-local
}

func (l liar) eth(src, dst net.HardwareAddr, etherType uint16, payload []byte) []byte {
	return append(binary.BigEndian.AppendUint16(append(bytes.Clone(dst), src...), etherType), payload...)
}

func (l liar) frame(etherType uint16, payload []byte) []byte {
	return l.eth(l.mac, l.victim, etherType, payload)
}

// udp is a datagram of the liar's own, as the payload of Ethernet; tagged puts tags before it.
func (l liar) udp() []byte {
	return lab.UDPFrame(lab.IPHeader{SrcMAC: l.mac, DstMAC: l.victim, Src: l.v4, Dst: l.to4}, 1, 6666, []byte("a lie, a lie, a lie"))[14:]
}

func tags(inner []byte, etherType uint16, tags ...uint32) []byte {
	b := binary.BigEndian.AppendUint16(nil, etherType)
	b = append(b, inner...)
	for i := len(tags) - 1; i >= 0; i-- { // tag: TPID<<16 | TCI
		b = append(binary.BigEndian.AppendUint32(nil, tags[i]), b...)
	}
	return b
}

func (l liar) tagged(tpidTCI ...uint32) []byte {
	return append(append(bytes.Clone(l.victim), l.mac...), tags(l.udp(), 0x0800, tpidTCI...)...)
}

// arp is an ARP message with everything to choose.
func (l liar) arp(ethernet, dst net.HardwareAddr, etherType, hardware, protocol uint16, hlen byte, op uint16, sha net.HardwareAddr, spa, tpa netip.Addr) []byte {
	b := binary.BigEndian.AppendUint16(nil, hardware)
	b = binary.BigEndian.AppendUint16(b, protocol)
	b = append(b, hlen, 4)
	b = binary.BigEndian.AppendUint16(b, op)
	b = append(append(b, sha...), spa.AsSlice()...)
	b = append(append(b, l.victim...), tpa.AsSlice()...)
	return l.eth(ethernet, dst, etherType, append(b, "padding of a lie"...))
}

// ip6 is a packet with a chain of headers; next is the protocol of the first of them.
func (l liar) ip6(src, dst netip.Addr, hops, next byte, payload []byte) []byte {
	b := []byte{0x60, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	b = append(append(append(b, next, hops), src.AsSlice()...), dst.AsSlice()...)
	mac := l.victim
	if dst.IsMulticast() {
		mac = lab.MulticastMAC(dst)
	}
	return l.eth(l.mac, mac, 0x86dd, append(b, payload...))
}

// options is a hop-by-hop or destination options header of n*8 bytes that is followed by next (RFC 8200, 4.3 and 4.6).
func options(next byte, n int) []byte {
	b := make([]byte, n*8)
	b[0], b[1] = next, byte(n-1)
	for at := 2; at < len(b); {
		size := min(len(b)-at, 257)
		if size == 1 {
			break // Pad1
		}
		b[at], b[at+1] = 1, byte(size-2) // PadN
		at += size
	}
	return b
}

// icmp6 is an ICMPv6 message with its checksum.
func icmp6(src, dst netip.Addr, kind, code byte, body []byte) []byte {
	m := append([]byte{kind, code, 0, 0}, body...)
	pseudo := append(src.AsSlice(), dst.AsSlice()...)
	pseudo = append(binary.BigEndian.AppendUint32(pseudo, uint32(len(m))), 0, 0, 0, policy.ProtoICMPv6)
	binary.BigEndian.PutUint16(m[2:], sum16(pseudo, m))
	return m
}

func sum16(parts ...[]byte) uint16 {
	var sum uint32
	for _, b := range parts {
		for i, x := range b {
			sum += uint32(x) << (8 * uint(1-i%2))
		}
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

func linkLayer(kind byte, mac net.HardwareAddr) []byte { return append([]byte{kind, 1}, mac...) }

const (
	hopByHop, routing, fragmentHeader, destinationOptions = 0, 43, 44, 60
	flagsOverride                                         = 0x20
)

// discovery are lies about neighbours and routers.
func (l liar) discovery() (out []lie) {
	all := lab.AllNodes6
	bad := net.HardwareAddr{0x02, 0xba, 0xdb, 0xad, 0, 2}
	stolen := l.to6
	ra := icmp6(l.link, all, policy.ICMPv6RouterAdvert, 0, append(append([]byte{64, 0, 0x07, 0x08}, make([]byte, 8)...), linkLayer(1, l.mac)...))
	redirect := icmp6(l.link, all, policy.ICMPv6Redirect, 0, append(make([]byte, 4), append(l.link.AsSlice(), stolen.AsSlice()...)...))
	na := func(code byte, target netip.Addr, opts ...[]byte) []byte {
		return icmp6(l.link, all, policy.ICMPv6NeighAdvert, code, append(append([]byte{flagsOverride, 0, 0, 0}, target.AsSlice()...), bytes.Join(opts, nil)...))
	}
	ns := func(code byte, opts ...[]byte) []byte {
		return icmp6(l.link, all, policy.ICMPv6NeighSolicit, code, append(append(make([]byte, 4), stolen.AsSlice()...), bytes.Join(opts, nil)...))
	}
	add := func(name string, frames ...[]byte) { out = append(out, lie{name, frames}) }
	for header, first := range map[string]byte{"hop-by-hop options": hopByHop, "destination options": destinationOptions} {
		for what, message := range map[string][]byte{"RA": ra, "redirect": redirect, "NA for another": na(0, stolen, linkLayer(2, l.mac))} {
			add(what+" behind "+header, l.ip6(l.link, all, 255, first, append(options(policy.ProtoICMPv6, 1), message...)))
			add(what+" behind two headers, "+header, l.ip6(l.link, all, 255, first, append(append(options(destinationOptions, 1), options(policy.ProtoICMPv6, 2)...), message...)))
		}
	}
	add("RA behind a routing header", l.ip6(l.link, all, 255, routing, append([]byte{policy.ProtoICMPv6, 0, 4, 0, 0, 0, 0, 0}, ra...)))
	add("RA in an atomic fragment", l.ip6(l.link, all, 255, fragmentHeader, append([]byte{policy.ProtoICMPv6, 0, 0, 0, 0, 0, 0, 9}, ra...)))
	add("RA with a code", l.ip6(l.link, all, 255, policy.ProtoICMPv6, icmp6(l.link, all, policy.ICMPv6RouterAdvert, 1, ra[4:])))
	add("MLD query", l.ip6(l.link, all, 1, policy.ProtoICMPv6, icmp6(l.link, all, policy.ICMPv6MLDQuery, 0, append([]byte{0, 0, 0, 0}, l.to6.AsSlice()...))))
	add("NA with two addresses", l.ip6(l.link, all, 255, policy.ProtoICMPv6, na(0, l.link, linkLayer(2, l.mac), linkLayer(2, bad))))
	add("NA with two addresses, the false one first", l.ip6(l.link, all, 255, policy.ProtoICMPv6, na(0, l.link, linkLayer(2, bad), linkLayer(2, l.mac))))
	add("NA of its own address from another's", l.ip6(stolen, all, 255, policy.ProtoICMPv6,
		icmp6(stolen, all, policy.ICMPv6NeighAdvert, 0, append(append([]byte{flagsOverride, 0, 0, 0}, l.link.AsSlice()...), linkLayer(2, l.mac)...))))
	add("NA with a code", l.ip6(l.link, all, 255, policy.ProtoICMPv6, na(1, stolen, linkLayer(2, l.mac))))
	add("NA without a link-layer address for another", l.ip6(l.link, all, 255, policy.ProtoICMPv6, na(0, stolen)))
	add("NS with two addresses", l.ip6(l.link, all, 255, policy.ProtoICMPv6, ns(0, linkLayer(1, l.mac), linkLayer(1, bad))))
	add("NS with two addresses, the false one first", l.ip6(l.link, all, 255, policy.ProtoICMPv6, ns(0, linkLayer(1, bad), linkLayer(1, l.mac))))
	add("NS with an option of no length behind a false address", l.ip6(l.link, all, 255, policy.ProtoICMPv6, ns(0, linkLayer(1, bad), make([]byte, 8))))
	add("NS with a code", l.ip6(l.link, all, 255, policy.ProtoICMPv6, ns(1, linkLayer(1, l.mac))))

	// The header that says what it is lies in the second fragment (RFC 7113): the first is filled with options.
	whole := append(options(policy.ProtoICMPv6, 160), ra...)
	add("RA in fragments", l.split(l.link, all, destinationOptions, 77, whole, 160*8)...)
	return out
}

// split is an IPv6 packet in two fragments.
func (l liar) split(src, dst netip.Addr, next byte, id uint32, packet []byte, at int) [][]byte {
	header := func(offset uint16) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16([]byte{next, 0}, offset), id)
	}
	return [][]byte{
		l.ip6(src, dst, 255, fragmentHeader, append(header(1), packet[:at]...)),
		l.ip6(src, dst, 255, fragmentHeader, append(header(uint16(at)), packet[at:]...)),
	}
}

// frames are lies on the Ethernet level and in ARP.
func (l liar) frames() (out []lie) {
	add := func(name string, frames ...[]byte) { out = append(out, lie{name, frames}) }
	for name, t := range map[string][]uint32{
		"802.1Q": {0x8100_0005}, "802.1Q of another segment": {0x8100_00c8}, "priority tag": {0x8100_e000}, "802.1Q with vid 0": {0x8100_0000}, "802.1ad": {0x88a8_0005},
		"two tags": {0x88a8_0005, 0x8100_0005}, "two tags of vid 0": {0x8100_0000, 0x8100_0000}, "old QinQ": {0x9100_0005},
	} {
		add(name, l.tagged(t...))
	}
	body := []byte("a lie of sufficient length for a frame of Ethernet")
	for name, t := range map[string]uint16{
		"MPLS": 0x8847, "MPLS multicast": 0x8848, "PPPoE": 0x8864, "EAPOL": 0x888e, "pause": 0x8808, "LLDP": 0x88cc, "experimental": 0x88b5, "MACsec": 0x88e5, "NSH": 0x894f, "LLC": 0x0026,
	} {
		add(name, l.frame(t, body), l.eth(l.mac, net.HardwareAddr{1, 0x80, 0xc2, 0, 0, 1}, t, body))
	}
	add("MPLS over IPv4", l.frame(0x8847, append([]byte{0, 0, 0x11, 64}, l.udp()...)))
	add("another's MAC", l.eth(l.victim, lab.Broadcast, 0x0800, l.udp()))
	add("a group's MAC as the source", l.eth(net.HardwareAddr{0x03, 0, 0, 0, 0, 1}, l.victim, 0x0800, l.udp()))
	add("broadcast as the source", l.eth(lab.Broadcast, l.victim, 0x0800, l.udp()))

	mine, nobody := l.mac, netip.IPv4Unspecified()
	add("gratuitous ARP for another", l.arp(mine, lab.Broadcast, 0x0806, 1, 0x0800, 6, 1, mine, l.to4, l.to4))
	add("ARP reply to everybody", l.arp(mine, lab.Broadcast, 0x0806, 1, 0x0800, 6, 2, mine, l.to4, l.to4))
	add("ARP in another's frame", l.arp(l.victim, lab.Broadcast, 0x0806, 1, 0x0800, 6, 2, mine, l.v4, l.to4))
	add("ARP with another's MAC and nobody's address", l.arp(mine, lab.Broadcast, 0x0806, 1, 0x0800, 6, 1, l.victim, nobody, l.to4))
	add("RARP", l.arp(mine, lab.Broadcast, 0x8035, 1, 0x0800, 6, 3, mine, l.v4, l.to4))
	add("ARP of other hardware", l.arp(mine, lab.Broadcast, 0x0806, 6, 0x0800, 6, 2, mine, l.to4, l.to4))
	add("ARP of another protocol", l.arp(mine, lab.Broadcast, 0x0806, 1, 0x86dd, 6, 2, mine, l.to4, l.to4))
	add("ARP with long addresses", l.arp(mine, lab.Broadcast, 0x0806, 1, 0x0800, 8, 2, mine, l.to4, l.to4))
	add("tagged ARP", append(append(bytes.Clone(lab.Broadcast), mine...),
		tags(l.arp(mine, lab.Broadcast, 0x0806, 1, 0x0800, 6, 2, mine, l.v4, l.to4)[14:], 0x0806, 0x8100_0000)...))
	return out
}

// packets are lies in IP.
func (l liar) packets() (out []lie) {
	add := func(name string, frames ...[]byte) { out = append(out, lie{name, frames}) }
	udp := func(src, dst netip.Addr, from, to uint16) []byte {
		return lab.UDPFrame(lab.IPHeader{SrcMAC: l.mac, DstMAC: l.victim, Src: src, Dst: dst}, from, to, []byte("a lie, a lie, a lie "))
	}
	for _, src := range []string{"0.0.0.0", "127.0.0.1", "255.255.255.255", "224.0.0.1"} {
		add("from "+src, udp(netip.MustParseAddr(src), l.to4, 1, 6666))
	}
	add("from ::", udp(netip.IPv6Unspecified(), l.to6, 1, 6666))
	add("as another", udp(l.to4, l.v4, 1, 6666))
	add("from another's link-local", udp(lab.LinkLocal(l.victim), l.to6, 1, 6666))
	stolen := lab.IPHeader{SrcMAC: l.mac, DstMAC: l.victim, Src: netip.MustParseAddr("10.0.0.66"), Dst: l.to4}
	add("fragments as another", fragments(stolen, 500, 1, 6666, 2)...)
	stolen.Src, stolen.Dst = netip.MustParseAddr("fd00::66"), l.to6
	add("IPv6 fragments as another", fragments(stolen, 501, 1, 6666, 2)...)
	own := lab.IPHeader{SrcMAC: l.mac, DstMAC: l.victim, Src: l.v4, Dst: l.to4}
	add("DHCP answer", udp(l.v4, l.to4, 67, 68), udp(l.v4, netip.MustParseAddr("255.255.255.255"), 67, 68))
	add("DHCP answer in fragments", fragments(own, 502, 67, 68, 2)...)
	own.Src, own.Dst = l.v6, l.to6
	add("DHCPv6 answer", udp(l.v6, l.to6, 547, 546))
	add("DHCPv6 answer in fragments", fragments(own, 503, 547, 546, 2)...)
	answer := udp(l.v6, l.to6, 547, 546)[14+40:]
	add("DHCPv6 answer behind options", l.ip6(l.v6, l.to6, 64, destinationOptions, append(options(policy.ProtoUDP, 1), answer...)))
	add("DHCPv6 answer in a second fragment", l.split(l.v6, l.to6, destinationOptions, 504, append(options(policy.ProtoUDP, 160), answer...), 160*8)...)
	add("truncated IPv4 header", l.frame(0x0800, udp(l.v4, l.to4, 1, 6666)[14:14+16]))
	torn := udp(l.v6, l.to6, 1, 6666)
	add("truncated IPv6 header", torn[:14+30])
	return out
}

// TestLies sends what no VM may send from one that may send everything, to one beside it and one across the fabric that take
// everything: neither hears a byte of it.
func TestLies(t *testing.T) {
	w := newTown(t)
	w.group("open", egress(policy.All), ingress(policy.All))
	from := w.vm("liar", "hv1", 1, "open")
	for name, v := range map[string]*lab.Host{"near": w.vm("near", "hv1", 2, "open").Host, "far": w.vm("far", "hv2", 3, "open").Host} {
		l := liar{mac: from.MAC, victim: v.MAC, v4: from.Addr4(), v6: from.Addr6(), to4: v.Addr4(), to6: v.Addr6(), link: lab.LinkLocal(from.MAC)}
		for kind, lies := range map[string][]lie{"frame": l.frames(), "discovery": l.discovery(), "packet": l.packets()} {
			for i, lie := range lies {
				t.Run(fmt.Sprintf("%s %s %s", name, kind, lie.name), func(t *testing.T) {
					truth := lab.UDPFrame(lab.IPHeader{SrcMAC: from.MAC, DstMAC: v.MAC, Src: l.v4, Dst: l.to4}, uint16(10000+i), 7777, []byte("truth"))
					said := v.Sniff(func(p gopacket.Packet) bool { return bytes.Equal(p.Data(), truth) })
					defer said.Close()
					heard := v.Sniff(func(p gopacket.Packet) bool { return isPartOf(p, lie) })
					defer heard.Close()
					from.SendFrames(append(lie.frames, truth)...)
					require.True(t, said.Heard(5*time.Second), "the truth arrives")
					require.Zero(t, heard.Total(), "%v", heard.Packets())
				})
			}
		}
	}
}

// isPartOf reports whether a frame ends as one of the lie does, whatever has become of its head.
func isPartOf(p gopacket.Packet, l lie) bool {
	for _, f := range l.frames {
		if bytes.HasSuffix(p.Data(), f[max(0, len(f)-24):]) {
			return true
		}
	}
	return false
}
