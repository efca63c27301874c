package flows_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/flows/flowstest"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

func newBench(t testing.TB, w *policytest.World) *flowstest.Bench {
	b, err := flowstest.NewBench(w, nil)
	require.NoError(t, err)
	t.Cleanup(b.Switch.Close)
	return b
}

// ask holds the switch's answer against the policy's and reports whether the connection passed.
func ask(t testing.TB, b *flowstest.Bench, q policytest.Question) bool {
	tried, d := b.Ask(q)
	if d != nil {
		t.Fatalf("seed %d: %+v\n%s", b.World.Seed, q, d)
	}
	return tried.Passed > 0
}

// TestOracle_EndToEnd sends random connections between ports, and between ports and the fabric, through the fake switch: they
// pass when both ends' policies let them. So do replies, errors about them and what comes later.
func TestOracle_EndToEnd(t *testing.T) {
	allowed, asked := 0, 0
	for seed := range uint64(150) {
		b := newBench(t, policytest.New(seed))
		for range 60 {
			q := b.World.Question()
			if ask(t, b, q) {
				allowed++
			}
			asked++
		}
		b.Switch.Close()
	}
	require.Greater(t, allowed, asked/12, "of %d", asked)
	require.Less(t, allowed, asked*11/12, "of %d", asked)
}

// TestOracle_LiveConnections takes the deciding rule of a live connection away and puts it back: every packet, in both directions,
// is judged by the rules of now. A UDP server that streams to a silent client is no exception.
func TestOracle_LiveConnections(t *testing.T) {
	stopped := 0
	for seed := range uint64(60) {
		b := newBench(t, policytest.New(seed))
		for range 40 {
			q := b.World.Question()
			c := q.Connection
			d, _ := policy.Decide(b.World.Snapshot, q.Port, q.Direction, c)
			if d.Rule == nil || c.Protocol != policy.ProtoUDP || !ask(t, b, q) {
				continue
			}
			from, to, _ := b.Ends(q)
			if !flowstest.Answerable(q, to) {
				continue // It could not answer.
			}
			check := func(want bool) {
				got, j := b.Send(flowstest.Frame(c), from, to)
				require.Equal(t, want, got, "seed %d: %+v\n%s", seed, q, j)
				got, j = b.Send(flowstest.Frame(c).Reply(), to, from)
				require.Equal(t, want, got, "seed %d: the other end of %+v\n%s", seed, q, j)
			}
			check(true)
			rule := d.Rule
			b.World.Snapshot.Delete(policy.KindRule, rule.ID)
			require.NoError(t, b.Program())
			now := explain(b, from, to, c)
			check(now.Allowed)
			if !now.Allowed {
				stopped++
			}
			b.World.Snapshot.Put(rule)
			require.NoError(t, b.Program())
			check(true)
			break
		}
		b.Switch.Close()
	}
	require.Greater(t, stopped, 10, "connections that stopped")
}

// explain asks policy with the ends' surroundings as they are at present.
func explain(b *flowstest.Bench, from, to flowstest.End, c policy.Connection) policy.Verdict {
	ends := [2]policy.End{}
	for i, e := range []flowstest.End{from, to} {
		if e.View != nil {
			ends[i].Port, _ = b.World.Snapshot.PortView(policy.PortID(e.View.Port.ID))
		}
	}
	return policy.Explain(b.World.Snapshot, ends[0], ends[1], c)
}

// TestOracle_SmallWorld tries every rule of a small shape against every packet of a small space: alone and in pairs in a union group,
// and in an ordered group as what is dropped before, or allowed before, what another one says.
func TestOracle_SmallWorld(t *testing.T) {
	shapes := smallRules()
	as := func(r policy.Rule, a policy.Action) policy.Rule { r.Action = a; return r }
	tried := map[policy.Evaluation]int{}
	try := func(e policy.Evaluation, rules ...policy.Rule) {
		b := newBench(t, smallWorld(e, rules...))
		for _, c := range smallPackets() {
			ask(t, b, policytest.Question{Port: "b", Direction: policy.Ingress, Connection: c})
			tried[e]++
		}
		b.Switch.Close()
	}
	for i := range shapes {
		for j := i; j < len(shapes); j += 1 + (i+j)%31 { // Each alone, and with some of the others.
			try(policy.Union, shapes[i], shapes[j])
		}
		for j := i % 41; j < len(shapes); j += 41 {
			try(policy.Ordered, as(shapes[i], policy.Drop), as(shapes[j], policy.Allow))
		}
		try(policy.Ordered, as(shapes[i], policy.Allow), as(policy.Rule{Protocol: policy.All}, policy.Drop))
	}
	require.Equal(t, map[policy.Evaluation]int{policy.Union: smallWorldSize, policy.Ordered: smallWorldOrderedSize}, tried, "the generator has changed")
}

