package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/integration/cloud"
	"conjunct/integration/lab"
	"conjunct/policy"
)

// yard is what benchmarks of one host measure on: a conjunctd as a process of its own, a hypervisor with a real switch, a tap on
// the OpenFlow connection between them, and a client that keeps its connections open.
type yard struct {
	*cloud.Cloud
	b         *testing.B
	ctx       context.Context
	hv        *lab.Hypervisor
	tap       *wiretap
	documents []json.RawMessage
}

const (
	// yardNode is the address of the lab's first node.
	yardNode = "10.255.0.1"
	// long bounds what a benchmark waits for.
	long = 5 * time.Minute
)

func newYard(b *testing.B) *yard {
	if err := lab.Usable(); err != nil {
		b.Skip(err)
	}
	at := netip.MustParseAddrPort(yardNode + ":6654")
	c := cloud.New(b, cloud.Options{Daemon: daemon, CLI: client, Settings: []string{"--openflow-advertise=tcp:" + at.String()}})
	require.Equal(b, yardNode, c.Ctl.Addr.String())
	y := &yard{Cloud: c, b: b, ctx: b.Context()}
	y.tap = tap(b, c.Ctl.Namespace, at, netip.MustParseAddrPort(yardNode+":6653"))
	y.keepAlive()
	y.document("Project", "p", nil)
	y.document("VPC", "v", nil)
	y.document("Subnet", "lan", fields{"vpc_id": "v", "vlan": 7, "cidrs": []string{"10.0.0.0/8"}})
	b.ReportMetric(0, "ns/op") // One run of everything says nothing.
	return y
}

// keepAlive gives the client of a conjunctd that was started connections that stay open.
func (y *yard) keepAlive() {
	y.API.HTTP = &http.Client{Transport: &http.Transport{DialContext: y.Ctl.DialContext, MaxIdleConnsPerHost: 1024}}
}

// fields are those of a document's spec.
type fields map[string]any

// document adds one to what the next apply sends.
func (y *yard) document(kind, id string, spec fields) {
	y.documents = append(y.documents, y.encode(kind, id, spec))
}

// encode makes a document.
func (y *yard) encode(kind, id string, spec fields) json.RawMessage {
	if spec == nil {
		spec = fields{}
	}
	metadata := map[string]string{"name": id, "id": id}
	if kind != "Project" {
		metadata["project"] = "p"
	}
	text, err := json.Marshal(fields{"apiVersion": "conjunct/v1", "kind": kind, "metadata": metadata, "spec": spec})
	if err != nil { // A field that has no JSON is a mistake in a benchmark.
		panic(err)
	}
	return text
}

// apply sends the documents in one request.
func (y *yard) apply(options ...api.Option) {
	_, err := y.API.Apply(y.ctx, &api.Manifest{Documents: y.documents}, options...)
	y.Must(err)
	y.documents = nil
}

// vm declares an instance of the groups with so many ports; base is the first address.
func (y *yard) vm(id string, base netip.Addr, ports int, groups ...string) {
	y.document("Instance", id, fields{"security_group_ids": groups})
	for n := range ports {
		y.document("Port", portOf(id, n), portFields(id, base, n))
		if len(y.documents) >= 4000 { // Names are looked up among all objects once a request; larger ones take longer than they save.
			y.apply()
		}
	}
}

func portOf(id string, n int) string { return fmt.Sprintf("%s-%d", id, n) }

func portFields(id string, base netip.Addr, n int) fields {
	a := base.As4()
	at := uint32(a[0])<<24 + uint32(a[1])<<16 + uint32(a[2])<<8 + uint32(a[3]) + uint32(n)
	a = [4]byte{byte(at >> 24), byte(at >> 16), byte(at >> 8), byte(at)}
	return fields{
		"instance_id": id, "subnet_id": "lan", "mac": policy.MAC{2, 0, a[0], a[1], a[2], a[3]}, "addresses": []netip.Addr{netip.AddrFrom4(a)},
	}
}

func (y *yard) groupOf(id string, rules ...policy.Rule) {
	list := []api.Rule{}
	for _, r := range rules {
		list = append(list, api.Rule{Rule: r})
	}
	y.document("SecurityGroup", id, fields{"rules": list})
}

// crowdBase is the address of a crowd's first port.
var crowdBase = netip.MustParseAddr("10.64.0.1")

// crowd declares a group whose members are ports that are nowhere plugged in.
func (y *yard) crowd(id string, members int) {
	y.groupOf(id)
	y.vm(id, crowdBase, members, id)
}

