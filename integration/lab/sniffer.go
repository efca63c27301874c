package lab

import (
	"slices"
	"sync"
	"time"

	"github.com/gopacket/gopacket"
)

// A Match chooses frames. The nil Match takes all.
type Match func(gopacket.Packet) bool

// A Sniffer keeps the frames that arrive at an interface and match. VLAN tags are in them. It
// stays with the interface that it began at: a VM that migrates gets another.
type Sniffer struct {
	*Counter // of frames
	stop     func()

	mu      sync.Mutex
	packets []gopacket.Packet
}

// Sniff begins to listen on the host's eth0, until the lab closes. It hears everything that
// arrives after it returns.
func (h *Host) Sniff(match Match) *Sniffer {
	h.lab.t.Helper()
	return h.lab.sniff(h.Namespace, hostPort, match)
}

// SniffUplink listens to what arrives at a hypervisor from the fabric.
func (hv *Hypervisor) SniffUplink(match Match) *Sniffer {
	hv.lab.t.Helper()
	return hv.lab.sniff(hv.ns, uplinkPort, match)
}

func (l *Lab) sniff(n *Namespace, iface string, match Match) *Sniffer {
	l.t.Helper()
	s := &Sniffer{Counter: newCounter()}
	var err error
	s.stop, err = l.hear(n, iface, func(p gopacket.Packet) {
		if match == nil || match(p) {
			s.mu.Lock()
			s.packets = append(s.packets, p)
			s.mu.Unlock()
			s.add(1)
		}
	})
	l.must(err)
	return s
}

// Close ends the listening.
func (s *Sniffer) Close() { s.stop() }

// Packets are the frames so far, in the order of their arrival.
func (s *Sniffer) Packets() []gopacket.Packet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.packets)
}

// Heard waits until at least one frame has matched.
func (s *Sniffer) Heard(within time.Duration) bool { return s.Reaches(1, within) }

// nth waits for the frame with a number, counted from 0.
func (s *Sniffer) nth(i int, within time.Duration) (gopacket.Packet, bool) {
	if !s.Reaches(i+1, within) {
		return nil, false
	}
	return s.Packets()[i], true
}
