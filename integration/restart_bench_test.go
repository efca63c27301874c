package integration

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// BenchmarkRestart kills a conjunctd whose one switch has 100,000 flows, and starts it again. sync-ms is from the switch's
// connection (the last one, should conjunctd have refused others before it knew the host) until the host is confirmed in sync, start-ms from the start of the process; in between the switch waits before it dials
// again. Beside it is `ovs-ofctl dump-flows` of the same flows.
//
// It measures once, whatever b.N is: run it with -benchtime=1x.
func BenchmarkRestart(b *testing.B) {
	const entries, part = 100_000, 5_000
	y := newYard(b)
	y.document("IPSet", "many", fields{"ip_version": 4})
	y.apply()
	for first := 0; first < entries; first += part {
		var text strings.Builder
		for n := first; n < first+part; n++ {
			fmt.Fprintf(&text, "11.%d.%d.%d\n", n>>16, n>>8&255, n&255)
		}
		y.Must(y.API.Do(y.ctx, http.MethodPost, "/v1/ip-sets/many/entries:bulk", strings.NewReader(text.String()), nil))
	}
	rule := ingress(policy.TCP, 80)
	rule.Remote = policy.Remote{IPSetID: "many"}
	y.groupOf("servers", rule)
	y.vm("server", netip.MustParseAddr("10.1.0.1"), 1, "servers")
	y.connect("server-0")
	flows := y.installed()
	require.GreaterOrEqual(b, flows, entries)

	var start, sync, dump []time.Duration
	before := y.tap.read()
	for range 3 {
		y.KillDaemon()
		begin := time.Now()
		y.StartDaemon()
		y.keepAlive()
		y.synced()
		now := time.Now()
		start, sync = append(start, now.Sub(begin)), append(sync, now.Sub(y.tap.read().begun))
		dump = append(dump, y.ofctl("dump-flows", "br-int"))
	}
	require.Equal(b, flows, y.installed())
	b.ReportMetric(float64(flows), "flows")
	b.ReportMetric(float64(y.tap.read().mods-before.mods), "flow-mods")
	report(b, median(start), "start-ms")
	report(b, median(sync), "sync-ms")
	report(b, median(dump), "ovs-ofctl-ms")
	b.ReportMetric(ratio(median(sync), median(dump)), "ratio")
	b.ReportMetric(ratio(median(start), median(dump)), "start-ratio")
	reportLoad(b)
}