// connect lets the hypervisor dial, with a port of the switch's own for each port of the API.
func (y *yard) connect(ports ...string) {
	y.apply()
	y.hv = y.Lab.Hypervisor("hv1")
	y.hv.SetManager("tcp:" + yardNode + ":6640")
	y.hv.WaitBridge(cloud.Patience)
	y.hv.Uplink()
	var args []string
	for i, id := range ports {
		name := fmt.Sprintf("tap%d", i)
		args = append(args, "--", "add-port", lab.IntegrationBridge, name, "--", "set", "Interface", name, "type=internal", "external_ids:iface-id="+id)
	}
	if len(args) > 0 {
		y.hv.Vsctl(args[1:]...)
	}
	y.synced()
	for _, id := range ports {
		p, err := y.API.Ports().Get(y.ctx, id, api.WaitActive(cloud.Patience))
		y.Must(err)
		require.Equal(y.b, policy.PortActive, p.State, p.Problem)
	}
	y.synced()
}

// until is Until with more patience.
func (y *yard) until(what string, is func() bool) {
	for end := time.Now().Add(long); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			y.Must(fmt.Errorf("waited %s in vain until %s", long, what))
		}
	}
}

// synced waits until the switch has confirmed all that is stored.
func (y *yard) synced() {
	y.until("the switch is in sync", func() bool {
		s, err := y.API.Status(y.ctx)
		if err != nil {
			return false
		}
		h, err := y.API.Hypervisors().Get(y.ctx, "hv1")
		if err == nil && h.State == policy.HostDegraded {
			y.Must(fmt.Errorf("hv1 is degraded: %v", h.Problems))
		}
		return err == nil && h.State == policy.HostReady && h.AppliedRevision >= s.Revision && y.tap.read().settled
	})
}

// installed is how many flows the switch says it has.
func (y *yard) installed() int {
	out, err := y.hv.Ofctl("dump-aggregate", lab.IntegrationBridge)
	y.Must(err)
	_, count, _ := strings.Cut(out, "flow_count=")
	n, err := strconv.Atoi(strings.TrimSpace(count))
	y.Must(err)
	return n
}

// ofctl times a run of ovs-ofctl.
func (y *yard) ofctl(args ...string) time.Duration {
	begin := time.Now()
	_, err := y.hv.Ofctl(args...)
	y.Must(err)
	return time.Since(begin)
}

// file writes a file of flows.
func (y *yard) file(text string) string {
	name := filepath.Join(y.b.TempDir(), "flows")
	require.NoError(y.b, os.WriteFile(name, []byte(text), 0o600))
	return name
}

// stage is the sum and the number of a stage in conjunct_change_seconds.
func (y *yard) stage(name string) (seconds, count float64) {
	var text string
	y.Must(y.API.Do(y.ctx, http.MethodGet, "/metrics", nil, &text))
	for line := range strings.Lines(text) {
		for what, into := range map[string]*float64{"sum": &seconds, "count": &count} {
			if value, ok := strings.CutPrefix(line, fmt.Sprintf("conjunct_change_seconds_%s{stage=%q} ", what, name)); ok {
				n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
				y.Must(err)
				*into = n
			}
		}
	}
	return seconds, count
}

// report adds a duration in milliseconds.
func report(b *testing.B, d time.Duration, unit string) {
	b.ReportMetric(float64(d.Microseconds())/1000, unit)
}

// reportLoad adds the machine's load of the last minute: beside other work, ratios say more than times.
func reportLoad(b *testing.B) {
	text, err := os.ReadFile("/proc/loadavg")
	require.NoError(b, err)
	n, err := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
	require.NoError(b, err)
	b.ReportMetric(n, "load")
}

// processorTimeOf is what all threads of a process have had of processors (proc(5), schedstat).
func processorTimeOf(b *testing.B, pid int) (total time.Duration) {
	root := fmt.Sprintf("/proc/%d/task", pid)
	tasks, err := os.ReadDir(root)
	require.NoError(b, err)
	for _, t := range tasks {
		text, err := os.ReadFile(root + "/" + t.Name() + "/schedstat")
		require.NoError(b, err)
		n, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		require.NoError(b, err)
		total += time.Duration(n)
	}
	return total
}

func ratio(ours, theirs time.Duration) float64 { return float64(ours) / float64(theirs) }

func median(d []time.Duration) time.Duration { return quantile(d, 0.5) }

func quantile(d []time.Duration, q float64) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[min(len(d)-1, int(q*float64(len(d))))]
}
