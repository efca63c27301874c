package main

// A Target is what a metric has to be.
type Target struct {
	Benchmark string  `json:"benchmark"` // without the prefix Benchmark
	Metric    string  `json:"metric"`
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

// targets is the table of all targets. Ratios have both sides from the same run; what is beside ours is in the name of the metric's
// other half, such as ovs-ofctl-ms.
var targets = []Target{
	{"ColdStart", "ratio", AtMost, 1.0, "a switch that comes back has its flows no later than the official tool would load them"},
	{"ColdStart", "flows", AtMost, 22_000, "an address costs one flow, whatever the groups and rules"},
	{"Join", "join-ratio", AtMost, 0.3, "REST call to barrier, the durable store included, beside one run of the official tool"},
	{"Join", "leave-ratio", AtMost, 0.3, "leaving is no slower than joining"},
	{"Join", "p95/p50", AtMost, 3, "no change waits for a collection, a comparison or a snapshot"},
	{"Join", "flow-mods", AtMost, 1, "the cost of a change is what changed: one flow"},
	{"Join", "gather-ms", AtMost, 5, "nothing is gathered before it is sent: a lone change waits for nobody"},
	{"Rule", "add-ratio", AtMost, 0.3, "a rule names a class; the 10,000 members are not its business"},
	{"Rule", "remove-ratio", AtMost, 0.3, "the same"},
	{"Rule", "flow-mods", AtMost, 12, "the same, counted"},
	{"Storm", "creates/s", AtLeast, 1000, "each durable on its own, through the REST API"},
	{"Storm", "sync-ms", AtMost, 2000, "what gathers while a bundle is under way goes out as one"},
	{"Storm", "flow-mods/port", AtMost, 1, "nothing is sent twice"},
	{"Apply", "apply-ms", AtMost, 2000, "1,000 rules in one transaction and one bundle"},
	{"Restart", "ratio", AtMost, 3, "comparing is one dump of the switch beside one computation"},
	{"Restart", "flow-mods", AtMost, 0, "a restart touches nothing"},
	{"Mirror_Changes", "changes/s", AtLeast, 5000, "Redis is written in pipelines"},
	{"Mirror_Stalled", "growth-MiB", AtMost, 32, "what a stalled Redis does not take is dropped, and compared when it is back"},
	{"Throughput/rules=0", "processor-ratio", AtMost, 2, "connection tracking twice, beside a switch that only learns"},
	{"Throughput/rules=10000", "processor-ratio", AtMost, 2, "packets of a connection hit one cached flow, however many rules there are"},
	{everyJoin, "hosts-p50-ms", AtMost, 150, "1,000 hosts refer to the group; until the last one's barrier"},
	{everyJoin, "hosts-p99-ms", AtMost, 400, "the same"},
	{everyJoin, "flow-mods/host", AtMost, 1, "the same, counted"},
	{"Fleet/ports-a-second-change-their-groups", "rest-p99-ms", AtMost, 1000, "200 changes a second, open loop"},
	{"Fleet/ports-a-second-change-their-groups", "unconfirmed", AtMost, 0, "the same"},
	{"Fleet", "peak-MiB", AtMost, 1536, "resident memory of conjunctd"},
	{"Fleet/restart", "flow-mods", AtMost, 0, "a restart touches nothing"},
	{"Fleet/trouble", "worst-ratio", AtMost, 2, "hosts that hang, flap or refuse do not slow the others"},
	{"Curve/addresses", "latency-growth", AtMost, 2, "100 times the addresses: a change does not look at those that stay"},
	{"Curve/hosts", "processor-growth", AtMost, 15, "10 times the hosts (100 to 1,000): linear, with a small constant"},
}

const everyJoin = "Fleet/a-member-joins-a-group-that-every-host-refers-to"
