package main

import "strings"

// fleet is what is read of the report of integration/fleet; its type Report says what the fields mean.
type fleet struct {
	Options struct {
		Hosts     int `json:"hosts"`
		Addresses int `json:"addresses"`
	} `json:"options"`
	Machine struct {
		Load float64 `json:"load_average"`
	} `json:"machine"`
	Load struct {
		PerSecond float64 `json:"per_second"`
	} `json:"load"`
	Sync struct {
		Seconds float64 `json:"seconds"`
		Flows   float64 `json:"flows"`
	} `json:"sync"`
	Changes []timing `json:"changes"`
	Trouble []struct {
		What  string  `json:"what"`
		Ratio float64 `json:"ratio"`
	} `json:"trouble"`
	Restart *struct {
		Confirmed float64 `json:"confirmed_seconds"`
		Mods      float64 `json:"flow_mods"`
	} `json:"restart"`
	Usage map[string]struct {
		Peak float64 `json:"rss_peak_bytes"`
	} `json:"usage"`
	Failures []string `json:"failures"`
}

type timing struct {
	What  string    `json:"what"`
	REST  quantiles `json:"rest"`
	Hosts quantiles `json:"hosts"`
	Mods  float64   `json:"mods_per_change"`
	Span  float64   `json:"hosts_per_change"`
	CPU   float64   `json:"cpu_ms_per_change"`
	Late  float64   `json:"unconfirmed"`
}

type quantiles struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

// readFleet makes the rows Fleet/… of a report.
func (r *Results) readFleet(name string) error {
	var f fleet
	if found, err := readJSON(name, &f); !found {
		return err
	}
	r.add("Fleet", "hosts", float64(f.Options.Hosts))
	r.add("Fleet", "addresses", float64(f.Options.Addresses))
	r.add("Fleet", "load", f.Machine.Load)
	r.add("Fleet", "objects/s", f.Load.PerSecond)
	r.add("Fleet", "sync-s", f.Sync.Seconds)
	r.add("Fleet", "flows", f.Sync.Flows)
	r.add("Fleet", "failures", float64(len(f.Failures)))
	peak := 0.0
	for _, u := range f.Usage {
		peak = max(peak, u.Peak/(1<<20))
	}
	r.add("Fleet", "peak-MiB", peak)
	for _, t := range f.Changes {
		row := "Fleet/" + strings.ReplaceAll(unnumbered(t.What), " ", "-")
		r.add(row, "rest-p50-ms", t.REST.P50)
		r.add(row, "rest-p99-ms", t.REST.P99)
		r.add(row, "processor-ms", t.CPU)
		r.add(row, "unconfirmed", t.Late)
		if t.Span > 0 {
			r.add(row, "hosts-p50-ms", t.Hosts.P50)
			r.add(row, "hosts-p99-ms", t.Hosts.P99)
			r.add(row, "flow-mods/host", t.Mods/t.Span)
			r.add(row, "hosts-p50-ms/host", t.Hosts.P50/t.Span)
			r.add(row, "hosts-p99-ms/host", t.Hosts.P99/t.Span)
		}
	}
	for _, t := range f.Trouble {
		r.add("Fleet/trouble", "worst-ratio", max(t.Ratio, r.Measured["Fleet/trouble"]["worst-ratio"]))
	}
	if f.Restart != nil {
		r.add("Fleet/restart", "flow-mods", f.Restart.Mods)
		r.add("Fleet/restart", "confirmed-s", f.Restart.Confirmed)
	}
	return nil
}
