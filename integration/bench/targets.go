package main

// A Target is what a metric has to be. Where the metric is the ratio of two others of the same run, Ours and Theirs name those.
type Target struct {
	Benchmark string  `json:"benchmark"` // without the prefix Benchmark
	Metric    string  `json:"metric"`
	Ours      string  `json:"ours,omitempty"`
	Theirs    string  `json:"theirs,omitempty"`
	Bound     Bound   `json:"bound"`
	Limit     float64 `json:"limit"`
	Why       string  `json:"why"`
}

// Bound says on which side of its limit a metric has to be.
type Bound string

const (
	AtMost  Bound = "≤"
	AtLeast Bound = "≥"
)

const (
	tool      = "ovs-ofctl-ms"
	everyJoin = "Fleet/a-member-joins-a-group-that-every-host-refers-to"
	steady    = "Fleet/ports-a-second-change-their-groups"
)

// targets is the table of all targets. What the fleet may take is written for a host, so that it holds for a fleet of any size: 1,000
// of them are to need at most 150 ms (99 of 100 times 400 ms). Its memory is that of the whole.
var targets = []Target{
	{"ColdStart", "ratio", "start-ms", tool, AtMost, 1.0, "a switch that comes back has its flows no later than the official tool would load them"},
	{"ColdStart", "flows", "", "", AtMost, 22_000, "an address costs one flow, whatever the groups and rules"},
	{"Join", "join-ratio", "join-ms", tool, AtMost, 0.3, "REST call to barrier, the durable store included, beside one run of the official tool"},
	{"Join", "leave-ratio", "leave-ms", tool, AtMost, 0.3, "leaving is no slower than joining"},
	{"Join", "undisturbed-ratio", "undisturbed-ms", "undisturbed-tool-ms", AtMost, 0.3, "also where other work on the machine is left out of both"},
	{"Join", "p95/p50", "p95-ms", "", AtMost, 3, "no change waits for a collection, a comparison or a snapshot"},
	{"Join", "flow-mods", "", "", AtMost, 1, "the cost of a change is what changed: one flow"},
	{"Join", "gather-ms", "", "", AtMost, 5, "nothing is gathered before it is sent: a lone change waits for nobody"},
	{"Rule", "add-ratio", "add-ms", tool, AtMost, 0.3, "a rule names a class; the 10,000 members are not its business"},
	{"Rule", "remove-ratio", "remove-ms", tool, AtMost, 0.3, "the same"},
	{"Rule", "flow-mods", "", "", AtMost, 12, "the same, counted"},
	{"Storm", "creates/s", "", "", AtLeast, 1000, "each durable on its own, through the REST API"},
	{"Storm", "sync-ms", "", "", AtMost, 2000, "what gathers while a bundle is under way goes out as one"},
	{"Storm", "flow-mods/port", "", "", AtMost, 1, "nothing is sent twice"},
	{"Bulk", "creates/s", "", "", AtLeast, 1000, "the same, in batches"},
	{"Bulk", "sync-ms", "", "", AtMost, 2000, "the same"},
	{"Apply", "apply-ms", "apply-ms", tool, AtMost, 2000, "1,000 rules in one transaction and one bundle"},
	{"Restart", "ratio", "sync-ms", tool, AtMost, 3, "comparing is one dump of the switch beside one computation"},
	{"Restart", "flow-mods", "", "", AtMost, 0, "a restart touches nothing"},
	{"Mirror_Changes", "changes/s", "", "", AtLeast, 5000, "Redis is written in pipelines"},
	{"Mirror_Stalled", "growth-MiB", "", "", AtMost, 32, "what a stalled Redis does not take is dropped, and compared when it is back"},
	{"Throughput/rules=0", "processor-ratio", "ns/KiB", "plain-ns/KiB", AtMost, 2, "connection tracking twice, beside a switch that only learns"},
	{"Throughput/rules=100", "processor-ratio", "ns/KiB", "plain-ns/KiB", AtMost, 2, "packets of a connection hit one cached flow, however many rules there are"},
	{"Throughput/rules=10000", "processor-ratio", "ns/KiB", "plain-ns/KiB", AtMost, 2, "the same"},
	{everyJoin, "hosts-p50-ms/host", "hosts-p50-ms", "", AtMost, 0.15, "all hosts refer to the group; until the last one's barrier"},
	{everyJoin, "hosts-p99-ms/host", "hosts-p99-ms", "", AtMost, 0.4, "the same"},
	{everyJoin, "flow-mods/host", "", "", AtMost, 1, "the same, counted"},
	{steady, "rest-p99-ms", "", "", AtMost, 1000, "200 changes a second, open loop"},
	{steady, "unconfirmed", "", "", AtMost, 0, "the same"},
	{"Fleet", "peak-MiB", "", "", AtMost, 1536, "resident memory of conjunctd, up to 1,000 hosts"},
	{"Fleet/restart", "flow-mods", "", "", AtMost, 0, "a restart touches nothing"},
	{"Fleet/trouble", "worst-ratio", "", "", AtMost, 2, "hosts that hang, flap or refuse do not slow the others"},
	{"Curve/addresses", "latency-growth", "", "", AtMost, 2, "100 times the addresses: a change does not look at those that stay"},
	{"Curve/hosts", "processor-growth", "", "", AtMost, 15, "10 times the hosts: linear, with a small constant"},
}
