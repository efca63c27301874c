package flows

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"conjunct/openflow"
	"conjunct/policy"
)

// playground drives a Host as a controller does: it changes the shared source, tells the host, and applies what the host
// answers to a map that stands for the switch.
type playground struct {
	groups        map[policy.Number]*Group
	members, sets listing
	uplinks       []uint16
	ports         map[uint16]*Port
	host          *Host
	bridge        map[flowKey]openflow.Flow
}

func newPlayground(hash func(string, int) uint32) *playground {
	g := &playground{
		groups: map[policy.Number]*Group{}, members: listing{}, sets: listing{}, ports: map[uint16]*Port{},
		bridge: map[flowKey]openflow.Flow{},
	}
	g.host = g.newHost(hash)
	return g
}

func (g *playground) newHost(hash func(string, int) uint32) *Host {
	h := NewHost(g)
	if hash != nil {
		h.local.hash = hash
		for _, p := range h.planes {
			p.classes.hash = hash
		}
	}
	return h
}

func (g *playground) Group(n policy.Number) *Group { return g.groups[n] }
func (g *playground) Members() Directory           { return g.members }
func (g *playground) Sets() Directory              { return g.sets }

// list changes a directory and tells the host every delta.
func (g *playground) list(l listing, domain policy.Number, p netip.Prefix, set policy.Number, add bool) {
	type view struct{ own, effective policy.NumberSet }
	look := func() map[netip.Prefix]view {
		out := map[netip.Prefix]view{}
		for q := range l[domain] {
			out[q] = view{l.Own(domain, q), l.Effective(domain, q)}
		}
		return out
	}
	before := look()
	if add {
		l.add(domain, p, set)
	} else if l[domain] != nil {
		l[domain][p] = l[domain][p].Without(set)
		if l[domain][p] == "" {
			delete(l[domain], p)
		}
	}
	after := look()
	all := maps.Clone(before)
	maps.Copy(all, after)
	for q := range all {
		if before[q] == after[q] {
			continue
		}
		d := Delta{domain, q, before[q].own, after[q].own, before[q].effective, after[q].effective}
		if domain == 0 {
			g.host.EntriesChanged(d)
		} else {
			g.host.MembersChanged(d)
		}
	}
}

// sync takes the host's changes to the bridge, checking that each is one.
func (g *playground) sync(t require.TestingT) {
	c := g.host.Changes()
	if c.Full {
		clear(g.bridge)
		for f := range g.host.All() {
			g.bridge[keyOf(&f)] = f
		}
		return
	}
	for _, f := range c.Delete {
		require.Contains(t, g.bridge, keyOf(&f), "deletes what is not there")
		delete(g.bridge, keyOf(&f))
	}
	for _, f := range c.Add {
		old, had := g.bridge[keyOf(&f)]
		require.False(t, had && old.Equal(&f), "adds what is there: %s", f.String())
		g.bridge[keyOf(&f)] = f
	}
}

// fresh is what a host computes that has seen no history.
func (g *playground) fresh(hash func(string, int) uint32) *Host {
	h := g.newHost(hash)
	h.SetUplinks(g.uplinks)
	for _, n := range slices.Sorted(maps.Keys(g.ports)) {
		h.SetPort(g.ports[n])
	}
	return h
}

func texts(flows map[flowKey]openflow.Flow) []string {
	var out []string
	for _, f := range flows {
		out = append(out, f.String())
	}
	slices.Sort(out)
	return out
}

func collect(t require.TestingT, h *Host) map[flowKey]openflow.Flow {
	out := map[flowKey]openflow.Flow{}
	for f := range h.All() {
		_, twice := out[keyOf(&f)]
		require.False(t, twice, "two units have %s", f.String())
		out[keyOf(&f)] = f
	}
	return out
}

// TestHost_PathDoesNotMatter changes ports, groups, members and sets at random; after each step the bridge that has
// only seen changes holds what a fresh host computes.
func TestHost_PathDoesNotMatter(t *testing.T) {
	for name, hash := range map[string]func(string, int) uint32{
		"real hash":                 nil,
		"hash with many collisions": func(name string, salt int) uint32 { return 1 + (classHash(name, 0)+uint32(salt))%17 },
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				g := newPlayground(hash)
				g.sync(t)
				for step := range rapid.IntRange(1, 25).Draw(t, "steps") {
					g.step(t)
					if rapid.IntRange(0, 2).Draw(t, "flush") == 0 || step == 0 {
						g.sync(t)
					}
				}
				g.sync(t)
				require.Equal(t, texts(collect(t, g.fresh(hash))), texts(collect(t, g.host)), "the host")
				require.Equal(t, texts(collect(t, g.fresh(hash))), texts(g.bridge), "the bridge")
				c := g.host.Changes()
				require.True(t, c.Empty(), "nothing is left")
				for _, cut := range []Cut{{}, {Bridge: true}} {
					g.host.SetCut(cut)
					requireClassified(t, g.host)
				}
			})
		})
	}
}

// requireClassified checks what Classified says against the flows that say so.
func requireClassified(t require.TestingT, h *Host) {
	want := map[uint16]uint64{}
	for f := range h.All() {
		kind, _, _ := ParseCookie(f.Cookie)
		if in, _, ok := f.Match.Get(openflow.InPort); ok && kind == CookiePort && f.Table == TableClassify {
			want[uint16(in.Uint64())] = f.Cookie
		}
	}
	require.Equal(t, want, maps.Collect(h.Classified()))
}

