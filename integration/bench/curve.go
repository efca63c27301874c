package main

// Curve is what is read of the report of integration/fleet -curve.
type Curve struct {
	Hosts   []point `json:"by_hosts"`
	Members []point `json:"by_addresses"`
}

// point is an installation of a size.
type point struct {
	Hosts     float64 `json:"hosts"`
	Addresses float64 `json:"addresses"`
	All       timing  `json:"join_every_host"`
	One       timing  `json:"join_one_host"`
	CPU       float64 `json:"cpu_ms_per_change"`
}

// readCurve makes the rows Curve/… of a report.
func (r *Results) readCurve(name string) error {
	var c Curve
	if found, err := readJSON(name, &c); !found {
		return err
	}
	r.Curve = &c
	if n := len(c.Members); n > 1 {
		first, last := c.Members[0], c.Members[n-1]
		r.add("Curve/addresses", "latency-growth", last.One.Hosts.P50/first.One.Hosts.P50)
		r.add("Curve/addresses", "processor-growth", last.CPU/first.CPU)
	}
	if n := len(c.Hosts); n > 1 {
		before, last := c.Hosts[n-2], c.Hosts[n-1]
		r.add("Curve/hosts", "latency-growth", last.All.Hosts.P50/before.All.Hosts.P50)
		r.add("Curve/hosts", "processor-growth", last.CPU/before.CPU)
	}
	return nil
}

// svg draws the cost of one change over both.
func (c *Curve) svg() []byte {
	of := func(points []point, size func(point) float64) []series {
		all := []series{
			{label: "group on every host, until the last barrier (ms)"}, {label: "group on one host, until its barrier (ms)"},
			{label: "processor time of conjunctd, every host (ms)"},
		}
		for _, p := range points {
			for i, y := range []float64{p.All.Hosts.P50, p.One.Hosts.P50, p.CPU} {
				all[i].points = append(all[i].points, [2]float64{size(p), y})
			}
		}
		return all
	}
	return draw([]chart{
		{"One member joins a group: over hosts", "hosts", of(c.Hosts, func(p point) float64 { return p.Hosts })},
		{"One member joins a group: over addresses", "addresses", of(c.Members, func(p point) float64 { return p.Addresses })},
	})
}
