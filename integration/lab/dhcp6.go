package lab

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Ports and group of DHCPv6 (RFC 8415, section 7).
const (
	dhcp6ClientPort = 546
	dhcp6ServerPort = 547
)

var dhcp6Servers = netip.MustParseAddr("ff02::1:2")

// DHCP6 asks for an IPv6 address from the host's link-local one: SOLICIT, ADVERTISE, REQUEST,
// REPLY. It returns the address that was given and Open, or Timeout. eth0 is left as it is.
func (h *Host) DHCP6(within time.Duration) (netip.Addr, Outcome) {
	h.lab.t.Helper()
	xid := binary.BigEndian.AppendUint16([]byte{0}, randomUint16())
	answers := h.Sniff(func(p gopacket.Packet) bool {
		d, ok := p.Layer(layers.LayerTypeDHCPv6).(*layers.DHCPv6)
		return ok && dhcp6IsAnswer[d.MsgType] && bytes.Equal(d.TransactionID, xid)
	})
	defer answers.Close()
	deadline := time.Now().Add(within)

	me := layers.NewDHCPv6Option(layers.DHCPv6OptClientID, duid(h.MAC))
	h.sendDHCP6(layers.DHCPv6MsgTypeSolicit, xid, me, iaNA(netip.Addr{}))
	p, ok := answers.nth(0, time.Until(deadline))
	if !ok {
		return netip.Addr{}, Timeout
	}
	advertised := p.Layer(layers.LayerTypeDHCPv6).(*layers.DHCPv6)
	server := layers.NewDHCPv6Option(layers.DHCPv6OptServerID, dhcp6Option(advertised, layers.DHCPv6OptServerID))
	h.sendDHCP6(layers.DHCPv6MsgTypeRequest, xid, me, server, iaNA(iaAddr(advertised)))
	p, ok = answers.nth(1, time.Until(deadline))
	if !ok {
		return netip.Addr{}, Timeout
	}
	return iaAddr(p.Layer(layers.LayerTypeDHCPv6).(*layers.DHCPv6)), Open
}

var dhcp6IsAnswer = map[layers.DHCPv6MsgType]bool{
	layers.DHCPv6MsgTypeAdvertise: true,
	layers.DHCPv6MsgTypeReply:     true,
}

func (h *Host) sendDHCP6(t layers.DHCPv6MsgType, xid []byte, options ...layers.DHCPv6Option) {
	h.lab.t.Helper()
	eth, ip := IPHeader{SrcMAC: h.MAC, DstMAC: MulticastMAC(dhcp6Servers), Src: LinkLocal(h.MAC), Dst: dhcp6Servers}.
		Layers(layers.IPProtocolUDP)
	h.SendFrames(Frame(eth, ip, &layers.UDP{SrcPort: dhcp6ClientPort, DstPort: dhcp6ServerPort},
		&layers.DHCPv6{MsgType: t, TransactionID: xid, Options: options}))
}

// ServeDHCP6 answers DHCPv6 clients until the lab closes. Each client, by its MAC, gets the
// address of its lease; others get no answer.
func (h *Host) ServeDHCP6(leases map[string]netip.Addr) {
	h.lab.t.Helper()
	_, err := h.lab.hear(h.Namespace, hostPort, func(p gopacket.Packet) {
		d, ok := p.Layer(layers.LayerTypeDHCPv6).(*layers.DHCPv6)
		eth, isEthernet := p.LinkLayer().(*layers.Ethernet)
		if !ok || !isEthernet {
			return
		}
		lease, known := leases[eth.SrcMAC.String()]
		answer, asked := dhcp6Answers[d.MsgType]
		if !known || !asked {
			return
		}
		client, _ := netip.AddrFromSlice(p.NetworkLayer().NetworkFlow().Src().Raw())
		out, ip := IPHeader{SrcMAC: h.MAC, DstMAC: eth.SrcMAC, Src: LinkLocal(h.MAC), Dst: client}.Layers(layers.IPProtocolUDP)
		_ = h.sendFrames(Frame(out, ip, &layers.UDP{SrcPort: dhcp6ServerPort, DstPort: dhcp6ClientPort},
			&layers.DHCPv6{MsgType: answer, TransactionID: d.TransactionID, Options: layers.DHCPv6Options{
				layers.NewDHCPv6Option(layers.DHCPv6OptClientID, dhcp6Option(d, layers.DHCPv6OptClientID)),
				layers.NewDHCPv6Option(layers.DHCPv6OptServerID, duid(h.MAC)),
				iaNA(lease),
			}}))
	})
	h.lab.must(err)
}

// dhcp6Answers is what a server says to what it is told.
var dhcp6Answers = map[layers.DHCPv6MsgType]layers.DHCPv6MsgType{
	layers.DHCPv6MsgTypeSolicit: layers.DHCPv6MsgTypeAdvertise,
	layers.DHCPv6MsgTypeRequest: layers.DHCPv6MsgTypeReply,
}

// LinkLocal is the address that a host makes of its MAC (RFC 4291, appendix A).
func LinkLocal(mac net.HardwareAddr) netip.Addr {
	return netip.AddrFrom16([16]byte{0xfe, 0x80, 8: mac[0] ^ 0x02, 9: mac[1], 10: mac[2],
		11: 0xff, 12: 0xfe, 13: mac[3], 14: mac[4], 15: mac[5]})
}

// duid is an identifier made of a MAC (RFC 8415, section 11.4).
func duid(mac net.HardwareAddr) []byte { return append([]byte{0, 3, 0, 1}, mac...) }

// Lengths of RFC 8415, sections 21.4 and 21.6: an IA_NA before its options, an option's header.
const (
	iaNALen    = 12
	optionHead = 4
)

// iaNA is the option that asks for an address, or gives one.
func iaNA(a netip.Addr) layers.DHCPv6Option {
	b := make([]byte, iaNALen)
	b[3] = 1 // its identifier; one a client is enough
	if a.IsValid() {
		b = binary.BigEndian.AppendUint16(b, uint16(layers.DHCPv6OptIAAddr))
		b = binary.BigEndian.AppendUint16(b, 24)
		b = append(b, a.AsSlice()...)
		b = binary.BigEndian.AppendUint32(b, 3600) // preferred and valid lifetime, in seconds
		b = binary.BigEndian.AppendUint32(b, 7200)
	}
	return layers.NewDHCPv6Option(layers.DHCPv6OptIANA, b)
}

// iaAddr is the address that iaNA has put into a message; the zero Addr when there is none.
func iaAddr(d *layers.DHCPv6) netip.Addr {
	b := dhcp6Option(d, layers.DHCPv6OptIANA)
	if len(b) < iaNALen+optionHead+16 {
		return netip.Addr{}
	}
	return netip.AddrFrom16([16]byte(b[iaNALen+optionHead:]))
}

// dhcp6Option is the value of an option, nil when there is none.
func dhcp6Option(d *layers.DHCPv6, t layers.DHCPv6Opt) []byte {
	for _, o := range d.Options {
		if o.Code == t {
			return o.Data
		}
	}
	return nil
}
