package integration

import (
	"encoding/binary"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
	"conjunct/policy"
)

// fragmentSize is the payload of a fragment that fills a frame, in bytes. (The userspace datapath takes fragments below 1,200 bytes,
// and IPv6 ones below 1,280, for broken, but for the last.)
const fragmentSize = 1440

// fragments are a datagram of n full fragments and one more that carries 8 bytes.
func fragments(h lab.IPHeader, id uint32, from, to uint16, n int) [][]byte {
	datagram := make([]byte, n*fragmentSize+8)
	binary.BigEndian.PutUint16(datagram, from)
	binary.BigEndian.PutUint16(datagram[2:], to)
	binary.BigEndian.PutUint16(datagram[4:], uint16(len(datagram)))
	binary.BigEndian.PutUint16(datagram[6:], checksum(h, datagram))
	var out [][]byte
	for at := 0; at < len(datagram); at += fragmentSize {
		end := min(at+fragmentSize, len(datagram))
		out = append(out, fragment(h, id, policy.ProtoUDP, at, end < len(datagram), datagram[at:end]))
	}
	return out
}

// fragment is one fragment of a packet of the protocol, at an offset in bytes.
func fragment(h lab.IPHeader, id uint32, protocol uint8, at int, more bool, payload []byte) []byte {
	if h.Src.Is4() {
		var flags layers.IPv4Flag
		if more {
			flags = layers.IPv4MoreFragments
		}
		eth, ip := h.Layers(layers.IPProtocol(protocol))
		ip.(*layers.IPv4).Id, ip.(*layers.IPv4).Flags, ip.(*layers.IPv4).FragOffset = uint16(id), flags, uint16(at/8)
		return lab.Frame(eth, ip, gopacket.Payload(payload))
	}
	// RFC 8200, section 4.5.
	header := binary.BigEndian.AppendUint16([]byte{protocol, 0}, uint16(at))
	if more {
		header[3] |= 1
	}
	header = binary.BigEndian.AppendUint32(header, id)
	eth, ip := h.Layers(layers.IPProtocolIPv6Fragment)
	return lab.Frame(eth, ip, gopacket.Payload(append(header, payload...)))
}

// checksum is UDP's, over the pseudo header too.
func checksum(h lab.IPHeader, datagram []byte) uint16 {
	pseudo := append(h.Src.AsSlice(), h.Dst.AsSlice()...)
	pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(len(datagram)))
	pseudo = append(pseudo, 0, 0, 0, policy.ProtoUDP)
	var sum uint32
	for _, b := range [][]byte{pseudo, datagram} {
		for i := 0; i+1 < len(b); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// isFragment reports whether a frame is a fragment, and neither the first nor alone.
func isFragment(p gopacket.Packet) bool {
	if ip, ok := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4); ok {
		return ip.FragOffset != 0 || ip.Flags&layers.IPv4MoreFragments != 0
	}
	return p.Layer(layers.LayerTypeIPv6Fragment) != nil
}

// TestFragmentsBelongToTheirContext holds many datagrams back by their last fragments and then completes all of them at once: more
// fragments come free than the switch handles in one go. Open vSwitch before 3.6 lets the rest go with the next packets
// that meet connection tracking, whosever they are and at whichever step; those must not carry them past the rules.
func TestFragmentsBelongToTheirContext(t *testing.T) {
	w := newTown(t)
	w.network("v2", "lan-two", 200)
	w.group("restless", egress(policy.ICMP))
	w.group("open", egress(policy.All), ingress(policy.All))
	w.group("servers", ingress(policy.ICMP))
	restless := w.vm("restless", "hv1", 1, "restless") // may ping
	open := w.vm("open", "hv1", 2, "open")             // may do everything
	near := w.vm("near", "hv1", 3, "servers")          // may be pinged
	far := w.vm("far", "hv2", 4, "open")
	other := w.Plug("hv1", "other", w.declare("other", "lan-two", 5, "open")) // in another VPC
	serve(other.Host)

	for name, c := range map[string]struct{ from, to *lab.Host }{
		"that must not leave, to a neighbour": {restless.Host, open.Host},
		"that must not leave, to the fabric":  {restless.Host, far.Host},
		"that must not arrive":                {open.Host, near.Host},
	} {
		for _, family := range []int{4, 6} {
			t.Run(name, func(t *testing.T) {
				w.t = t
				everybody := []*lab.Host{restless.Host, open.Host, near.Host, far.Host, other.Host}
				var sniffers []*lab.Sniffer
				for _, h := range everybody {
					s := h.Sniff(isFragment)
					defer s.Close()
					sniffers = append(sniffers, s)
				}
				h := header(c.from, c.to, family)
				var held, last [][]byte
				for id := range uint32(30) {
					f := fragments(h, 1000+id, 9000, portB, 12)
					held, last = append(held, f[:12]...), append(last, f[12])
				}
				allowed := func(from, to *lab.Host, n uint16) (out [][]byte) {
					for i := range n {
						out = append(out, lab.PingFrame(header(from, to, family), 20000+i))
					}
					return out
				}
				c.from.SendFrames(held...)
				c.from.SendFrames(append(last, allowed(c.from, c.to, 50)...)...)
				for _, pair := range [][2]*lab.Host{{restless.Host, open.Host}, {restless.Host, far.Host}, {open.Host, near.Host}, {other.Host, other.Host}} {
					pair[0].SendFrames(allowed(pair[0], pair[1], 20)...)
				}
				w.passes(restless.Host, lab.Ping(header(restless.Host, open.Host, family).Dst))
				w.passes(open.Host, lab.Ping(header(open.Host, near.Host, family).Dst))
				w.passes(restless.Host, lab.Ping(header(restless.Host, far.Host, family).Dst))
				for i, s := range sniffers {
					require.Zero(t, s.Total(), "fragments that %s has heard", everybody[i].Label)
				}
			})
		}
	}
}

// header is what goes into a packet between two hosts of a segment.
func header(from, to *lab.Host, family int) lab.IPHeader {
	h := lab.IPHeader{SrcMAC: from.MAC, DstMAC: to.MAC, Src: from.Addr4(), Dst: to.Addr4()}
	if family == 6 {
		h.Src, h.Dst = from.Addr6(), to.Addr6()
	}
	return h
}
