package integration

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

// groupSize is how many members the group has that one more joins.
const groupSize = 10_000

// BenchmarkJoin is one VM that joins a group of 10,000 to which a rule on a real switch refers: from the REST call to the switch's
// barrier. Beside it, in the same run, is one `ovs-ofctl --bundle add-flows` of one flow; ratio is the quotient of the medians.
func BenchmarkJoin(b *testing.B) {
	w := newTown(b)
	w.big()
	w.group("servers", fromGroup(ingress(policy.TCP, 80), "crowd"))
	w.vm("server", "hv1", 1, "servers")
	w.declare("joiner", "lan", 2)
	file := filepath.Join(b.TempDir(), "flow")
	require.NoError(b, os.WriteFile(file, []byte("table=100,priority=1,ip,nw_src=192.0.2.1 actions=drop\n"), 0o600))
	hv := w.Hypervisor("hv1")
	var joins, leaves, tool []time.Duration
	measure := func(into *[]time.Duration, f func()) {
		begin := time.Now()
		f()
		*into = append(*into, time.Since(begin))
	}
	for b.Loop() {
		measure(&joins, func() { w.assign("joiner", "crowd") })
		measure(&leaves, func() { w.assign("joiner") })
		measure(&tool, func() {
			_, err := hv.Ofctl("--bundle", "add-flows", "br-int", file)
			require.NoError(b, err)
		})
	}
	b.ReportMetric(float64(median(joins).Microseconds())/1000, "join-ms")
	b.ReportMetric(float64(median(leaves).Microseconds())/1000, "leave-ms")
	b.ReportMetric(float64(median(tool).Microseconds())/1000, "ovs-ofctl-ms")
	b.ReportMetric(float64(median(joins))/float64(median(tool)), "ratio")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// big makes a second segment whose 10,000 unbound ports are members of the group crowd.
func (w *town) big() {
	w.group("crowd")
	_, err := w.API.Subnets().Put(w.ctx, "big", &api.Subnet{Name: "big", VPCID: "v", VLAN: 9, CIDRs: []netip.Prefix{netip.MustParsePrefix("10.64.0.0/16")}})
	w.Must(err)
	_, err = w.API.Instances().Put(w.ctx, "crowd", &api.Instance{Name: "crowd", ProjectID: "p", SecurityGroupIDs: []policy.GroupID{"crowd"}})
	w.Must(err)
	work := make(chan int)
	done := make(chan error)
	for range 16 {
		go func() {
			var failed error
			for n := range work {
				if _, err := w.API.Ports().Put(w.ctx, fmt.Sprintf("m%d", n), &api.Port{Port: policy.Port{
					InstanceID: "crowd", SubnetID: "big", MAC: policy.MAC{2, 1, 0, 0, byte(n >> 8), byte(n)},
					Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 64, byte(n >> 8), byte(n)})},
				}}); err != nil {
					failed = err
				}
			}
			done <- failed
		}()
	}
	for n := range groupSize {
		work <- n + 1
	}
	close(work)
	for range 16 {
		w.Must(<-done)
	}
	w.Until("the switch has the members' flows", func() bool {
		h, err := w.API.Hypervisors().Get(w.ctx, "hv1")
		return err == nil && h.State == policy.HostReady
	})
}