// A rule for a query with a code says nothing of the answer to a query with another.
func TestOracle_AnswerHasTheCodeOfItsQuery(t *testing.T) {
	query, code := 8, 1
	w := smallWorld(policy.Ordered,
		policy.Rule{Protocol: policy.ICMP, ICMPType: &query, ICMPCode: &code, Action: policy.Drop},
		policy.Rule{Protocol: policy.All, Action: policy.Allow},
	)
	ping := policytest.Question{Port: "b", Direction: policy.Ingress, Connection: policy.Connection{
		Src: netip.MustParseAddr("10.0.0.3"), Dst: netip.MustParseAddr("10.0.0.2"), Protocol: policy.ProtoICMP, ICMPType: 8,
	}}
	require.True(t, ask(t, newBench(t, w), ping))
}

// A list of more rules than one flow carries conjunctions for drops what its last rule says, too.
func TestOracle_LongBlocklist(t *testing.T) {
	const blocked = 4500
	var rules []policy.Rule
	for i := range blocked {
		from := netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), 32)
		rules = append(rules, policy.Rule{Protocol: policy.TCP, Action: policy.Drop, Remote: policy.Remote{CIDRs: []policy.CIDR{policy.CIDR(from)}}})
	}
	b := newBench(t, smallWorld(policy.Ordered, append(rules, policy.Rule{Protocol: policy.All, Action: policy.Allow})...))
	for _, row := range []struct {
		last   int
		passes bool
	}{{0, false}, {blocked / 2, false}, {blocked - 1, false}, {blocked, true}} {
		require.Equal(t, row.passes, ask(t, b, policytest.Question{Port: "b", Direction: policy.Ingress, Connection: policy.Connection{
			Src: netip.AddrFrom4([4]byte{198, 18, byte(row.last >> 8), byte(row.last)}), Dst: netip.MustParseAddr("10.0.0.2"), Protocol: policy.ProtoTCP, SrcPort: 4000, DstPort: 80,
		}}))
	}
}

// How many connections are tried, so that a generator that shrinks is seen.
const (
	smallWorldSize        = 49772
	smallWorldOrderedSize = 36984
)

// smallWorld has ports a (in group clients), b (protected, in group servers) and c (in no chosen group) on one segment.
func smallWorld(e policy.Evaluation, rules ...policy.Rule) *policytest.World {
	w := policytest.Empty()
	w.Put(&policy.VPC{Meta: policy.Meta{ID: "v"}, Name: "v", ProjectID: "p"})
	w.Put(&policy.Subnet{Meta: policy.Meta{ID: "s"}, Name: "s", VPCID: "v", CIDRs: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("2001:db8::/64"),
	}})
	w.Put(&policy.IPSet{Meta: policy.Meta{ID: "set"}, Name: "set", ProjectID: "p", IPVersion: 4})
	w.Put(&policy.Entry{Meta: policy.Meta{ID: "e"}, IPSetID: "set", CIDR: policy.CIDR(netip.MustParsePrefix("10.0.0.0/31"))})
	for _, g := range []string{"open", "clients"} {
		w.Put(&policy.Group{Meta: policy.Meta{ID: g}, Name: g, ProjectID: "p"})
	}
	w.Put(&policy.Group{Meta: policy.Meta{ID: "servers"}, Name: "servers", ProjectID: "p", Evaluation: e})
	w.Put(&policy.Rule{Meta: policy.Meta{ID: "open"}, GroupID: "open", Direction: policy.Egress, Protocol: policy.All})
	for i := range rules {
		r := rules[i].Clone().(*policy.Rule)
		r.ID, r.GroupID, r.Direction = fmt.Sprintf("r%d", i), "servers", policy.Ingress
		w.Put(r)
	}
	for i, p := range []struct {
		id     string
		groups []policy.GroupID
	}{{"a", []policy.GroupID{"open", "clients"}}, {"b", []policy.GroupID{"servers"}}, {"c", []policy.GroupID{"open"}}} {
		w.Put(&policy.Instance{Meta: policy.Meta{ID: p.id}, Name: p.id, ProjectID: "p", SecurityGroupIDs: p.groups})
		n := byte(i + 1)
		w.Put(&policy.Port{
			Meta: policy.Meta{ID: p.id}, InstanceID: policy.InstanceID(p.id), SubnetID: "s", MAC: policy.MAC{2, 0, 0, 0, 0, n},
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, n}), netip.AddrFrom16([16]byte{0: 0x20, 1: 1, 2: 0x0d, 3: 0xb8, 15: n})},
		})
		w.OFPorts[policy.PortID(p.id)] = uint16(n)
	}
	return w
}

