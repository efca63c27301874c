package flows_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/openflow/ofeval"
	"conjunct/openflow/oftest"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

const uplink = 100

// bench is a fake switch that holds what a world compiles to, all ports on one host.
type bench struct {
	w *policytest.World
	s *oftest.Switch
}

func newBench(t testing.TB, w *policytest.World) *bench {
	b := &bench{w: w, s: oftest.NewSwitch(oftest.Config{DatapathID: 1})}
	t.Cleanup(b.s.Close)
	b.s.SetFragments(openflow.FragNXMatch)
	b.s.AddPorts(uplink)
	for _, n := range w.OFPorts {
		b.s.AddPorts(openflow.Port(n))
	}
	b.program(t)
	return b
}

// program makes the switch hold what the world is now; connections tracked stay.
func (b *bench) program(t testing.TB) {
	var ids []policy.PortID
	for id := range b.w.OFPorts {
		ids = append(ids, id)
	}
	mods := []openflow.FlowMod{{Command: openflow.FlowDelete, Flow: openflow.Flow{Table: openflow.AllTables}}}
	for _, f := range flows.Compile(b.w.Snapshot, policy.Resolve(b.w.Snapshot, "h", ids), b.w.OFPorts, []uint16{uplink}) {
		mods = append(mods, openflow.FlowMod{Command: openflow.FlowAdd, Flow: f})
	}
	require.NoError(t, b.s.Apply(mods...))
}

// frame puts addresses and ports of a connection into a packet.
func frame(c policy.Connection) ofeval.Packet {
	from, to := netip.AddrPortFrom(c.Src, c.SrcPort), netip.AddrPortFrom(c.Dst, c.DstPort)
	switch c.Protocol {
	case policy.ProtoTCP:
		return ofeval.TCP(from, to, ofeval.SYN)
	case policy.ProtoUDP:
		return ofeval.UDP(from, to)
	case policy.ProtoSCTP:
		return ofeval.SCTP(from, to)
	case policy.ProtoICMP, policy.ProtoICMPv6:
		return ofeval.ICMP(c.Src, c.Dst, c.ICMPType, c.ICMPCode, 7)
	}
	return ofeval.Proto(c.Src, c.Dst, c.Protocol)
}

func between(p ofeval.Packet, from, to policy.MAC) ofeval.Packet {
	return p.With(openflow.MAC(openflow.EthSrc, from), openflow.MAC(openflow.EthDst, to))
}

var outsideMAC = policy.MAC{2, 0, 0, 0, 0, 0x99}

// end is a port of the world, or somebody on the fabric when view is nil.
type end struct {
	view *policy.PortView
	port openflow.Port
	mac  policy.MAC
	addr netip.Addr
}

func (b *bench) end(id policy.PortID, version int) end {
	v, _ := b.w.Snapshot.PortView(id)
	e := end{view: v, port: openflow.Port(b.w.OFPorts[id]), mac: v.Port.MAC}
	for _, a := range v.Port.Addresses {
		if policy.Version(a) == version {
			e.addr = a
		}
	}
	return e
}

// send injects a packet at one end and reports whether it came out at the other.
func (b *bench) send(p ofeval.Packet, from, to end) (bool, ofeval.Journey) {
	p = between(p, from.mac, to.mac)
	if from.view == nil { // The frame arrives with the tag of the other end's segment.
		p = p.With(openflow.Exact(openflow.VLANVID, uint64(to.view.Subnet.VLAN)|openflow.VLANPresent))
	}
	j := b.s.Inject(from.port, p)
	return j.Reached(to.port), j
}

// TestOracle_EndToEnd sends random connections between ports, and between ports and the fabric, through the fake switch: they
// pass when both ends' policies let them. So do replies, errors about them and what comes later.
func TestOracle_EndToEnd(t *testing.T) {
	allowed, asked := 0, 0
	for seed := range uint64(150) {
		b := newBench(t, policytest.New(seed))
		for range 60 {
			q := b.w.Question()
			if b.ask(t, q) {
				allowed++
			}
			asked++
		}
		b.s.Close()
	}
	require.Greater(t, allowed, asked/12, "of %d", asked)
	require.Less(t, allowed, asked*11/12, "of %d", asked)
}

