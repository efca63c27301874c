package integration

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"conjunct/api"
	"conjunct/integration/cloud"
	"conjunct/policy"
)

// BenchmarkStorm is 10,000 ports that 32 writers create as fast as the API answers, one a request, all of them members of a group
// to which a rule on a real switch refers. sync-ms is from the last answer until the switch has confirmed the last flow.
// processor-µs/port is what conjunctd spent, on which other work on the machine has little influence.
//
// It measures once, whatever b.N is: run it with -benchtime=1x.
func BenchmarkStorm(b *testing.B) {
	storm(b, 32, 1, func(y *yard, first, _ int) error {
		return y.API.Do(y.ctx, http.MethodPut, "/v1/ports/"+portOf("crowd", first), crowdPort(first), nil)
	})
}

// BenchmarkBulk is BenchmarkStorm with manifests of 100 ports and 4 writers.
func BenchmarkBulk(b *testing.B) {
	storm(b, 4, 100, func(y *yard, first, count int) error {
		m := &api.Manifest{}
		for n := first; n < first+count; n++ {
			m.Documents = append(m.Documents, y.encode("Port", portOf("crowd", n), crowdPort(n)))
		}
		_, err := y.API.Apply(y.ctx, m)
		return err
	})
}

func crowdPort(n int) fields { return portFields("crowd", crowdBase, n) }

// storm has writers create ports, so many at once.
func storm(b *testing.B, writers, batch int, create func(y *yard, first, count int) error) {
	const ports = 10_000
	y := newYard(b)
	y.crowd("crowd", 1) // which opens the group to the rule
	y.groupOf("servers", fromGroup(ingress(policy.TCP, 80), "crowd"))
	y.vm("server", netip.MustParseAddr("10.1.0.1"), 1, "servers")
	y.connect("server-0")
	flows, before := y.installed(), y.tap.read()

	work := make(chan int, ports/batch)
	for n := 0; n < ports; n += batch {
		work <- n + 1
	}
	close(work)
	begin, spent := time.Now(), processorTimeOf(b, y.DaemonPid())
	var all errgroup.Group
	for range writers {
		all.Go(func() error {
			for n := range work {
				if err := create(y, n, batch); err != nil {
					return err
				}
			}
			return nil
		})
	}
	y.Must(all.Wait())
	last := time.Now()
	y.synced()
	after, spent := y.tap.read(), processorTimeOf(b, y.DaemonPid())-spent
	require.Equal(b, flows+ports, y.installed())
	b.ReportMetric(ports/last.Sub(begin).Seconds(), "creates/s")
	b.ReportMetric(float64(spent.Microseconds())/ports, "processor-µs/port")
	report(b, max(0, after.confirmed.Sub(last)), "sync-ms")
	b.ReportMetric(float64(after.mods-before.mods)/ports, "flow-mods/port")
	reportLoad(b)
}

// BenchmarkApply is one request that changes 1,000 rules, 50 of each of 20 groups that are all on the host: until the switch has
// confirmed the last flow. Beside it is one `ovs-ofctl --bundle add-flows` of as many flows as were added and removed.
func BenchmarkApply(b *testing.B) {
	const groups, rules = 20, 50
	y := newYard(b)
	declare := func(port int) {
		for g := range groups {
			var list []policy.Rule
			for n := range rules {
				list = append(list, fromCIDR(ingress(policy.TCP, port+n), fmt.Sprintf("198.51.%d.0/24", g*10+n%10)))
			}
			y.groupOf(fmt.Sprintf("g%d", g), list...)
		}
	}
	declare(2000)
	var ports []string
	for g := range groups {
		vm := fmt.Sprintf("vm%d", g)
		y.vm(vm, netip.AddrFrom4([4]byte{10, 1, 0, byte(g + 1)}), 1, fmt.Sprintf("g%d", g))
		ports = append(ports, portOf(vm, 0))
	}
	y.connect(ports...)
	var took []time.Duration
	before := y.tap.read().mods
	const times = 4
	for n := range times {
		declare(3000 + 1000*n)
		took = append(took, y.timed(func() error {
			y.apply(api.WaitApplied(cloud.Patience))
			return nil
		}))
	}
	mods := float64(y.tap.read().mods-before) / times
	var text string
	for n := range int(mods) {
		text += fmt.Sprintf("table=100,priority=%d,ip actions=drop\n", n+1)
	}
	tool := y.ofctl("--bundle", "add-flows", "br-int", y.file(text))
	report(b, median(took), "apply-ms")
	report(b, tool, "ovs-ofctl-ms")
	b.ReportMetric(ratio(median(took), tool), "ratio")
	b.ReportMetric(mods, "flow-mods")
	reportLoad(b)
}
