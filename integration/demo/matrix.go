package main

import (
	"fmt"
	"strings"
	"time"

	"conjunct/integration/cloud"
)

// matrix tries everything in both families and prints what was measured beside what is expected.
func (s *show) matrix() {
	s.tiers.Serve(cloud.TiersServices)
	for _, m := range []struct {
		family int
		want   cloud.Matrix
	}{{4, cloud.TiersAllowed}, {6, cloud.TiersAllowed6}} {
		s.title("IPv%d: who reaches whom (rows open, columns receive; TCP ports, p = ping)", m.family)
		s.compare(m.family, m.want, cloud.TiersHosts, cloud.TiersHosts, cloud.TiersServices)
	}
}

// compare measures a matrix, prints it beside what is wanted and returns it.
func (s *show) compare(family int, want cloud.Matrix, from, to []string, services []cloud.Service) cloud.Matrix {
	begin := time.Now()
	got := s.tiers.Measure(family, from, to, services)
	fmt.Printf("%s   %s\n", row("measured", to), row("expected", to))
	for _, f := range from {
		fmt.Printf("%s   %s\n", row(f, cells(got, f, to)), row(f, cells(want, f, to)))
	}
	wrong := got.Differences(want, from, to)
	probes := len(services) * (len(from)*len(to) - len(from))
	s.expect(fmt.Sprintf("%d probes", probes), time.Since(begin), len(wrong) == 0, "%d differences", len(wrong))
	return got
}

func cells(m cloud.Matrix, from string, to []string) (out []string) {
	for _, t := range to {
		cell := m[from][t]
		if from == t {
			cell = "·"
		}
		out = append(out, cell)
	}
	return out
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