func smallRules() []policy.Rule {
	type service struct {
		protocol policy.Protocol
		low, hi  int
		kind     int
	}
	var out []policy.Rule
	for _, s := range []service{
		{policy.All, 0, 0, -1}, {policy.TCP, 0, 0, -1}, {policy.TCP, 80, 80, -1}, {policy.TCP, 79, 81, -1}, {policy.UDP, 80, 80, -1},
		{policy.SCTP, 80, 80, -1}, {policy.ICMP, 0, 0, -1}, {policy.ICMP, 0, 0, 8}, {policy.ICMPv6, 0, 0, 128}, {"4", 0, 0, -1},
	} {
		for _, remote := range []policy.Remote{
			{Any: true}, {GroupID: "clients"}, {IPSetID: "set"}, {SubnetID: "s"}, {OwnSubnet: true},
			{CIDRs: []policy.CIDR{policy.CIDR(netip.MustParsePrefix("0.0.0.0/0"))}},
			{CIDRs: []policy.CIDR{policy.CIDR(netip.MustParsePrefix("10.0.0.1/32")), policy.CIDR(netip.MustParsePrefix("2001:db8::/126"))}},
		} {
			for _, version := range []int{0, 4, 6} {
				r := policy.Rule{Protocol: s.protocol, Remote: remote}
				if s.low > 0 {
					r.PortMin, r.PortMax = &s.low, &s.hi
				}
				if s.kind >= 0 {
					r.ICMPType = &s.kind
				}
				if version > 0 {
					r.IPVersion = &version
				}
				if v4, v6 := r.Families(map[bool]int{true: 4}[remote.IPSetID != ""]); (v4 || v6) && consistent(r) {
					out = append(out, r)
				}
			}
		}
	}
	return out
}

// consistent leaves out rules that validation refuses: parts of another version than the one named.
func consistent(r policy.Rule) bool {
	if r.IPVersion == nil {
		return true
	}
	if r.Protocol == policy.ICMPv6 && *r.IPVersion != 6 || r.Remote.IPSetID != "" && *r.IPVersion != 4 {
		return false
	}
	for _, c := range r.Remote.CIDRs {
		if policy.Version(c.Prefix().Addr()) != *r.IPVersion {
			return false
		}
	}
	return true
}

func smallPackets() []policy.Connection {
	var out []policy.Connection
	for _, a := range [][2]string{{"10.0.0.1", "10.0.0.2"}, {"10.0.0.3", "10.0.0.2"}, {"2001:db8::1", "2001:db8::2"}, {"2001:db8::3", "2001:db8::2"}} {
		src, dst := netip.MustParseAddr(a[0]), netip.MustParseAddr(a[1])
		add := func(c policy.Connection) {
			c.Src, c.Dst = src, dst
			out = append(out, c)
		}
		for _, port := range []uint16{78, 79, 80, 81, 82} {
			add(policy.Connection{Protocol: policy.ProtoTCP, SrcPort: 4000, DstPort: port})
		}
		add(policy.Connection{Protocol: policy.ProtoUDP, SrcPort: 4000, DstPort: 80})
		add(policy.Connection{Protocol: policy.ProtoUDP, SrcPort: 80, DstPort: 4000})
		add(policy.Connection{Protocol: policy.ProtoSCTP, SrcPort: 4000, DstPort: 80})
		add(policy.Connection{Protocol: policy.ProtoSCTP, SrcPort: 4000, DstPort: 81})
		add(policy.Connection{Protocol: 4})
		if src.Is4() {
			add(policy.Connection{Protocol: policy.ProtoICMP, ICMPType: 8})
			add(policy.Connection{Protocol: policy.ProtoICMP, ICMPType: 13})
		} else {
			add(policy.Connection{Protocol: policy.ProtoICMPv6, ICMPType: 128})
		}
	}
	return out
}