// ask tries the question's connection; the other end is the port that has the address in the segment, or the fabric.
func (b *bench) ask(t testing.TB, q policytest.Question) bool {
	c := q.Connection
	v, _ := b.w.Snapshot.PortView(q.Port)
	here := end{view: v, port: openflow.Port(b.w.OFPorts[q.Port]), mac: v.Port.MAC, addr: c.Local(q.Direction)}
	there := end{port: uplink, mac: outsideMAC, addr: c.Remote(q.Direction)}
	if other, ok := b.w.Snapshot.PortAt(policy.VPCID(v.VPC.ID), there.addr); ok && other.Subnet.ID == v.Subnet.ID {
		there = b.end(policy.PortID(other.Port.ID), policy.Version(there.addr))
		if there.port == here.port {
			return false
		}
	}
	from, to := here, there
	if q.Direction == policy.Ingress {
		from, to = there, here
	}
	want := policy.Explain(b.w.Snapshot, policy.End{Port: from.view}, policy.End{Port: to.view}, c)
	for _, n := range b.w.OFPorts { // Without ports (SCTP in the userspace datapath, IP-in-IP) the reverse of an earlier question is its reply.
		b.s.FlushZone(n)
	}
	p := frame(c)
	got, j := b.send(p, from, to)
	require.Equal(t, want.Allowed, got, "seed %d: %+v, policy %+v\n%s", b.w.Seed, q, want, j)
	platform := false
	for _, s := range want.Steps {
		platform = platform || s.Decision.Tier == policy.TierPlatform
	}
	if !got || platform || c.Protocol == policy.ProtoTCP && c.DstPort == 25 {
		return got
	}
	again := func(what string, p ofeval.Packet, from, to end) {
		ok, j := b.send(p, from, to)
		require.True(t, ok, "seed %d: %s of %+v\n%s", b.w.Seed, what, q, j)
	}
	if hasReply(c) && (to.view == nil || to.view.Owns(to.addr)) {
		answer := p.Reply()
		if c.Protocol == policy.ProtoTCP {
			answer = answer.With(openflow.Exact(openflow.TCPFlags, ofeval.SYN|ofeval.ACK))
		}
		again("the reply", answer, to, from)
		if c.Protocol == policy.ProtoTCP {
			p = p.With(openflow.Exact(openflow.TCPFlags, ofeval.ACK))
		}
		again("the next packet", p, from, to)
		again("the ICMP error", ofeval.Unreachable(to.addr, p), to, from)
	}
	return got
}

// TestOracle_LiveConnections takes the deciding rule of a live connection away and puts it back: every packet, in both directions,
// is judged by the rules of now. A UDP server that streams to a silent client is no exception.
func TestOracle_LiveConnections(t *testing.T) {
	stopped := 0
	for seed := range uint64(60) {
		b := newBench(t, policytest.New(seed))
		for range 40 {
			q := b.w.Question()
			c := q.Connection
			d, _ := policy.Decide(b.w.Snapshot, q.Port, q.Direction, c)
			if d.Rule == nil || c.Protocol != policy.ProtoUDP || !b.ask(t, q) {
				continue
			}
			v, _ := b.w.Snapshot.PortView(q.Port)
			if !v.Owns(c.Local(q.Direction)) {
				continue // It could not answer.
			}
			here := end{view: v, port: openflow.Port(b.w.OFPorts[q.Port]), mac: v.Port.MAC}
			there := end{port: uplink, mac: outsideMAC}
			if other, ok := b.w.Snapshot.PortAt(policy.VPCID(v.VPC.ID), c.Remote(q.Direction)); ok && other.Subnet.ID == v.Subnet.ID {
				there = b.end(policy.PortID(other.Port.ID), policy.Version(c.Src))
			}
			from, to := here, there
			if q.Direction == policy.Ingress {
				from, to = there, here
			}
			check := func(want bool) {
				got, j := b.send(frame(c), from, to)
				require.Equal(t, want, got, "seed %d: %+v\n%s", seed, q, j)
				got, j = b.send(frame(c).Reply(), to, from)
				require.Equal(t, want, got, "seed %d: the other end of %+v\n%s", seed, q, j)
			}
			check(true)
			rule := d.Rule
			b.w.Snapshot.Delete(policy.KindRule, rule.ID)
			b.program(t)
			now := b.explain(from, to, c)
			check(now.Allowed)
			if !now.Allowed {
				stopped++
			}
			b.w.Snapshot.Put(rule)
			b.program(t)
			check(true)
			break
		}
		b.s.Close()
	}
	require.Greater(t, stopped, 10, "connections that stopped")
}

