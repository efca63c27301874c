package members

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"conjunct/policy"
)

// naive is the directory as one would say it: a list of who listed what where.
type naive map[naiveListing]bool

type naiveListing struct {
	domain, set policy.Number
	prefix      netip.Prefix
	holder      string
}

func (m naive) union(keep func(naiveListing) bool) policy.NumberSet {
	var out policy.NumberSet
	for l := range m {
		if keep(l) {
			out = out.With(l.set)
		}
	}
	return out
}

func (m naive) own(domain policy.Number, p netip.Prefix) policy.NumberSet {
	return m.union(func(l naiveListing) bool { return l.domain == domain && l.prefix == p })
}

func (m naive) effective(domain policy.Number, p netip.Prefix) policy.NumberSet {
	if m.own(domain, p) == "" {
		return ""
	}
	return m.union(func(l naiveListing) bool {
		return l.domain == domain && l.prefix.Bits() <= p.Bits() && l.prefix.Contains(p.Addr())
	})
}

// lookup is the union over all that covers an address, which is what longest prefix and effective sets must come to.
func (m naive) lookup(domain policy.Number, a netip.Addr) policy.NumberSet {
	return m.union(func(l naiveListing) bool { return l.domain == domain && l.prefix.Contains(a) })
}

// replayed is what somebody knows who sees nothing but deltas.
type replayed struct{ own, effective map[place]policy.NumberSet }

type place struct {
	domain policy.Number
	prefix netip.Prefix
}

func (r replayed) apply(t require.TestingT, d Delta) {
	at := place{d.Domain, d.Prefix}
	require.Equal(t, r.own[at], d.OwnBefore, "%s", d)
	require.Equal(t, r.effective[at], d.EffectiveBefore, "%s", d)
	require.False(t, d.OwnBefore == d.OwnAfter && d.EffectiveBefore == d.EffectiveAfter, "nothing changed: %s", d)
	require.Equal(t, d.OwnAfter == "", d.EffectiveAfter == "", "listed in no set, yet in one: %s", d)
	r.own[at], r.effective[at] = d.OwnAfter, d.EffectiveAfter
	if d.OwnAfter == "" {
		delete(r.own, at)
		delete(r.effective, at)
	}
}

// drawAddr picks from a few corners of both families, so that prefixes nest and collide.
func drawAddr(t *rapid.T) netip.Addr {
	bits := rapid.SampledFrom([]byte{0, 1, 0x80, 0xff})
	if rapid.Bool().Draw(t, "v6") {
		b := [16]byte{0: 0x20, 1: 0x01}
		for _, i := range []int{3, 7, 8, 15} {
			b[i] = bits.Draw(t, "byte")
		}
		return netip.AddrFrom16(b)
	}
	return netip.AddrFrom4([4]byte{10, bits.Draw(t, "byte"), bits.Draw(t, "byte"), bits.Draw(t, "byte")})
}

func drawPrefix(t *rapid.T) netip.Prefix {
	a := drawAddr(t)
	lengths := []int{0, 7, 8, 9, 15, 16, 17, 24, 30, 31, 32}
	if a.Is6() {
		lengths = []int{0, 16, 31, 32, 63, 64, 65, 72, 120, 127, 128}
	}
	n := rapid.SampledFrom(lengths).Draw(t, "length")
	if rapid.Bool().Draw(t, "host") {
		n = a.BitLen()
	}
	return netip.PrefixFrom(a, n).Masked()
}

func TestDirectory_EqualsTheNaiveOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, model := NewDirectory(), naive{}
		seen := replayed{map[place]policy.NumberSet{}, map[place]policy.NumberSet{}}
		number := rapid.Uint32Range(0, 3)

		act := func(t *rapid.T, deltas []Delta, domain policy.Number, p netip.Prefix) {
			for i, delta := range deltas {
				require.Equal(t, domain, delta.Domain)
				require.Equal(t, i == 0, delta.Prefix == p, "p itself comes first")
				seen.apply(t, delta)
			}
			require.True(t, slices.IsSortedFunc(deltas[min(1, len(deltas)):], func(a, b Delta) int { return a.Prefix.Compare(b.Prefix) }))
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				l := naiveListing{policy.Number(number.Draw(t, "domain")), policy.Number(number.Draw(t, "set")),
					drawPrefix(t), strconv.Itoa(rapid.IntRange(0, 2).Draw(t, "holder"))}
				model[l] = true
				act(t, d.Add(l.domain, l.set, l.prefix, l.holder), l.domain, l.prefix)
			},
			"remove": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip("nothing is listed")
				}
				all := slices.SortedFunc(maps.Keys(model), compareListings)
				l := rapid.SampledFrom(all).Draw(t, "listing")
				delete(model, l)
				act(t, d.Remove(l.domain, l.set, l.prefix, l.holder), l.domain, l.prefix)
			},
			"remove what nobody listed": func(t *rapid.T) {
				require.Empty(t, d.Remove(policy.Number(number.Draw(t, "domain")), 1, drawPrefix(t), "stranger"))
			},
			"": func(t *rapid.T) { equalNaive(t, d, model, seen, drawAddr(t)) },
		})
	})
}

func compareListings(a, b naiveListing) int {
	key := func(l naiveListing) string {
		return strconv.Itoa(int(l.domain)) + " " + strconv.Itoa(int(l.set)) + " " + l.prefix.String() + " " + l.holder
	}
	if key(a) < key(b) {
		return -1
	}
	return 1
}

func equalNaive(t *rapid.T, d *Directory, model naive, seen replayed, addr netip.Addr) {
	listed := map[place]bool{}
	sets := map[[2]policy.Number]map[netip.Prefix]bool{}
	for l := range model {
		at := place{l.domain, l.prefix}
		listed[at] = true
		own, effective := model.own(l.domain, l.prefix), model.effective(l.domain, l.prefix)
		require.Equal(t, own, d.Own(l.domain, l.prefix), "own of %v", at)
		require.Equal(t, effective, d.Effective(l.domain, l.prefix), "effective of %v", at)
		require.Equal(t, own, seen.own[at], "own of %v by deltas", at)
		require.Equal(t, effective, seen.effective[at], "effective of %v by deltas", at)
		key := [2]policy.Number{l.domain, l.set}
		if sets[key] == nil {
			sets[key] = map[netip.Prefix]bool{}
		}
		sets[key][l.prefix] = true
	}
	require.Len(t, seen.own, len(listed), "prefixes by deltas")
	for domain := range policy.Number(4) {
		require.Equal(t, model.lookup(domain, addr), d.Lookup(domain, addr), "lookup of %s in %d", addr, domain)
		for p, effective := range d.Prefixes(domain) {
			require.True(t, listed[place{domain, p}], "%s is not listed in %d", p, domain)
			require.Equal(t, d.Effective(domain, p), effective)
		}
		for s := range policy.Number(4) {
			want := sets[[2]policy.Number{domain, s}]
			require.Equal(t, len(want), d.Len(domain, s))
			got := slices.Collect(d.Members(domain, s))
			require.Len(t, got, len(want))
			for _, p := range got {
				require.True(t, want[p], "%s is no member of %d in %d", p, s, domain)
			}
		}
	}
}
