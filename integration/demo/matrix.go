package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"conjunct/integration/lab"
)

// services are tried between every pair; ping is beside them.
var services = []uint16{22, 80, 443, 3306, 8080}

// allowed is what the worked example allows: from → to → services. Nothing else passes.
var allowed = map[string]map[string]string{
	outside:    {"jumphost": "22", "web": "80,443"},
	"jumphost": {"web": "22", "app": "22", "database": "22"},
	"web":      {"app": "8080"},
	"app":      {"database": "3306"},
}

var everybody = []string{outside, "jumphost", "web", "app", "database"}

// matrix tries everything in both families and prints what was measured beside what is expected.
func (s *show) matrix() {
	for _, h := range s.hosts {
		h.ListenTCP(services...)
	}
	for _, family := range []int{4, 6} {
		s.title("IPv%d: who reaches whom (rows open, columns receive; TCP ports, p = ping)", family)
		begin := time.Now()
		measured := s.measure(family)
		expected := func(from, to string) string {
			if family == 6 && (from == outside || to == outside) {
				return "" // The manifest names 0.0.0.0/0 only.
			}
			return allowed[from][to]
		}
		fmt.Printf("%s   %s\n", row("measured", everybody), row("expected", everybody))
		differences := 0
		for _, from := range everybody {
			var left, right []string
			for _, to := range everybody {
				got, want := measured[[2]string{from, to}], expected(from, to)
				if got != want {
					differences++
				}
				if from == to {
					got, want = "·", "·"
				}
				left, right = append(left, got), append(right, want)
			}
			fmt.Printf("%s   %s\n", row(from, left), row(from, right))
		}
		s.expect(fmt.Sprintf("%d probes", (len(services)+1)*len(everybody)*(len(everybody)-1)), time.Since(begin), differences == 0, "%d differences", differences)
	}
}

// row is a line of one matrix.
func row(name string, cells []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %-9s", name)
	for _, c := range cells {
		fmt.Fprintf(&b, " %-8s", c)
	}
	return b.String()
}

// measure probes every pair and lists the services that answered.
func (s *show) measure(family int) map[[2]string]string {
	var attempts []lab.Attempt
	var pairs [][2]string
	var words []string
	for _, from := range everybody {
		for _, to := range everybody {
			if from == to {
				continue
			}
			at := s.hosts[to].Addr4()
			if family == 6 {
				at = s.hosts[to].Addr6()
			}
			for _, port := range services {
				attempts = append(attempts, lab.Attempt{From: s.hosts[from], Probe: lab.TCP(at, port)})
				pairs, words = append(pairs, [2]string{from, to}), append(words, fmt.Sprint(port))
			}
			attempts = append(attempts, lab.Attempt{From: s.hosts[from], Probe: lab.Ping(at)})
			pairs, words = append(pairs, [2]string{from, to}), append(words, "p")
		}
	}
	open := map[[2]string][]string{}
	for i, outcome := range lab.TryAll(attempts) {
		if outcome == lab.Open {
			open[pairs[i]] = append(open[pairs[i]], words[i])
		}
	}
	out := map[[2]string]string{}
	for pair, list := range open {
		out[pair] = strings.Join(slices.Compact(list), ",")
	}
	return out
}
