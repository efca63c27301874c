package lab

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Ports of DHCP (RFC 2131, section 4.1).
const (
	dhcpServerPort = 67
	dhcpClientPort = 68
)

// DHCP asks for an IPv4 address the way a machine without one does, with frames of its own
// making: DISCOVER, OFFER, REQUEST, ACK. It returns the address that was given and Open, or
// Timeout. eth0 is left as it is.
func (h *Host) DHCP(within time.Duration) (netip.Addr, Outcome) {
	h.lab.t.Helper()
	xid := uint32(randomUint16())<<16 | uint32(randomUint16())
	answers := h.Sniff(func(p gopacket.Packet) bool {
		d, ok := p.Layer(layers.LayerTypeDHCPv4).(*layers.DHCPv4)
		return ok && d.Operation == layers.DHCPOpReply && d.Xid == xid
	})
	defer answers.Close()
	deadline := time.Now().Add(within)

	h.sendDHCP(h.dhcpRequest(xid, layers.DHCPMsgTypeDiscover))
	p, ok := answers.nth(0, time.Until(deadline))
	if !ok {
		return netip.Addr{}, Timeout
	}
	offer := p.Layer(layers.LayerTypeDHCPv4).(*layers.DHCPv4)
	h.sendDHCP(h.dhcpRequest(xid, layers.DHCPMsgTypeRequest,
		layers.NewDHCPOption(layers.DHCPOptRequestIP, offer.YourClientIP.To4()),
		layers.NewDHCPOption(layers.DHCPOptServerID, dhcpOption(offer, layers.DHCPOptServerID))))
	p, ok = answers.nth(1, time.Until(deadline))
	if !ok {
		return netip.Addr{}, Timeout
	}
	ack := p.Layer(layers.LayerTypeDHCPv4).(*layers.DHCPv4)
	if dhcpMessage(ack) != layers.DHCPMsgTypeAck {
		return netip.Addr{}, Refused
	}
	addr, _ := netip.AddrFromSlice(ack.YourClientIP.To4())
	return addr, Open
}

func (h *Host) dhcpRequest(xid uint32, t layers.DHCPMsgType, options ...layers.DHCPOption) *layers.DHCPv4 {
	return dhcpMessageOf(layers.DHCPOpRequest, xid, h.MAC, t, options...)
}

func (h *Host) sendDHCP(d *layers.DHCPv4) {
	h.lab.t.Helper()
	eth, ip := IPHeader{SrcMAC: h.MAC, DstMAC: Broadcast, Src: netip.IPv4Unspecified(),
		Dst: netip.AddrFrom4([4]byte{255, 255, 255, 255})}.Layers(layers.IPProtocolUDP)
	h.SendFrames(Frame(eth, ip, &layers.UDP{SrcPort: dhcpClientPort, DstPort: dhcpServerPort}, d))
}

func dhcpMessageOf(op layers.DHCPOp, xid uint32, client net.HardwareAddr, t layers.DHCPMsgType, options ...layers.DHCPOption) *layers.DHCPv4 {
	all := layers.DHCPOptions{layers.NewDHCPOption(layers.DHCPOptMessageType, []byte{byte(t)})}
	all = append(all, options...)
	return &layers.DHCPv4{
		Operation: op, HardwareType: layers.LinkTypeEthernet, HardwareLen: 6, Xid: xid, ClientHWAddr: client,
		Options: append(all, layers.NewDHCPOption(layers.DHCPOptEnd, nil)),
	}
}

// dhcpOption is the value of an option, nil when there is none.
func dhcpOption(d *layers.DHCPv4, t layers.DHCPOpt) []byte {
	i := slices.IndexFunc(d.Options, func(o layers.DHCPOption) bool { return o.Type == t })
	if i < 0 {
		return nil
	}
	return d.Options[i].Data
}

func dhcpMessage(d *layers.DHCPv4) layers.DHCPMsgType {
	if b := dhcpOption(d, layers.DHCPOptMessageType); len(b) == 1 {
		return layers.DHCPMsgType(b[0])
	}
	return layers.DHCPMsgTypeUnspecified
}

// ServeDHCP answers DHCP clients from the host's first IPv4 address until the lab closes. Each
// client, by its MAC, gets the address of its lease; others get no answer.
func (h *Host) ServeDHCP(leases map[string]netip.Addr) {
	h.lab.t.Helper()
	server := h.Addr4()
	_, err := h.lab.hear(h.Namespace, hostPort, func(p gopacket.Packet) {
		d, ok := p.Layer(layers.LayerTypeDHCPv4).(*layers.DHCPv4)
		if !ok || d.Operation != layers.DHCPOpRequest {
			return
		}
		lease, known := leases[d.ClientHWAddr.String()]
		answer, asked := dhcpAnswers[dhcpMessage(d)]
		if !known || !asked {
			return
		}
		reply := dhcpMessageOf(layers.DHCPOpReply, d.Xid, d.ClientHWAddr, answer,
			layers.NewDHCPOption(layers.DHCPOptServerID, server.AsSlice()),
			layers.NewDHCPOption(layers.DHCPOptLeaseTime, []byte{0, 0, 14, 16}))
		reply.YourClientIP = lease.AsSlice()
		eth, ip := IPHeader{SrcMAC: h.MAC, DstMAC: d.ClientHWAddr, Src: server, Dst: lease}.Layers(layers.IPProtocolUDP)
		_ = h.sendFrames(Frame(eth, ip, &layers.UDP{SrcPort: dhcpServerPort, DstPort: dhcpClientPort}, reply))
	})
	h.lab.must(err)
}

// dhcpAnswers is what a server says to what it is told.
var dhcpAnswers = map[layers.DHCPMsgType]layers.DHCPMsgType{
	layers.DHCPMsgTypeDiscover: layers.DHCPMsgTypeOffer,
	layers.DHCPMsgTypeRequest:  layers.DHCPMsgTypeAck,
}
