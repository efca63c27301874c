package integration

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/integration/cloud"
	"conjunct/policy"
)

const (
	// groupSize is how many members the group has that one more joins.
	groupSize = 10_000
	// oneFlow is what the tool is given to compare with.
	oneFlow = "table=100,priority=1,ip,nw_src=192.0.2.1 actions=drop\n"
)

// undisturbed is the quantile of what was measured while the machine did little else.
const undisturbed = 0.1

// servers makes the host of one VM, whose group has a rule that refers to a group of 10,000, and returns a file of one flow.
func (y *yard) servers() (file string) {
	y.crowd("crowd", groupSize)
	y.groupOf("servers", fromGroup(ingress(policy.TCP, 80), "crowd"))
	y.vm("server", netip.MustParseAddr("10.1.0.1"), 1, "servers")
	y.vm("joiner", netip.MustParseAddr("10.2.0.1"), 1)
	y.connect("server-0")
	return y.file(oneFlow)
}

// BenchmarkJoin is 1,000 changes one after the other: a VM joins a group of 10,000 to which a rule on a real switch refers, and
// leaves it; each from the REST call to its answer, which waits for the switch's barrier. Beside it is one `ovs-ofctl --bundle
// add-flows` of one flow; ratio is the quotient of the medians. gather-ms is what the controller lets a change wait before its host begins with it.
//
// undisturbed-ratio is that of the fastest tenths: what other work on the machine adds is not in it.
//
// It measures once, whatever b.N is: run it with -benchtime=1x.
func BenchmarkJoin(b *testing.B) {
	y := newYard(b)
	file := y.servers()
	const times, each = 500, 10
	var joins, leaves, tool []time.Duration
	before := y.tap.read()
	modelled, changes := y.stage("modelled")
	taken, hosts := y.stage("taken")
	for n := range times {
		joins = append(joins, y.assign("joiner", "crowd"))
		leaves = append(leaves, y.assign("joiner"))
		if n%each == 0 {
			tool = append(tool, y.ofctl("--bundle", "add-flows", "br-int", file))
		}
	}
	modelledAfter, changesAfter := y.stage("modelled")
	takenAfter, hostsAfter := y.stage("taken")
	gathered := (takenAfter-taken)/(hostsAfter-hosts) - (modelledAfter-modelled)/(changesAfter-changes)
	both := append(joins, leaves...)
	report(b, median(joins), "join-ms")
	report(b, median(leaves), "leave-ms")
	report(b, quantile(both, 0.95), "p95-ms")
	report(b, median(tool), "ovs-ofctl-ms")
	b.ReportMetric(ratio(median(joins), median(tool)), "join-ratio")
	b.ReportMetric(ratio(median(leaves), median(tool)), "leave-ratio")
	report(b, quantile(both, undisturbed), "undisturbed-ms")
	report(b, quantile(tool, undisturbed), "undisturbed-tool-ms")
	b.ReportMetric(ratio(quantile(both, undisturbed), quantile(tool, undisturbed)), "undisturbed-ratio")
	b.ReportMetric(ratio(quantile(both, 0.95), median(both)), "p95/p50")
	b.ReportMetric(float64(y.tap.read().mods-before.mods)/(2*times), "flow-mods")
	b.ReportMetric(1000*gathered, "gather-ms")
	reportLoad(b)
}

// BenchmarkRule is a rule that refers to a group of 10,000, added to a group on a real switch and removed again, 200 times; see BenchmarkJoin.
func BenchmarkRule(b *testing.B) {
	y := newYard(b)
	file := y.servers()
	var adds, removes, tool []time.Duration
	var most int64
	rule := api.Rule{Rule: fromGroup(ingress(policy.TCP, 9000), "crowd")}
	rule.GroupID = "servers"
	for n := range 100 {
		path := fmt.Sprintf("/v1/rules/timed%d", n)
		before := y.tap.read().mods
		adds = append(adds, y.timed(func() error { return y.API.Do(y.ctx, http.MethodPut, path, rule, nil, api.WaitApplied(cloud.Patience)) }))
		between := y.tap.read().mods
		removes = append(removes, y.timed(func() error {
			return y.API.Do(y.ctx, http.MethodDelete, path, nil, nil, api.WaitApplied(cloud.Patience))
		}))
		after := y.tap.read().mods
		require.Positive(b, between-before)
		require.Positive(b, after-between)
		most = max(most, between-before, after-between)
		if n%5 == 0 {
			tool = append(tool, y.ofctl("--bundle", "add-flows", "br-int", file))
		}
	}
	report(b, median(adds), "add-ms")
	report(b, median(removes), "remove-ms")
	report(b, median(tool), "ovs-ofctl-ms")
	b.ReportMetric(ratio(median(adds), median(tool)), "add-ratio")
	b.ReportMetric(ratio(median(removes), median(tool)), "remove-ratio")
	b.ReportMetric(float64(most), "flow-mods")
	reportLoad(b)
}

func (y *yard) timed(f func() error) time.Duration {
	begin := time.Now()
	y.Must(f())
	return time.Since(begin)
}

// assign gives an instance exactly these groups, and says how long it took until that was in force.
func (y *yard) assign(id string, groups ...policy.GroupID) time.Duration {
	body := map[string]any{"security_group_ids": append([]policy.GroupID{}, groups...)}
	return y.timed(func() error {
		_, err := y.API.Instances().Patch(y.ctx, id, body, api.WaitApplied(cloud.Patience))
		return err
	})
}
