package integration

import (
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/integration/cloud"
	"conjunct/policy"
)

// BenchmarkStorm is 10,000 ports that 32 writers create as fast as the API answers, all of them members of a group to which a rule
// on a real switch refers. sync-ms is from the last answer until the switch has confirmed the last flow.
//
// It measures once, whatever b.N is: run it with -benchtime=1x.
func BenchmarkStorm(b *testing.B) {
	const ports, writers = 10_000, 32
	y := newYard(b)
	y.crowd("crowd", 1) // which opens the group to the rule
	y.groupOf("servers", fromGroup(ingress(policy.TCP, 80), "crowd"))
	y.vm("server", netip.MustParseAddr("10.1.0.1"), 1, "servers")
	y.connect("server-0")
	flows, before := y.installed(), y.tap.read()

	work := make(chan int)
	failed := make(chan error, writers)
	var all sync.WaitGroup
	begin := time.Now()
	for range writers {
		all.Go(func() {
			for n := range work {
				body := portFields("crowd", netip.MustParseAddr("10.64.0.1"), n)
				if err := y.API.Do(y.ctx, http.MethodPut, "/v1/ports/"+portOf("crowd", n), body, nil); err != nil {
					failed <- err
					for range work { // the others' share is not this one's to end
					}
				}
			}
		})
	}
	for n := range ports {
		work <- n + 1
	}
	close(work)
	all.Wait()
	last := time.Now()
	select {
	case err := <-failed:
		y.Must(err)
	default:
	}
	y.synced()
	after := y.tap.read()
	require.Equal(b, flows+ports, y.installed())
	b.ReportMetric(ports/last.Sub(begin).Seconds(), "creates/s")
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
