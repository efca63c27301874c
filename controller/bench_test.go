package controller

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/policy"
	"conjunct/policy/policytest"
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

// BenchmarkModel_MemberJoins times what the model does about one more member of a group of ten thousand, while a hundred thousand
// ports of other groups exist; the hosts are those with a port whose rule names the group. What does not change must not count.
func BenchmarkModel_MemberJoins(b *testing.B) {
	for _, hosts := range []int{1, 100} {
		b.Run(fmt.Sprintf("%d hosts", hosts), func(b *testing.B) {
			w := policytest.Empty()
			w.Put(&policy.VPC{Meta: policy.Meta{ID: "v"}, Name: "v", ProjectID: "p"})
			w.Put(&policy.Subnet{Meta: policy.Meta{ID: "s"}, Name: "s", VPCID: "v", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
			for _, id := range []string{"web", "db", "idle"} {
				w.Put(&policy.Group{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p"})
			}
			w.Put(rule("db-web", "db", 3306, policy.Remote{GroupID: "web"}))
			next := 1
			add := func(id string, group policy.GroupID) {
				for _, o := range wide(id, next, group) {
					w.Put(o)
				}
				next++
			}
			for range 10 * crowd {
				add(fmt.Sprintf("idle%d", next), "idle")
			}
			for range crowd {
				add(fmt.Sprintf("web%d", next), "web")
			}
			for i := range hosts {
				add(fmt.Sprintf("db%d", i), "db")
			}
			m := newModel(nil, time.Now)
			m.load(w.Snapshot)
			for i := range hosts {
				h := m.visit(policy.HostID(fmt.Sprintf("hv%d", i)))
				h.session = new(session)
				m.seat(h, seating{seats: map[uint16]seat{1: {iface: fmt.Sprintf("db%d", i), ofport: 1}}})
				h.take()
				h.confirm()
			}
			revision, number := int64(1), policy.Number(1_000_000)
			for b.Loop() {
				objects := wide(fmt.Sprintf("web%d", next), next, "web")
				next++
				number++
				objects[1].(*policy.Port).Number = number
				revision++
				m.apply(policy.Batch{Revision: revision, Changes: []policy.Change{
					{Kind: policy.KindInstance, ID: objects[0].Base().ID, Object: objects[0]},
					{Kind: policy.KindPort, ID: objects[1].Base().ID, Object: objects[1]},
				}})
				for _, h := range m.hosts {
					t := h.take()
					if len(t.changes.Add) != 1 {
						b.Fatalf("%d flows", len(t.changes.Add))
					}
					h.confirm()
				}
			}
		})
	}
}

// BenchmarkDiff is a host of 50 ports, each in 2 of 20 groups of 10 rules and 1,000 members, beside what its bridge holds: nothing
// (missing), everything (compared flow by flow), and everything, by the sum.
func BenchmarkDiff(b *testing.B) {
	h := yardstick(b)
	bridge := func() installed {
		have := make(installed)
		for f := range h.flows.All() {
			have[f.Key()] = &f
		}
		return have
	}
	var sum openflow.FlowSum
	for _, f := range bridge() {
		h.model.hasher.Add(&sum, f)
	}
	b.Run("missing", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, c, _ := h.takeAll(nil); len(c.missing) != sum.Flows {
				b.Fatal(len(c.missing))
			}
		}
	})
	b.Run("compared", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			have := bridge()
			b.StartTimer()
			if _, c, _ := h.takeAll(have); len(c.missing)+len(c.changed)+len(c.stale) > 0 {
				b.Fatal(c)
			}
		}
	})
	b.Run("summed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, equal := h.takeEqual(sum); !equal {
				b.Fatal("differs")
			}
		}
	})
}

// yardstick is a host with everything in its seat.
func yardstick(b *testing.B) *host {
	const groups, members, ports = 20, 1000, 50
	w := policytest.Empty()
	w.Put(&policy.VPC{Meta: policy.Meta{ID: "v"}, Name: "v", ProjectID: "p"})
	w.Put(&policy.Subnet{Meta: policy.Meta{ID: "s"}, Name: "s", VPCID: "v", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	name := func(n int) policy.GroupID { return policy.GroupID(fmt.Sprintf("g%d", n%groups)) }
	for g := range groups {
		w.Put(&policy.Group{Meta: policy.Meta{ID: string(name(g))}, Name: string(name(g)), ProjectID: "p"})
	}
	for g := range groups {
		for i := range 6 {
			cidr := policy.CIDR(netip.MustParsePrefix(fmt.Sprintf("192.0.%d.0/24", i)))
			w.Put(rule(fmt.Sprintf("%d-cidr%d", g, i), name(g), 3000+i, policy.Remote{CIDRs: []policy.CIDR{cidr}}))
		}
		for i := range 4 {
			w.Put(rule(fmt.Sprintf("%d-group%d", g, i), name(g), 4000+i, policy.Remote{GroupID: name(g + i)}))
		}
	}
	seats, next := map[uint16]seat{}, 1
	add := func(id string, groups ...policy.GroupID) {
		for _, o := range wide(id, next, groups...) {
			w.Put(o)
		}
		next++
	}
	for n := range groups * members {
		add(fmt.Sprintf("far%d", n), name(n))
	}
	for n := range ports {
		id := fmt.Sprintf("vm%d", n)
		add(id, name(n), name(n+1+n/groups))
		seats[uint16(n+1)] = seat{iface: id, ofport: uint16(n + 1)}
	}
	m := newModel(nil, time.Now)
	m.load(w.Snapshot)
	h := m.visit("hv1")
	h.session = new(session)
	m.seat(h, seating{seats: seats})
	h.take()
	h.confirm()
	return h
}

// wide is vm for more than 65,535 of them.
func wide(id string, n int, groups ...policy.GroupID) []policy.Object {
	objects := vm(id, n, groups...)
	p := objects[1].(*policy.Port)
	p.IfaceID, p.MAC[3] = id, byte(n>>16)
	p.Addresses = []netip.Addr{netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})}
	return objects
}
