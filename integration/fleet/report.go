package main

import (
	"math"
	"slices"
	"time"
)

// Report is what the command writes as JSON. Times are in seconds unless the name says otherwise.
type Report struct {
	Options  options          `json:"options"`
	Machine  Machine          `json:"machine"`
	Load     Load             `json:"load"`
	Sync     Sync             `json:"sync"`
	Changes  []Timing         `json:"changes"` // stages join, rule and steady
	Trouble  []Trouble        `json:"trouble,omitempty"`
	Restart  *Restart         `json:"restart,omitempty"`
	Stages   []Quantiles      `json:"stages"`   // of conjunct_change_seconds, over all changes
	Usage    map[string]usage `json:"usage"`    // of conjunctd after each stage
	Failures []string         `json:"failures"` // what has to be so and is not
}

// Curve is what -curve writes: one row for every size.
type Curve struct {
	Machine Machine    `json:"machine"`
	Hosts   []CurveRow `json:"by_hosts"`     // addresses stay
	Members []CurveRow `json:"by_addresses"` // hosts stay
}

// CurveRow is the cost of one change in an installation of a size.
type CurveRow struct {
	Hosts     int     `json:"hosts"`
	Addresses int     `json:"addresses"`
	All       Timing  `json:"join_every_host"`
	One       Timing  `json:"join_one_host"`
	Sync      Sync    `json:"sync"`
	RSS       int64   `json:"rss_bytes"`
	CPU       float64 `json:"cpu_ms_per_change"` // of conjunctd, for a change that every host hears of
}

// Machine is where it was measured.
type Machine struct {
	CPUs int     `json:"cpus"`
	Load float64 `json:"load_average"` // of the last minute, at the start
	Go   string  `json:"go"`
}

// Load is how fast objects are made.
type Load struct {
	Objects   int     `json:"objects"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"`
}

// Sync is the way from the first connection until every host is ready.
type Sync struct {
	Seconds      float64 `json:"seconds"`
	Flows        int     `json:"flows"` // on all hosts
	PerHost      float64 `json:"flows_per_host"`
	BytesPerFlow float64 `json:"simulator_bytes_per_flow"`
}

// Timing is how long changes of one kind took.
type Timing struct {
	What     string    `json:"what"`
	Count    int       `json:"count"`
	REST     Quantiles `json:"rest"`                  // the call with wait=applied
	Hosts    Quantiles `json:"hosts,omitzero"`        // until the last barrier reply left a host; none of changes that overlap
	Mods     float64   `json:"mods_per_change"`       // flow modifications on all hosts
	Span     float64   `json:"hosts_per_change"`      // that got any; 0 of changes that overlap
	Expected float64   `json:"expected,omitempty"`    // mods_per_change as they should be; 0: not known
	CPU      float64   `json:"cpu_ms_per_change"`     // of conjunctd
	Late     int       `json:"unconfirmed,omitempty"` // waits that ran out
}

// Quantiles are in milliseconds.
type Quantiles struct {
	Name string  `json:"name,omitempty"`
	P50  float64 `json:"p50_ms"`
	P90  float64 `json:"p90_ms"`
	P99  float64 `json:"p99_ms"`
	Max  float64 `json:"max_ms"`
}

// Trouble is how the hosts that are well fare beside those that are not. Ratio is the median to that without any trouble in
// the same run.
type Trouble struct {
	What    string    `json:"what"`
	Hosts   int       `json:"hosts_in_trouble"`
	Others  Quantiles `json:"others"`
	Ratio   float64   `json:"ratio"`
	RSS     int64     `json:"rss_growth_bytes"`
	Behind  float64   `json:"hosts_behind"` // as the metrics said meanwhile
	States  []string  `json:"states"`       // as the status said of those in trouble
	Problem string    `json:"problem,omitempty"`
	Healed  float64   `json:"healed_seconds"` // until all are ready again
}

// Restart is a killed conjunctd that comes back.
type Restart struct {
	Open      float64 `json:"open_seconds"`      // until the API answers
	Confirmed float64 `json:"confirmed_seconds"` // until every host is confirmed in sync
	Mods      int64   `json:"flow_mods"`
}

// quantiles sorts the times.
func quantiles(times []time.Duration) Quantiles {
	if len(times) == 0 {
		return Quantiles{}
	}
	slices.Sort(times)
	at := func(q float64) float64 {
		i := int(math.Ceil(q*float64(len(times)))) - 1
		return float64(times[max(0, i)].Microseconds()) / 1000
	}
	return Quantiles{P50: at(0.5), P90: at(0.9), P99: at(0.99), Max: at(1)}
}