func (g *playground) step(t *rapid.T) {
	num := func(label string, low, high int) int { return rapid.IntRange(low, high).Draw(t, label) }
	prefix := rapid.SampledFrom([]string{
		"10.0.0.1/32", "10.0.0.2/32", "10.0.0.3/32", "10.0.1.1/32", "10.0.0.0/24", "10.0.0.0/16", "2001:db8::1/128", "2001:db8::/64", "192.0.2.0/24", "0.0.0.0/0",
	})
	switch num("what", 0, 7) {
	case 0, 1:
		n := uint16(num("ofport", 1, 4))
		p := g.randomPort(t, n)
		g.ports[n] = p
		g.host.SetPort(p)
	case 2:
		n := uint16(num("ofport", 1, 4))
		delete(g.ports, n)
		g.host.RemovePort(n)
	case 3, 4:
		n := policy.Number(num("group", 1, 4))
		g.groups[n] = g.randomGroup(t, n)
		g.host.GroupChanged(n)
	case 5, 6:
		p := netip.MustParsePrefix(prefix.Draw(t, "member"))
		if p.Bits() > 0 {
			g.list(g.members, policy.Number(num("vpc", 1, 2)), p, policy.Number(num("group", 1, 4)), rapid.Bool().Draw(t, "joins"))
		}
		g.list(g.sets, 0, netip.MustParsePrefix(prefix.Draw(t, "entry")), policy.Number(num("set", 1, 3)), rapid.Bool().Draw(t, "listed"))
	case 7:
		g.uplinks = [][]uint16{nil, {100}, {100, 101}}[num("uplinks", 0, 2)]
		g.host.SetUplinks(g.uplinks)
	}
}

func (g *playground) randomPort(t *rapid.T, n uint16) *Port {
	vpc := policy.Number(rapid.IntRange(1, 2).Draw(t, "vpc"))
	var numbers []policy.Number
	for i := policy.Number(1); i <= 4; i++ {
		if rapid.IntRange(0, 2).Draw(t, "has group") == 0 {
			numbers = append(numbers, i)
		}
	}
	var turns []policy.Number
	for _, n := range numbers {
		if n > 2 {
			turns = append(turns, n)
		}
	}
	if rapid.Bool().Draw(t, "the other way round") {
		slices.Reverse(turns)
	}
	segment := vpc*10 + policy.Number(rapid.IntRange(0, 1).Draw(t, "segment"))
	return &Port{
		ID: policy.PortID(fmt.Sprintf("p%d", n)), Number: policy.Number(n), OFPort: n, VPC: vpc,
		Segment:   Segment{Number: segment, VPC: vpc, VLAN: uint16(segment)},
		MAC:       policy.MAC{2, 0, 0, 0, 0, byte(rapid.IntRange(1, 3).Draw(t, "mac"))},
		Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(n)})},
		Subnet: rapid.SampledFrom([][]netip.Prefix{ // Ports of a subnet whose CIDRs change have the old and the fresh ones for a moment.
			nil, prefixes("10.0.0.0/24"), prefixes("10.0.0.0/24", "2001:db8::/64"), prefixes("10.1.0.0/16"),
		}).Draw(t, "subnet"),
		Class: LocalClass{Groups: policy.NumberSetOf(numbers...), Ordered: TurnsOf(turns...), Guard: rapid.Bool().Draw(t, "guard"), Metadata: rapid.Bool().Draw(t, "metadata"), OpenIngress: rapid.Bool().Draw(t, "open")},
	}
}

func (g *playground) randomGroup(t *rapid.T, group policy.Number) *Group {
	out := &Group{Number: group}
	runs := map[policy.Direction]uint16{}
	for i := policy.Number(1); i <= 4; i++ {
		if !rapid.Bool().Draw(t, "has rule") {
			continue
		}
		r := randomRule(t, group*10+i)
		if group > 2 { // Groups 3 and 4 are ordered; each rule is a run, so actions alternate.
			runs[r.Direction]++
			r.Run, r.Drop = runs[r.Direction], (runs[r.Direction]+uint16(group))%2 == 0
		}
		out.Rules = append(out.Rules, r)
	}
	return out
}

func randomRule(t *rapid.T, n policy.Number) Rule {
	r := Rule{Number: n, Direction: rapid.SampledFrom(policy.Directions).Draw(t, "direction"), V4: true, V6: true, Type: -1, Code: -1}
	r.Protocol = rapid.SampledFrom([]policy.Protocol{policy.All, policy.TCP, policy.SCTP, policy.ICMP, "4"}).Draw(t, "protocol")
	if r.Protocol.HasPorts() && rapid.Bool().Draw(t, "ports") {
		r.Ports = rapid.SampledFrom([]*PortRange{{22, 22}, {1000, 1999}, {1, 65535}}).Draw(t, "range")
	}
	if r.Protocol == policy.ICMP && rapid.Bool().Draw(t, "typed") {
		r.Type = 8
	}
	switch rapid.IntRange(0, 5).Draw(t, "remote") {
	case 0:
		r.Remote = Remote{Kind: policy.RemoteAny}
		r.V6 = rapid.Bool().Draw(t, "v6")
	case 1, 2:
		r.Remote = Remote{Kind: policy.RemoteGroup, Number: policy.Number(rapid.IntRange(1, 4).Draw(t, "remote group"))}
	case 3:
		r.Remote = Remote{Kind: policy.RemoteIPSet, Number: policy.Number(rapid.IntRange(1, 3).Draw(t, "remote set"))}
	case 4:
		r.Remote = Remote{Kind: policy.RemoteSubnet, VPC: 1, Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("::/0")}}
	case 5:
		r.Remote = Remote{Kind: policy.RemoteOwn}
		r.V4 = rapid.Bool().Draw(t, "v4")
	}
	return r
}
