package controller

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

const crowd = 10_000

// BenchmarkMemberJoins times how long it takes from the write of one more member of a group of ten thousand until the switch
// has confirmed it, beside one "ovs-ofctl --bundle add-flows" of a single flow on the same switch. ratio is the former by the
// latter; medians.
func BenchmarkMemberJoins(b *testing.B) {
	sw := newRealSwitch(b, "hv1")
	st := openStore(b)
	put(b, st, append(basics(),
		&policy.Group{Meta: policy.Meta{ID: "db"}, Name: "db", ProjectID: "p"},
		rule("db-web", "db", 3306, policy.Remote{GroupID: "web"}))...)
	put(b, st, vm("db1", 1, "db")...)
	next := 100
	const share = 200
	for range crowd / share {
		var objects []policy.Object
		for range share {
			objects = append(objects, vm(fmt.Sprintf("m%d", next), next, "web")...)
			next++
		}
		put(b, st, objects...)
	}
	c, _ := start(b, Options{Store: st, Bridge: Bridge{DatapathType: "netdev"}, DriftInterval: time.Hour})
	sw.run("ovs-vsctl", "set-manager", "tcp:"+c.OVSDBAddr().String())
	eventually(b, func() bool { h, _ := c.Host("hv1"); return h.State == policy.HostReady })
	sw.run("ovs-vsctl", "add-port", "br-int", "tap1", "--", "set", "Interface", "tap1", "type=dummy", "external_ids:iface-id=db1")
	eventually(b, func() bool { return c.Port("db1").State == policy.PortActive })

	file := sw.path("one.flow")
	var single []time.Duration
	for i := range 15 {
		require.NoError(b, os.WriteFile(file, fmt.Appendf(nil, "table=100,priority=%d,ip actions=drop\n", i+1), 0o600))
		start := time.Now()
		sw.run("ovs-ofctl", "-O", "OpenFlow15", "--bundle", "add-flows", "br-int", file)
		single = append(single, time.Since(start))
	}

	var joins []time.Duration
	for b.Loop() {
		objects := vm(fmt.Sprintf("m%d", next), next, "web")
		next++
		start := time.Now()
		revision := put(b, st, objects...)
		for {
			behind, changed := c.Behind(revision)
			if len(behind) == 0 {
				break
			}
			<-changed
		}
		joins = append(joins, time.Since(start))
	}
	b.StopTimer()
	address := vm("", next-1)[1].(*policy.Port).Addresses[0].String()
	require.Contains(b, sw.flows("br-int"), "ct_nw_src="+address+",")
	b.ReportMetric(float64(median(joins).Microseconds()), "µs/join")
	b.ReportMetric(float64(median(single).Microseconds()), "µs/ovs-ofctl")
	b.ReportMetric(float64(median(joins))/float64(median(single)), "ratio")
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}
