package cloud

import (
	"fmt"
	"net/netip"
	"strings"

	"conjunct/integration/lab"
)

// Matrix says who reaches whom, by sender and receiver: the services that answer, in their order, such as "22,80,p".
type Matrix map[string]map[string]string

// Service is something that every host of a matrix offers: a TCP port, or 0 for ping.
type Service uint16

func (s Service) String() string {
	if s == 0 {
		return "p"
	}
	return fmt.Sprint(uint16(s))
}

func (s Service) probe(from, to netip.Addr) lab.Probe {
	if s == 0 {
		return lab.Ping(to).As(from)
	}
	return lab.TCP(to, uint16(s)).As(from)
}

// Serve has all hosts offer the services.
func (x *Tiers) Serve(services []Service) {
	for _, h := range x.Hosts {
		for _, s := range services {
			if s != 0 {
				h.ListenTCP(uint16(s))
			}
		}
	}
}

// Measure probes every pair of senders and receivers with every service, in one family, and says what answered. Each host
// sends from its first address of the family.
func (x *Tiers) Measure(family int, from, to []string, services []Service) Matrix {
	address := (*lab.Host).Addr4
	if family == 6 {
		address = (*lab.Host).Addr6
	}
	type cell struct {
		from, to string
		service  Service
	}
	var attempts []lab.Attempt
	var cells []cell
	for _, f := range from {
		for _, t := range to {
			for _, s := range services {
				if f != t {
					attempts = append(attempts, lab.Attempt{From: x.Hosts[f], Probe: s.probe(address(x.Hosts[f]), address(x.Hosts[t]))})
					cells = append(cells, cell{f, t, s})
				}
			}
		}
	}
	out := Matrix{}
	for i, outcome := range lab.TryAll(attempts) {
		if outcome == lab.Open {
			out.add(cells[i].from, cells[i].to, cells[i].service)
		}
	}
	return out
}

func (m Matrix) add(from, to string, s Service) {
	if m[from] == nil {
		m[from] = map[string]string{}
	}
	m[from][to] = strings.TrimPrefix(m[from][to]+","+s.String(), ",")
}

// Differences lists the pairs that are not as wanted, in the order of the names.
func (m Matrix) Differences(want Matrix, from, to []string) (pairs [][2]string) {
	for _, f := range from {
		for _, t := range to {
			if f != t && m[f][t] != want[f][t] {
				pairs = append(pairs, [2]string{f, t})
			}
		}
	}
	return pairs
}
