package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/members"
	"conjunct/openflow"
	"conjunct/openflow/ofconn"
	"conjunct/openflow/oftest/real"
	"conjunct/policy"
)

// BenchmarkClassesAgainstAddresses loads one policy into a real switch in two ways: as Conjunct compiles it, where an address has
// one flow that gives it a class and rules name classes; and as plain conjunctions, where the rules' remote dimension lists the
// addresses themselves. The policy is one VM whose rules (a TCP port each) refer to ten groups that share the addresses. It reports
// for each way what is loaded, what a membership change and a rule change are, and what a packet costs that no cached flow knows.
//
// It measures once, whatever b.N is: run it with -benchtime=1x.
func BenchmarkClassesAgainstAddresses(b *testing.B) {
	for _, addresses := range []int{1_000, 10_000, 100_000} {
		for _, rules := range []int{10, 100, 1_000} {
			for _, way := range []string{"classes", "addresses"} {
				b.Run(fmt.Sprintf("%s/addresses=%d/rules=%d", way, addresses, rules), func(b *testing.B) {
					if way == "addresses" && addresses*rules/classGroups > mostClauses {
						b.Skipf("%d clauses would fill the switch's memory", addresses*rules/classGroups)
					}
					measureWay(b, way == "addresses", newCrowd(addresses, rules))
				})
			}
		}
	}
}

const (
	classGroups = 10
	mostClauses = 2_000_000
	classVPC    = policy.Number(1)
	classMAC    = "02:00:00:00:00:01"
)

// crowd is the policy: the Source of a flows.Host.
type crowd struct {
	group     *flows.Group
	members   *members.Directory
	sets      *members.Directory
	addresses int
	host      *flows.Host
}

func (c *crowd) Group(policy.Number) *flows.Group { return c.group }
func (c *crowd) Members() flows.Directory         { return c.members }
func (c *crowd) Sets() flows.Directory            { return c.sets }

func newCrowd(addresses, rules int) *crowd {
	c := &crowd{group: &flows.Group{Number: 1000}, members: members.NewDirectory(), sets: members.NewDirectory(), addresses: addresses}
	for i := range addresses {
		c.members.Add(classVPC, policy.Number(i%classGroups+1), policy.HostPrefix(crowdAddress(i)), fmt.Sprint(i))
	}
	for i := range rules {
		c.group.Rules = append(c.group.Rules, crowdRule(i))
	}
	c.host = flows.NewHost(c)
	c.host.SetUplinks([]uint16{1})
	c.host.SetPort(&flows.Port{
		ID: "vm", Number: 1, OFPort: 2, VPC: classVPC, Segment: flows.Segment{Number: 1, VPC: classVPC}, MAC: policy.MAC{2, 0, 0, 0, 0, 1},
		Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Class: flows.LocalClass{Groups: policy.NumberSetOf(1000)},
	})
	return c
}

func crowdAddress(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)})
}

func crowdRule(i int) flows.Rule {
	port := uint16(1000 + i)
	return flows.Rule{
		Number: policy.Number(i + 1), ID: policy.RuleID(fmt.Sprint(i)), Direction: policy.Ingress, Protocol: policy.TCP, V4: true, V6: true,
		Ports: &flows.PortRange{First: port, Last: port}, Type: -1, Code: -1,
		Remote: flows.Remote{Kind: policy.RemoteGroup, Number: policy.Number(i%classGroups + 1)},
	}
}

// flowsOf are all flows, spread over the addresses or not.
func (c *crowd) flowsOf(spreadOut bool) []openflow.Flow {
	all := slices.Collect(c.host.All())
	if spreadOut {
		all = spread(all)
	}
	return all
}

// spread replaces the classes of remote groups by the addresses that are in them.
func spread(all []openflow.Flow) (out []openflow.Flow) {
	type key struct {
		table uint8
		class openflow.Bits
	}
	tables := map[uint8]uint8{flows.TableEgressGroup: flows.TableEgressRules, flows.TableIngrGroup: flows.TableIngrRules}
	addresses := map[key][]openflow.Match{}
	for _, f := range all {
		for _, a := range f.Actions {
			if set, ok := a.(openflow.SetField); ok && tables[f.Table] != 0 && set.Field == flows.RegGroupClass {
				k := key{tables[f.Table], set.Value}
				addresses[k] = append(addresses[k], f.Match)
			}
		}
	}
	at := map[openflow.FlowKey]int{}
	for _, f := range all {
		if class, _, has := f.Match.Get(flows.RegGroupClass); has {
			rest := slices.Collect(f.Match.Without(flows.RegGroupClass).Fields())
			for _, m := range addresses[key{f.Table, class}] {
				g := f
				g.Match = m.With(rest...)
				if i, there := at[g.Key()]; there {
					out[i].Actions = append(slices.Clip(out[i].Actions), g.Actions...)
					continue
				}
				at[g.Key()] = len(out)
				out = append(out, g)
			}
			continue
		}
		if tables[f.Table] == 0 || len(f.Actions) == 0 {
			out = append(out, f)
		}
	}
	return out
}

