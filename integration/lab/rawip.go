package lab

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Protocol numbers of IP that the lab speaks by itself.
const (
	protocolIPIP = 4
	protocolSCTP = 132
)

// probeRaw sends one packet of an IP protocol and waits for the same payload from there.
func (h *Host) probeRaw(ctx context.Context, p Probe) error {
	payload := make([]byte, max(p.Size, 32))
	rand.Read(payload)
	if p.Protocol == protocolIPIP { // a switch may look inside
		payload = serialize(
			&layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: net.IPv4(192, 0, 2, 1), DstIP: net.IPv4(192, 0, 2, 2)},
			gopacket.Payload(payload))
	}
	return h.exchange(ctx, p, payload, func(answer []byte) bool { return bytes.Equal(answer, payload) })
}

// probeSCTP sends an INIT chunk and waits for its acknowledgement. The kernel's own SCTP, which
// is often missing, has no part in it.
func (h *Host) probeSCTP(ctx context.Context, p Probe) error {
	from, tag := 32768+randomUint16()/2, uint32(randomUint16())+1
	return h.exchange(ctx, p, sctpPacket(from, p.Port, 0, sctpInit, tag), func(answer []byte) bool {
		a, ok := parseSCTP(answer)
		return ok && a.from == p.Port && a.to == from && a.tag == tag && a.chunk == sctpInitAck
	})
}

// exchange sends a packet and reads until the answer.
func (h *Host) exchange(ctx context.Context, p Probe, payload []byte, isAnswer func([]byte) bool) error {
	conn, err := h.dialIP(p)
	if err != nil {
		return err
	}
	defer conn.Close()
	b := make([]byte, 65536)
	return ask(ctx, conn, func() error {
		_, err := conn.Write(payload)
		return err
	}, func() error {
		for {
			n, _, err := conn.ReadFromIP(b)
			if err != nil || isAnswer(b[:n]) {
				return err
			}
		}
	})
}

// dialIP makes a raw socket that talks to one address only, so that it hears of ICMP errors.
func (h *Host) dialIP(p Probe) (*net.IPConn, error) {
	var local *net.IPAddr
	if p.From.IsValid() {
		local = &net.IPAddr{IP: p.From.AsSlice()}
	}
	var conn *net.IPConn
	err := h.Do(func() (err error) {
		conn, err = net.DialIP(ipNetwork(p.To, p.Protocol), local, &net.IPAddr{IP: p.To.AsSlice()})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("protocol %d from %s to %s: %w", p.Protocol, h.Label, p.To, err)
	}
	return conn, nil
}

func ipNetwork(a netip.Addr, protocol uint8) string {
	if a.Is4() {
		return fmt.Sprintf("ip4:%d", protocol)
	}
	return fmt.Sprintf("ip6:%d", protocol)
}

// ListenRaw serves IP protocols by number on each address the host has at the time, until the
// lab closes. It sends back what it gets, from the address that it came to.
func (h *Host) ListenRaw(protocols ...uint8) {
	h.lab.t.Helper()
	for _, protocol := range protocols {
		h.listenRaw(protocol, func(payload []byte) []byte { return payload })
	}
}

// ListenSCTP serves SCTP ports as ListenRaw does: it acknowledges an INIT.
func (h *Host) ListenSCTP(ports ...uint16) {
	h.lab.t.Helper()
	h.listenRaw(protocolSCTP, func(payload []byte) []byte {
		p, ok := parseSCTP(payload)
		if !ok || p.chunk != sctpInit || !slices.Contains(ports, p.to) {
			return nil
		}
		return sctpPacket(p.to, p.from, p.initTag, sctpInitAck, 1)
	})
}

// listenRaw answers packets of a protocol; answer returns nil to stay silent.
func (h *Host) listenRaw(protocol uint8, answer func([]byte) []byte) {
	h.lab.t.Helper()
	for _, a := range h.Addrs {
		conn, err := h.listenIP(ipNetwork(a.Addr(), protocol), a.Addr())
		h.lab.must(err)
		h.lab.serve(conn, func() {
			b := make([]byte, 65536)
			for {
				n, from, err := conn.ReadFromIP(b)
				if err != nil {
					return // closed with the lab: an unconnected socket hears of no ICMP error
				}
				if out := answer(b[:n]); out != nil {
					_, _ = conn.WriteToIP(out, from) // an answer that can't go is a lost packet
				}
			}
		})
	}
}

// Chunk types of RFC 9260, section 3.2.
const (
	sctpInit    = 1
	sctpInitAck = 2
)

// An sctpHeader is what matters of an SCTP packet with one INIT or INIT ACK chunk.
type sctpHeader struct {
	from, to uint16
	tag      uint32 // verification tag: what the receiver has asked for; 0 in an INIT
	chunk    uint8
	initTag  uint32 // what the sender asks for
}

// sctpPacket is a packet with one INIT or INIT ACK chunk (RFC 9260, sections 3.3.2 and 3.3.3).
func sctpPacket(from, to uint16, tag uint32, chunk uint8, initTag uint32) []byte {
	c := []byte{chunk, 0, 0, 20}
	c = binary.BigEndian.AppendUint32(c, initTag)
	c = binary.BigEndian.AppendUint32(c, 65536) // receiver window
	c = binary.BigEndian.AppendUint16(c, 1)     // streams out
	c = binary.BigEndian.AppendUint16(c, 1)     // streams in
	c = binary.BigEndian.AppendUint32(c, 1)     // first sequence number
	return serialize(
		&layers.SCTP{SrcPort: layers.SCTPPort(from), DstPort: layers.SCTPPort(to), VerificationTag: tag},
		gopacket.Payload(c))
}

func parseSCTP(b []byte) (sctpHeader, bool) {
	if len(b) < 20 {
		return sctpHeader{}, false
	}
	return sctpHeader{
		from:    binary.BigEndian.Uint16(b),
		to:      binary.BigEndian.Uint16(b[2:]),
		tag:     binary.BigEndian.Uint32(b[4:]),
		chunk:   b[12],
		initTag: binary.BigEndian.Uint32(b[16:]),
	}, true
}
