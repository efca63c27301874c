package oftest_test

import (
	"encoding/binary"
	"net/netip"

	"conjunct/openflow"
	. "conjunct/openflow/ofeval"
)

// A wire packet is an IPv4 or IPv6 packet in bytes, for a real switch, and the same as a Packet.
type wirePacket struct {
	bytes  []byte // from the Ethernet header on
	packet Packet
}

const etherLen = 14

// ether puts an IP packet into a frame.
func ether(ip []byte) []byte {
	kind := uint16(openflow.EtherTypeIPv4)
	if ip[0]>>4 == 6 {
		kind = openflow.EtherTypeIPv6
	}
	frame := append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, byte(kind>>8), byte(kind))
	return append(frame, ip...)
}

// ipPacket makes an IP packet around a payload whose checksum is at sumAt, or has none when that is negative.
func ipPacket(src, dst netip.Addr, proto uint8, payload []byte, sumAt int, pseudo bool) []byte {
	if sumAt >= 0 {
		var head []byte
		if pseudo {
			head = append(append(head, src.AsSlice()...), dst.AsSlice()...)
			head = append(head, 0, proto)
			head = binary.BigEndian.AppendUint16(head, uint16(len(payload)))
		}
		binary.BigEndian.PutUint16(payload[sumAt:], checksum(append(head, payload...)))
	}
	if src.Is6() {
		h := []byte{0x60, 0, 0, 0, byte(len(payload) >> 8), byte(len(payload)), proto, 64}
		return append(append(append(h, src.AsSlice()...), dst.AsSlice()...), payload...)
	}
	n := 20 + len(payload)
	h := []byte{0x45, 0, byte(n >> 8), byte(n), 0, 0, 0, 0, 64, proto, 0, 0}
	h = append(append(h, src.AsSlice()...), dst.AsSlice()...)
	binary.BigEndian.PutUint16(h[10:], checksum(h))
	return append(h, payload...)
}

func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		word := uint32(b[i]) << 8
		if i+1 < len(b) {
			word |= uint32(b[i+1])
		}
		sum += word
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

func tcpBytes(src, dst netip.AddrPort, flags uint16) wirePacket {
	b := binary.BigEndian.AppendUint16(nil, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	b = binary.BigEndian.AppendUint32(b, 1000) // all in the window, as in Packet
	b = binary.BigEndian.AppendUint32(b, 1000)
	b = append(b, 0x50, byte(flags), 0xff, 0xff, 0, 0, 0, 0)
	return wirePacket{ether(ipPacket(src.Addr(), dst.Addr(), openflow.ProtoTCP, b, 16, true)), TCP(src, dst, flags)}
}

func udpBytes(src, dst netip.AddrPort) wirePacket {
	b := binary.BigEndian.AppendUint16(nil, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	b = append(b, 0, 8, 0, 0)
	return wirePacket{ether(ipPacket(src.Addr(), dst.Addr(), openflow.ProtoUDP, b, 6, true)), UDP(src, dst)}
}

func sctpBytes(src, dst netip.AddrPort) wirePacket {
	b := binary.BigEndian.AppendUint16(nil, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	b = append(b, make([]byte, 8)...)
	return wirePacket{ether(ipPacket(src.Addr(), dst.Addr(), openflow.ProtoSCTP, b, -1, false)), SCTP(src, dst)}
}

func protoBytes(src, dst netip.Addr, proto uint8) wirePacket {
	return wirePacket{ether(ipPacket(src, dst, proto, make([]byte, 16), -1, false)), Proto(src, dst, proto)}
}

func icmpBytes(src, dst netip.Addr, kind, code uint8, id uint16) wirePacket {
	b := []byte{kind, code, 0, 0, byte(id >> 8), byte(id), 0, 0}
	return wirePacket{ether(icmpPacket(src, dst, b)), ICMP(src, dst, kind, code, id)}
}

// errorBytes is an ICMP error of the host from about another packet.
func errorBytes(from netip.Addr, kind, code uint8, about wirePacket) wirePacket {
	inner := about.bytes[etherLen:]
	to, _ := netip.AddrFromSlice(inner[12:16])
	if from.Is6() {
		to, _ = netip.AddrFromSlice(inner[8:24])
	}
	b := append([]byte{kind, code, 0, 0, 0, 0, 0, 0}, inner...)
	return wirePacket{ether(icmpPacket(from, to, b)), ICMPError(from, kind, code, about.packet)}
}

func icmpPacket(src, dst netip.Addr, b []byte) []byte {
	if src.Is6() {
		return ipPacket(src, dst, openflow.ProtoICMPv6, b, 2, true)
	}
	return ipPacket(src, dst, openflow.ProtoICMP, b, 2, false)
}