// explain asks policy with the ends' surroundings as they are at present.
func (b *bench) explain(from, to end, c policy.Connection) policy.Verdict {
	ends := [2]policy.End{}
	for i, e := range []end{from, to} {
		if e.view != nil {
			ends[i].Port, _ = b.w.Snapshot.PortView(policy.PortID(e.view.Port.ID))
		}
	}
	return policy.Explain(b.w.Snapshot, ends[0], ends[1], c)
}

// hasReply leaves out ICMP queries that have no answer.
func hasReply(c policy.Connection) bool {
	switch c.Protocol {
	case policy.ProtoICMP:
		return c.ICMPType == 8 || c.ICMPType == 13
	case policy.ProtoICMPv6:
		return c.ICMPType == 128
	}
	return true
}

// TestOracle_SmallWorld tries every rule of a small shape, alone and in pairs, against every packet of a small space.
func TestOracle_SmallWorld(t *testing.T) {
	shapes := smallRules()
	packets := smallPackets()
	tried := 0
	for i := range shapes {
		for j := i; j < len(shapes); j += 1 + (i+j)%31 { // Each alone, and with some of the others.
			b := newBench(t, smallWorld(shapes[i], shapes[j]))
			for _, c := range packets {
				from, to := b.end("a", policy.Version(c.Src)), b.end("b", policy.Version(c.Src))
				if c.Src != from.addr {
					from = b.end("c", policy.Version(c.Src))
				}
				want := policy.Explain(b.w.Snapshot, policy.End{Port: from.view}, policy.End{Port: to.view}, c)
				got, journey := b.send(frame(c), from, to)
				require.Equal(t, want.Allowed, got, "rules %+v and %+v: %+v, policy %+v\n%s", shapes[i], shapes[j], c, want, journey)
				tried++
			}
			b.s.Close()
		}
	}
	require.Equal(t, smallWorldSize, tried, "the generator has changed")
}

// smallWorldSize is the number of packets tried, so that a generator that shrinks is seen.
const smallWorldSize = 33948

// smallWorld has ports a (in group clients), b (protected, in group servers) and c (in no chosen group) on one segment.
func smallWorld(rules ...policy.Rule) *policytest.World {
	w := policytest.Empty()
	w.Put(&policy.VPC{Meta: policy.Meta{ID: "v"}, Name: "v", ProjectID: "p"})
	w.Put(&policy.Subnet{Meta: policy.Meta{ID: "s"}, Name: "s", VPCID: "v", CIDRs: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("2001:db8::/64"),
	}})
	w.Put(&policy.IPSet{Meta: policy.Meta{ID: "set"}, Name: "set", ProjectID: "p", IPVersion: 4})
	w.Put(&policy.Entry{Meta: policy.Meta{ID: "e"}, IPSetID: "set", CIDR: policy.CIDR(netip.MustParsePrefix("10.0.0.0/31"))})
	for _, g := range []string{"open", "clients", "servers"} {
		w.Put(&policy.Group{Meta: policy.Meta{ID: g}, Name: g, ProjectID: "p"})
	}
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
			{Any: true}, {GroupID: "clients"}, {IPSetID: "set"}, {SubnetID: "s"},
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