func measureWay(b *testing.B, spreadOut bool, c *crowd) {
	o := real.Start(b)
	o.AddPorts(1, 2)
	nc, err := ofconn.Dial(b.Context(), o.Target(), nil)
	require.NoError(b, err)
	conn, err := ofconn.New(b.Context(), nc, ofconn.Options{})
	require.NoError(b, err)
	defer conn.Close()

	before := c.flowsOf(spreadOut)
	b.ReportMetric(float64(len(before)), "flows")
	load := timed(b, conn, difference(nil, before))
	b.ReportMetric(load.Seconds()*1000, "load-ms")

	// Two changes, each there and back: the state in between is measured from the flows that differ.
	joiner := policy.HostPrefix(netip.MustParseAddr("11.255.255.255"))
	c.tell(c.members.Add(classVPC, 1, joiner, "joiner"))
	after := c.flowsOf(spreadOut)
	reportChange(b, conn, "join", before, after)
	c.tell(c.members.Remove(classVPC, 1, joiner, "joiner"))

	without := c.group
	c.change(&flows.Group{Number: without.Number, Rules: append(slices.Clone(without.Rules), crowdRule(len(without.Rules)))})
	reportChange(b, conn, "rule", before, c.flowsOf(spreadOut))
	c.change(without)

	upcalls(b, o, c)
	b.ReportMetric(residentMiB(b, o), "switch-MiB")
	b.ReportMetric(0, "ns/op") // One run of everything says nothing.
}

func (c *crowd) change(g *flows.Group) {
	c.group = g
	c.host.GroupChanged(g.Number)
}

func (c *crowd) tell(deltas []members.Delta) {
	for _, d := range deltas {
		c.host.MembersChanged(flows.Delta(d))
	}
}

// reportChange measures a change there and back, and reports what it takes when other work on the machine is not in its way.
func reportChange(b *testing.B, conn *ofconn.Conn, name string, before, after []openflow.Flow) {
	there, back := difference(before, after), difference(after, before)
	var took []time.Duration
	for range 10 {
		took = append(took, timed(b, conn, there), timed(b, conn, back))
	}
	b.ReportMetric(float64(len(there)), name+"-flow-mods")
	b.ReportMetric(float64(quantile(took, undisturbed).Microseconds()), name+"-µs")
}

// difference is the flow-mods from one list to another.
func difference(from, to []openflow.Flow) (out []openflow.FlowMod) {
	have := make(map[openflow.FlowKey]*openflow.Flow, len(from))
	for i := range from {
		have[from[i].Key()] = &from[i]
	}
	for _, f := range to {
		old := have[f.Key()]
		delete(have, f.Key())
		if old == nil || old.String() != f.String() {
			out = append(out, openflow.FlowMod{Command: openflow.FlowAdd, Flow: f})
		}
	}
	for _, f := range have {
		out = append(out, openflow.FlowMod{Command: openflow.FlowDeleteStrict, Flow: *f})
	}
	return out
}

func timed(b *testing.B, conn *ofconn.Conn, mods []openflow.FlowMod) time.Duration {
	begin := time.Now()
	require.NoError(b, conn.Bundle(context.Background(), mods))
	return time.Since(begin)
}

const packets = 2_000

// upcalls sends packets of as many connections, which no rule allows, and reports what the switch's main thread spent on a packet that
// its cache did not know more than on one that it knew, and how many entries the cache has then. The time is that on the processor:
// other load does not count.
func upcalls(b *testing.B, o *real.OVS, c *crowd) {
	call := func(method string, params ...string) string {
		out, err := o.Appctl(method, params...)
		require.NoError(b, err)
		return out
	}
	received := func(n int) (stats string) { // The switch takes packets from a short queue.
		for deadline := time.Now().Add(time.Minute); ; {
			if stats = call("dpif-netdev/pmd-stats-show"); counted(b, stats, "packets received") >= n {
				return stats
			}
			require.Less(b, time.Now(), deadline, stats)
		}
	}
	send := func() (spent time.Duration, misses int) {
		call("dpif-netdev/pmd-stats-clear")
		begin := processorTime(b, o)
		r := rand.New(rand.NewPCG(1, 1))
		for i := range packets {
			address := r.IntN(c.addresses)
			rule := r.IntN(len(c.group.Rules))
			if rule%classGroups == address%classGroups {
				rule = rule/classGroups*classGroups + (rule+1)%classGroups
			}
			call("netdev-dummy/receive", "p1", fmt.Sprintf("in_port(1),eth(src=02:00:00:00:00:99,dst=%s),eth_type(0x0800),"+
				"ipv4(src=%s,dst=10.0.0.1,proto=6,tos=0,ttl=64,frag=no),tcp(src=%d,dst=%d),tcp_flags(syn)", classMAC, crowdAddress(address), 1024+i, 1000+rule))
			if i%50 == 49 {
				received(i + 1)
			}
		}
		return processorTime(b, o) - begin, counted(b, received(packets), "miss with success upcall")
	}
	call("dpctl/del-flows", "dummy@ovs-dummy")
	unknown, misses := send()
	megaflows := strings.Count(call("dpctl/dump-flows", "dummy@ovs-dummy"), "\n")
	known, still := send()
	require.Greater(b, misses, still)
	b.ReportMetric(float64((unknown-known).Nanoseconds())/1000/float64(misses-still), "µs/upcall")
	b.ReportMetric(float64(misses)/packets, "upcalls/connection")
	b.ReportMetric(float64(megaflows), "megaflows")
}

// counted reads a line of pmd-stats-show; there is one thread.
func counted(b *testing.B, stats, name string) int {
	_, rest, found := strings.Cut(stats, name+":")
	require.True(b, found, "%s in %s", name, stats)
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(b, err)
	return n
}

// processorTime is what the switch's main thread has had of a processor (proc(5), schedstat).
func processorTime(b *testing.B, o *real.OVS) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/schedstat", o.Pid()))
	require.NoError(b, err)
	n, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
	require.NoError(b, err)
	return time.Duration(n)
}

func residentMiB(b *testing.B, o *real.OVS) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.Pid()))
	require.NoError(b, err)
	for line := range strings.Lines(string(status)) {
		if kib, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.Fields(kib)[0])
			require.NoError(b, err)
			return float64(n) / 1024
		}
	}
	return 0
}
