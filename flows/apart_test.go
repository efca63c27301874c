package flows

import (
	"maps"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"conjunct/openflow"
	"conjunct/openflow/ofeval"
	"conjunct/policy"
)

// lookups are what the bridge makes of a remote address for each direction: the classes of its groups and of its IP sets.
func lookups(b *ofeval.Bridge, remote netip.Addr) map[policy.Direction][2]uint64 {
	out := map[policy.Direction][2]uint64{}
	f := policy.Version(remote)
	for d, s := range sides {
		p := ofeval.NewPacket(valid, family(f), openflow.Exact(RegVPC, 1), openflow.Prefix(s.remote[f], policy.HostPrefix(remote)))
		var classes [2]uint64
		for i, table := range []uint8{s.groups, s.sets} {
			hit := b.Lookup(table, &p)
			if hit.Rule == nil {
				continue
			}
			for _, a := range hit.Rule.Flow.Actions {
				if set, ok := a.(openflow.SetField); ok {
					classes[i] = set.Value.Uint64()
				}
			}
		}
		out[d] = classes
	}
	return out
}

// classTables are a bridge with nothing but the tables that tell a remote's classes.
func classTables(bridge map[flowKey]openflow.Flow) *ofeval.Bridge {
	return ofeval.NewBridge(func(yield func(openflow.Flow) bool) {
		for _, f := range bridge {
			for _, s := range sides {
				if (f.Table == s.groups || f.Table == s.sets) && !yield(f) {
					return
				}
			}
		}
	})
}

// Changes that are apart may reach the bridge one by one: whoever judges a packet meanwhile sees the classes of its remote as they were, or
// as they will be, and never those of the groups as they were with those of the IP sets as they will be.
func TestChanges_ApartNeedNoStep(t *testing.T) {
	tried := 0
	remotes := prefixes("10.0.0.1/32", "10.0.0.2/32", "10.0.0.3/32", "10.0.1.1/32", "192.0.2.1/32", "2001:db8::1/128")
	rapid.Check(t, func(t *rapid.T) {
		g := steadyHost(t)
		for range 10 {
			for range rapid.IntRange(1, 3).Draw(t, "lists") {
				prefix := rapid.SampledFrom(remotes).Draw(t, "prefix")
				joins, number := rapid.Bool().Draw(t, "joins"), policy.Number(rapid.IntRange(1, 2).Draw(t, "number"))
				if rapid.IntRange(0, 3).Draw(t, "set") == 0 {
					g.list(g.sets, 0, prefix, number, joins)
				} else {
					g.list(g.members, 1, prefix, number, joins)
				}
			}
			before := maps.Clone(g.bridge)
			c := g.host.Changes()
			state := maps.Clone(before)
			var states []*ofeval.Bridge
			for _, f := range c.Add {
				state[keyOf(&f)] = f
				states = append(states, classTables(state))
			}
			for _, f := range c.Delete {
				delete(state, keyOf(&f))
				states = append(states, classTables(state))
			}
			g.bridge = state
			if c.Full {
				g.bridge = collect(t, g.host)
				continue
			}
			if !c.Apart || len(states) < 2 {
				continue
			}
			tried++
			was := classTables(before)
			for _, remote := range remotes {
				old, fresh := lookups(was, remote.Addr()), lookups(states[len(states)-1], remote.Addr())
				for _, is := range states {
					for d, classes := range lookups(is, remote.Addr()) {
						require.Contains(t, [][2]uint64{old[d], fresh[d]}, classes, "%s of %s", d, remote)
					}
				}
			}
		}
	})
	require.Positive(t, tried, "some changes were apart, and more than one flow")
}

// A port's address in a group that rules of both directions name is apart, in both families; more than one address is a step, and so is what
// makes rules, or a local port, another.
func TestChanges_WhichAreApart(t *testing.T) {
	g := steadyHost(t)
	for _, row := range []struct {
		what   string
		change func()
		apart  bool
	}{
		{"an address joins", func() { g.list(g.members, 1, netip.MustParsePrefix("10.0.9.1/32"), 1, true) }, true},
		{"it leaves", func() { g.list(g.members, 1, netip.MustParsePrefix("10.0.9.1/32"), 1, false) }, true},
		{"one of either family joins", func() {
			g.list(g.members, 1, netip.MustParsePrefix("10.0.9.1/32"), 1, true)
			g.list(g.members, 1, netip.MustParsePrefix("2001:db8::9/128"), 1, true)
		}, true},
		{"two join", func() {
			g.list(g.members, 1, netip.MustParsePrefix("10.0.9.2/32"), 1, true)
			g.list(g.members, 1, netip.MustParsePrefix("10.0.9.3/32"), 1, true)
		}, false},
		{"a prefix joins", func() { g.list(g.members, 1, netip.MustParsePrefix("10.0.8.0/24"), 1, true) }, false},
		{"an address is of another class", func() { g.list(g.members, 1, netip.MustParsePrefix("10.0.9.2/32"), 2, true) }, true},
		{"it goes to a set as well", func() {
			g.list(g.members, 1, netip.MustParsePrefix("10.0.9.2/32"), 2, false)
			g.list(g.sets, 0, netip.MustParsePrefix("10.0.9.2/32"), 2, true)
		}, false},
		{"a class disappears", func() {
			for n := policy.Number(1); n <= 2; n++ {
				g.list(g.members, 1, netip.MustParsePrefix("10.9.0.2/32"), n, false)
			}
		}, false},
		{"a port is another", func() {
			p := *g.ports[1]
			p.Class.OpenIngress = true
			g.host.SetPort(&p)
		}, false},
	} {
		row.change()
		c := g.host.Changes()
		require.False(t, c.Full, row.what)
		require.False(t, c.Empty(), row.what)
		require.Equal(t, row.apart, c.Apart, row.what)
	}
}

// steadyHost has a port with rules of both directions that name two groups and two IP sets, and every class in use that these make: what changes
// is addresses alone. Its bridge is in sync.
func steadyHost(t require.TestingT) *playground {
	g := newPlayground(nil)
	own := &Group{Number: 3}
	for _, d := range policy.Directions {
		for _, kind := range []policy.RemoteKind{policy.RemoteGroup, policy.RemoteIPSet} {
			for n := policy.Number(1); n <= 2; n++ {
				own.Rules = append(own.Rules, Rule{
					Number: policy.Number(len(own.Rules) + 1), Direction: d, V4: true, V6: true, Protocol: policy.All, Type: -1, Code: -1, Remote: Remote{Kind: kind, Number: n},
				})
			}
		}
	}
	g.groups[3] = own
	g.ports[1] = &Port{
		ID: "p1", Number: 1, OFPort: 1, VPC: 1, Segment: Segment{Number: 11, VPC: 1, VLAN: 11}, MAC: policy.MAC{2, 0, 0, 0, 0, 1},
		Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Class: LocalClass{Groups: policy.NumberSetOf(3)},
	}
	g.host.SetPort(g.ports[1])
	for i, sets := range [][]policy.Number{{1}, {2}, {1, 2}} {
		for _, n := range sets {
			g.list(g.members, 1, policy.HostPrefix(netip.AddrFrom4([4]byte{10, 9, 0, byte(i)})), n, true)
			g.list(g.sets, 0, policy.HostPrefix(netip.AddrFrom4([4]byte{10, 9, 1, byte(i)})), n, true)
		}
	}
	g.sync(t)
	return g
}
