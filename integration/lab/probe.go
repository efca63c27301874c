package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultTimeout is how long a probe waits for its answer. The kernel repeats the first packet
// of TCP after a second.
const DefaultTimeout = 1500 * time.Millisecond

// repeatAfter is when a probe asks again: a packet that a busy machine has lost is no verdict.
const repeatAfter = 300 * time.Millisecond

// A Kind is a sort of packet that a probe sends.
type Kind string

// The kinds of probes. The other side must serve all of them but the pings.
const (
	KindTCP  Kind = "tcp"  // a handshake
	KindUDP  Kind = "udp"  // a datagram and its echo
	KindPing Kind = "ping" // ICMP or ICMPv6 echo, by the address
	KindSCTP Kind = "sctp" // INIT and its acknowledgement
	KindRaw  Kind = "ip"   // a packet of an IP protocol and its echo
)

// A Probe is one question to the network: does an answer come back? It is asked again until
// the time is over.
type Probe struct {
	Kind     Kind
	To       netip.Addr
	Port     uint16     // of tcp, udp and sctp
	Protocol uint8      // of ip and sctp: a number of IANA's
	From     netip.Addr // source address; the zero Addr leaves it to the host
	Size     int        // bytes of payload of udp, ping and ip; above the MTU it travels in fragments
	Timeout  time.Duration
}

// TCP asks for a handshake.
func TCP(to netip.Addr, port uint16) Probe { return Probe{Kind: KindTCP, To: to, Port: port} }

// UDP asks for the echo of a datagram.
func UDP(to netip.Addr, port uint16) Probe { return Probe{Kind: KindUDP, To: to, Port: port} }

// Ping asks for the echo of ICMP, or ICMPv6.
func Ping(to netip.Addr) Probe { return Probe{Kind: KindPing, To: to} }

// SCTP asks for the acknowledgement of an INIT.
func SCTP(to netip.Addr, port uint16) Probe {
	return Probe{Kind: KindSCTP, To: to, Port: port, Protocol: protocolSCTP}
}

// Raw asks for the echo of a packet of an IP protocol.
func Raw(to netip.Addr, protocol uint8) Probe {
	return Probe{Kind: KindRaw, To: to, Protocol: protocol}
}

// IPIP asks for the echo of an IPv4 packet inside of an IP packet.
func IPIP(to netip.Addr) Probe { return Raw(to, protocolIPIP) }

// Within is the probe with another timeout.
func (p Probe) Within(d time.Duration) Probe { p.Timeout = d; return p }

// OfSize is the probe with a payload of n bytes.
func (p Probe) OfSize(n int) Probe { p.Size = n; return p }

// As is the probe with a source address.
func (p Probe) As(from netip.Addr) Probe { p.From = from; return p }

func (p Probe) String() string {
	if p.Kind == KindRaw {
		return fmt.Sprintf("%s-%d %s", p.Kind, p.Protocol, p.To)
	}
	if p.Port == 0 {
		return fmt.Sprintf("%s %s", p.Kind, p.To)
	}
	return fmt.Sprintf("%s %s", p.Kind, netip.AddrPortFrom(p.To, p.Port))
}

// An Outcome is what came of a probe.
type Outcome string

// The outcomes.
const (
	Open        Outcome = "open"        // answered
	Refused     Outcome = "refused"     // reset, or port unreachable: the packet arrived, nobody listens
	Unreachable Outcome = "unreachable" // no route, no neighbour, or another ICMP error
	Timeout     Outcome = "timeout"     // silence
	Broken      Outcome = "broken"      // the probe itself failed; the lab's T has been told why
)

// Try sends one probe and waits for its answer.
func (h *Host) Try(p Probe) Outcome {
	if p.Timeout == 0 {
		p.Timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.Timeout)
	defer cancel()
	send := map[Kind]func(context.Context, Probe) error{
		KindTCP:  h.probeTCP,
		KindUDP:  h.probeUDP,
		KindPing: h.probePing,
		KindSCTP: h.probeSCTP,
		KindRaw:  h.probeRaw,
	}[p.Kind]
	if send == nil {
		h.lab.t.Errorf("lab: probe from %s: unknown kind %q", h.Label, p.Kind)
		return Broken
	}
	err := send(ctx, p)
	o := outcomeOf(err)
	if o == Broken {
		h.lab.t.Errorf("lab: probe from %s, %s: %v", h.Label, p, err)
	}
	return o
}

// ask sends a question and waits for the answer, again and again until there is one, or an
// error that is no silence, or ctx is over.
func ask(ctx context.Context, conn interface{ SetReadDeadline(time.Time) error }, send, answer func() error) error {
	for {
		if err := send(); err != nil {
			return err
		}
		next := time.Now().Add(repeatAfter)
		end, limited := ctx.Deadline()
		if limited && end.Before(next) {
			next = end
		}
		if err := conn.SetReadDeadline(next); err != nil {
			return err
		}
		err := answer()
		if !errors.Is(err, os.ErrDeadlineExceeded) || (limited && !time.Now().Before(end)) {
			return err
		}
	}
}

// TryUntil sends the probe again and again until its outcome is want, and returns the last one.
func (h *Host) TryUntil(want Outcome, p Probe, within time.Duration) Outcome {
	end := time.Now().Add(within)
	for {
		got := h.Try(p)
		if got == want || got == Broken || time.Now().After(end) {
			return got
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// outcomes are the errors that are an answer of the network.
var outcomes = []struct {
	err     error
	outcome Outcome
}{
	{unix.ECONNREFUSED, Refused},
	{unix.ENOPROTOOPT, Refused}, // ICMP "protocol unreachable"
	{unix.EHOSTUNREACH, Unreachable},
	{unix.ENETUNREACH, Unreachable},
	{unix.EACCES, Unreachable}, // ICMPv6 "administratively prohibited"
	{context.DeadlineExceeded, Timeout},
	{os.ErrDeadlineExceeded, Timeout},
	{unix.ETIMEDOUT, Timeout},
}

func outcomeOf(err error) Outcome {
	if err == nil {
		return Open
	}
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			return o.outcome
		}
	}
	return Broken
}

// An Attempt is a probe and who sends it.
type Attempt struct {
	From  *Host
	Probe Probe
}

// attemptsAtOnce keeps a large matrix from filling the sockets' queues.
const attemptsAtOnce = 128

// TryAll sends many probes at the same time and returns their outcomes in the same order.
func TryAll(attempts []Attempt) []Outcome {
	outcomes := make([]Outcome, len(attempts))
	slots := make(chan struct{}, attemptsAtOnce)
	var wg sync.WaitGroup
	for i, a := range attempts {
		slots <- struct{}{}
		wg.Go(func() {
			outcomes[i] = a.From.Try(a.Probe)
			<-slots
		})
	}
	wg.Wait()
	return outcomes
}
