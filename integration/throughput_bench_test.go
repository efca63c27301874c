package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
	"conjunct/policy"
)

// BenchmarkThroughput is one TCP connection of iperf3 between two VMs of a host, through the userspace datapath: with a switch that
// only learns (plain), and with Conjunct's flows for one rule that allows it and for 0, 100 and 10,000 rules more. ns/KiB is what the
// switch spent on a processor for what passed, which does not depend on other load as the rate does. The ratios are to plain.
//
// It measures once, whatever b.N is: run it with -benchtime=1x.
func BenchmarkThroughput(b *testing.B) {
	if _, err := exec.LookPath("iperf3"); err != nil {
		b.Skip("iperf3 is not installed (Debian: apt-get install iperf3)")
	}
	y := newYard(b)
	const most, groups = 10_000, 4
	y.declareRules(0, groups)
	for n := range groups {
		y.vm(fmt.Sprintf("server%d", n), netip.AddrFrom4([4]byte{10, 1, 0, byte(n + 1)}), 1, fmt.Sprintf("g%d", n))
	}
	y.groupOf("clients", egress(policy.All))
	y.vm("client", netip.MustParseAddr("10.1.0.9"), 1, "clients")
	y.connect("server1-0", "server2-0", "server3-0")
	server, client := y.plug("server0"), y.plug("client")

	plain := y.Lab.Hypervisor("plain")
	plain.CreateBridge("standalone")
	at := func(name string, last byte) *lab.Machine {
		return plain.Plug(lab.VM{Name: name, Addrs: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 3, 0, last}), 24)}})
	}
	plainServer, plainClient := at("left", 1), at("right", 2)
	for _, rules := range []int{0, 100, most} {
		b.Run(fmt.Sprintf("rules=%d", rules), func(b *testing.B) {
			y.declareRules(rules, groups)
			y.apply()
			y.synced()
			b.ReportMetric(float64(y.installed()), "flows")
			yardstick := iperf(b, plain, plainServer, plainClient)
			ours := iperf(b, y.hv, server, client)
			b.ReportMetric(ours.rate/1e6, "Mbit/s")
			b.ReportMetric(ours.rate/yardstick.rate, "rate-ratio")
			b.ReportMetric(ours.perKiB, "ns/KiB")
			b.ReportMetric(yardstick.perKiB, "plain-ns/KiB")
			b.ReportMetric(ours.perKiB/yardstick.perKiB, "processor-ratio")
			b.ReportMetric(0, "ns/op")
			reportLoad(b)
		})
	}
}

// declareRules gives the groups one rule that allows iperf3, and shares so many more among them: all kinds in turn, for later
// fragments of a direction and a protocol share a flow, which carries 4,000 rules.
func (y *yard) declareRules(more, groups int) {
	for g := range groups {
		list := []policy.Rule{ingress(policy.TCP, 5201)}
		for n := g; n < more; n += groups {
			protocol := []policy.Protocol{policy.TCP, policy.UDP}[n/groups%2]
			rule := []policy.Rule{ingress(protocol, 10_000+n), egress(protocol, 10_000+n)}[n/groups/2%2]
			list = append(list, fromCIDR(rule, fmt.Sprintf("198.18.%d.0/24", n%250)))
		}
		y.groupOf(fmt.Sprintf("g%d", g), list...)
	}
}

// plug makes the machine of a VM's first port.
func (y *yard) plug(id string) *lab.Machine {
	p, err := y.API.Ports().Get(y.ctx, portOf(id, 0))
	y.Must(err)
	vm := y.hv.Plug(lab.VM{Name: id, IfaceID: p.IfaceID, MAC: p.MAC[:], Addrs: []netip.Prefix{netip.PrefixFrom(p.Addresses[0], 8)}})
	y.synced()
	return vm
}

// flood is what a connection of iperf3 was.
type flood struct {
	rate   float64 // bit/s that arrived
	perKiB float64 // ns of the switch's processor time
}

// iperf runs one for three seconds. On a busy machine a connection now and then ends before the server has said what arrived.
func iperf(b *testing.B, hv *lab.Hypervisor, server, client *lab.Machine) (got flood) {
	for range 3 {
		if got = iperfOnce(b, hv, server, client); got.rate > 0 {
			return got
		}
	}
	require.Fail(b, "iperf3 has measured nothing")
	return got
}

// iperfOnce may have measured nothing.
func iperfOnce(b *testing.B, hv *lab.Hypervisor, server, client *lab.Machine) flood {
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	serving := server.Command(ctx, "iperf3", "--server") // It goes on when a client fails half-way.
	require.NoError(b, serving.Start())
	defer func() {
		cancel()
		require.ErrorContains(b, serving.Wait(), "killed")
	}()
	var out []byte
	begin := processorTimeOf(b, hv.Pid())
	for { // The server needs a moment until it listens.
		var err error
		if out, err = client.Command(ctx, "iperf3", "--client", server.Addr4().String(), "--time", "3", "--json").Output(); err == nil {
			break
		}
		require.NoError(b, ctx.Err(), "%s", out)
		time.Sleep(20 * time.Millisecond)
		begin = processorTimeOf(b, hv.Pid())
	}
	spent := processorTimeOf(b, hv.Pid()) - begin
	var answer struct {
		End struct {
			Received struct {
				Bytes float64 `json:"bytes"`
				Rate  float64 `json:"bits_per_second"`
			} `json:"sum_received"`
		} `json:"end"`
	}
	require.NoError(b, json.Unmarshal(out, &answer))
	got := answer.End.Received
	if got.Bytes == 0 {
		return flood{}
	}
	return flood{rate: got.Rate, perKiB: float64(spent.Nanoseconds()) / (got.Bytes / 1024)}
}
