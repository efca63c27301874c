package lab

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Addresses that frames are often sent to.
var (
	Broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	AllNodes6 = netip.MustParseAddr("ff02::1")
)

// Frame puts layers together to an Ethernet frame, with the lengths and checksums that they
// need.
func Frame(ls ...gopacket.SerializableLayer) []byte {
	var below gopacket.NetworkLayer
	for _, l := range ls {
		if n, ok := l.(gopacket.NetworkLayer); ok {
			below = n
		}
		if c, ok := l.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok && below != nil {
			if err := c.SetNetworkLayerForChecksum(below); err != nil {
				panic(fmt.Sprintf("lab.Frame: %v", err)) // layers that don't fit are the caller's mistake
			}
		}
	}
	return serialize(ls...)
}

func serialize(ls ...gopacket.SerializableLayer) []byte {
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		panic(fmt.Sprintf("lab.Frame: %v", err))
	}
	return b.Bytes()
}

// Ethernet is the first layer of a frame.
func Ethernet(from, to net.HardwareAddr, t layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: from, DstMAC: to, EthernetType: t}
}

// An IPHeader says what goes into the Ethernet and IP headers of a frame.
type IPHeader struct {
	SrcMAC, DstMAC net.HardwareAddr
	Src, Dst       netip.Addr
}

// Layers are the Ethernet and IP layers for a protocol of either family.
func (h IPHeader) Layers(p layers.IPProtocol) (gopacket.SerializableLayer, gopacket.SerializableLayer) {
	if h.Src.Is4() {
		return Ethernet(h.SrcMAC, h.DstMAC, layers.EthernetTypeIPv4),
			&layers.IPv4{Version: 4, TTL: 64, Protocol: p, SrcIP: h.Src.AsSlice(), DstIP: h.Dst.AsSlice()}
	}
	// 255 is what neighbour discovery asks for (RFC 4861, section 7.1).
	return Ethernet(h.SrcMAC, h.DstMAC, layers.EthernetTypeIPv6),
		&layers.IPv6{Version: 6, HopLimit: 255, NextHeader: p, SrcIP: h.Src.AsSlice(), DstIP: h.Dst.AsSlice()}
}

// UDPFrame is one datagram.
func UDPFrame(h IPHeader, from, to uint16, payload []byte) []byte {
	eth, ip := h.Layers(layers.IPProtocolUDP)
	return Frame(eth, ip, &layers.UDP{SrcPort: layers.UDPPort(from), DstPort: layers.UDPPort(to)}, gopacket.Payload(payload))
}

// SYNFrame is the first packet of a TCP connection.
func SYNFrame(h IPHeader, from, to uint16) []byte {
	eth, ip := h.Layers(layers.IPProtocolTCP)
	return Frame(eth, ip, &layers.TCP{SrcPort: layers.TCPPort(from), DstPort: layers.TCPPort(to), SYN: true, Seq: 1, Window: 65535})
}

// PingFrame is an echo request of ICMP.
func PingFrame(h IPHeader, id uint16) []byte {
	if h.Src.Is4() {
		eth, ip := h.Layers(layers.IPProtocolICMPv4)
		return Frame(eth, ip, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeEchoRequest, 0), Id: id, Seq: 1})
	}
	eth, ip := h.Layers(layers.IPProtocolICMPv6)
	return Frame(eth, ip, icmpv6(layers.ICMPv6TypeEchoRequest), &layers.ICMPv6Echo{Identifier: id, SeqNumber: 1})
}

func icmpv6(t uint8) *layers.ICMPv6 {
	return &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(t, 0)}
}

// A Claim is what a neighbour message says: this address is at this MAC.
type Claim struct {
	Addr netip.Addr
	MAC  net.HardwareAddr
}

// ARPFrame is an ARP message from a claimed to another address; operation is
// layers.ARPRequest or layers.ARPReply. ethernet is the sender in the Ethernet header.
func ARPFrame(ethernet net.HardwareAddr, operation uint16, sender, target Claim) []byte {
	to := Broadcast
	if operation == layers.ARPReply && target.MAC != nil {
		to = target.MAC
	}
	targetMAC := target.MAC
	if targetMAC == nil {
		targetMAC = make(net.HardwareAddr, 6)
	}
	return Frame(Ethernet(ethernet, to, layers.EthernetTypeARP), &layers.ARP{
		AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4,
		HwAddressSize: 6, ProtAddressSize: 4, Operation: operation,
		SourceHwAddress: sender.MAC, SourceProtAddress: sender.Addr.AsSlice(),
		DstHwAddress: targetMAC, DstProtAddress: target.Addr.AsSlice(),
	})
}

// NAFrame is an unsolicited neighbour advertisement that overrides what is known.
func NAFrame(h IPHeader, claim Claim) []byte {
	const override = 0x20 // RFC 4861, section 4.4
	eth, ip := h.Layers(layers.IPProtocolICMPv6)
	return Frame(eth, ip, icmpv6(layers.ICMPv6TypeNeighborAdvertisement), &layers.ICMPv6NeighborAdvertisement{
		Flags: override, TargetAddress: claim.Addr.AsSlice(),
		Options: layers.ICMPv6Options{{Type: layers.ICMPv6OptTargetAddress, Data: claim.MAC}},
	})
}

// NSFrame is a neighbour solicitation: who has target?
func NSFrame(h IPHeader, target netip.Addr) []byte {
	eth, ip := h.Layers(layers.IPProtocolICMPv6)
	return Frame(eth, ip, icmpv6(layers.ICMPv6TypeNeighborSolicitation), &layers.ICMPv6NeighborSolicitation{
		TargetAddress: target.AsSlice(),
		Options:       layers.ICMPv6Options{{Type: layers.ICMPv6OptSourceAddress, Data: h.SrcMAC}},
	})
}

// RAFrame is a router advertisement: I am your way out.
func RAFrame(h IPHeader) []byte {
	eth, ip := h.Layers(layers.IPProtocolICMPv6)
	return Frame(eth, ip, icmpv6(layers.ICMPv6TypeRouterAdvertisement), &layers.ICMPv6RouterAdvertisement{
		HopLimit: 64, RouterLifetime: 1800,
		Options: layers.ICMPv6Options{{Type: layers.ICMPv6OptSourceAddress, Data: h.SrcMAC}},
	})
}

// MulticastMAC is the Ethernet address of an IP multicast group.
func MulticastMAC(group netip.Addr) net.HardwareAddr {
	b := group.AsSlice()
	if group.Is4() {
		return net.HardwareAddr{0x01, 0x00, 0x5e, b[1] & 0x7f, b[2], b[3]}
	}
	return net.HardwareAddr{0x33, 0x33, b[12], b[13], b[14], b[15]}
}
