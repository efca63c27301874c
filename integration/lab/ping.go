package lab

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// pingNet is what differs between ICMP and ICMPv6.
type pingNet struct {
	network       string // of net.ListenIP
	protocol      int    // of icmp.ParseMessage
	request, echo icmp.Type
	header        int // bytes of the IP header in front of an ICMP error's quotation
}

var (
	ping4 = pingNet{"ip4:icmp", 1, ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply, 20}
	ping6 = pingNet{"ip6:ipv6-icmp", 58, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, 40}
)

// probePing sends echo requests and waits for a reply, or for an error about them.
func (h *Host) probePing(ctx context.Context, p Probe) error {
	pn := ping4
	if p.To.Is6() {
		pn = ping6
	}
	conn, err := h.listenIP(pn.network, p.From)
	if err != nil {
		return err
	}
	defer conn.Close()
	sent := &icmp.Echo{ID: int(randomUint16()), Seq: 1, Data: make([]byte, max(p.Size, 8))}
	rand.Read(sent.Data)
	b, err := (&icmp.Message{Type: pn.request, Body: sent}).Marshal(nil)
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return ask(ctx, conn, func() error {
		_, err := conn.WriteToIP(b, &net.IPAddr{IP: p.To.AsSlice(), Zone: p.To.Zone()})
		return err
	}, func() error { return pn.await(conn, sent, p.To) })
}

// await reads ICMP until something concerns the request.
func (pn pingNet) await(conn *net.IPConn, sent *icmp.Echo, to netip.Addr) error {
	b := make([]byte, 65536)
	for {
		n, from, err := conn.ReadFromIP(b)
		if err != nil {
			return err
		}
		m, err := icmp.ParseMessage(pn.protocol, b[:n])
		if err != nil {
			continue
		}
		switch body := m.Body.(type) {
		case *icmp.Echo:
			if m.Type == pn.echo && body.ID == sent.ID && from.IP.Equal(to.AsSlice()) {
				if !bytes.Equal(body.Data, sent.Data) {
					return errors.New("ping: other bytes came back")
				}
				return nil
			}
		case *icmp.DstUnreach:
			if pn.quotes(body.Data, sent) {
				return unix.EHOSTUNREACH
			}
		}
	}
}

// quotes says whether an ICMP error's data is about the request: IP header, then the first
// eight bytes of ICMP, with the identifier at offset 4.
func (pn pingNet) quotes(data []byte, sent *icmp.Echo) bool {
	return len(data) >= pn.header+6 && int(binary.BigEndian.Uint16(data[pn.header+4:])) == sent.ID
}

// listenIP opens a raw socket for one protocol, "ip4:icmp".
func (h *Host) listenIP(network string, from netip.Addr) (*net.IPConn, error) {
	var local *net.IPAddr
	if from.IsValid() {
		local = &net.IPAddr{IP: from.AsSlice(), Zone: from.Zone()}
	}
	var conn *net.IPConn
	err := h.Do(func() (err error) {
		conn, err = net.ListenIP(network, local)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", network, h.Label, err)
	}
	return conn, nil
}

func randomUint16() uint16 {
	var b [2]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint16(b[:])
}
