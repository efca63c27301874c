package members

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// Merged deltas lead from what was to what is, each prefix once, whatever came in between.
func TestMerge(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	prefixes := []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("10.1.0.9/32"), netip.MustParsePrefix("fd00::1/128"),
	}
	type place struct {
		domain policy.Number
		prefix netip.Prefix
	}
	type sets struct{ own, effective policy.NumberSet }
	for range 300 {
		d := NewDirectory()
		state := func() map[place]sets {
			out := make(map[place]sets)
			for domain := policy.Number(1); domain <= 2; domain++ {
				for _, p := range prefixes {
					out[place{domain, p}] = sets{d.Own(domain, p), d.Effective(domain, p)}
				}
			}
			return out
		}
		step := func() []Delta {
			domain, set, p := policy.Number(1+r.IntN(2)), policy.Number(1+r.IntN(3)), prefixes[r.IntN(len(prefixes))]
			if r.IntN(2) == 0 {
				return d.Add(domain, set, p, "h")
			}
			return d.Remove(domain, set, p, "h")
		}
		for range r.IntN(10) {
			step()
		}
		before := state()
		var deltas []Delta
		for range r.IntN(10) {
			deltas = append(deltas, step()...)
		}
		after := state()
		seen := make(map[place]bool)
		for _, delta := range Merge(deltas) {
			at := place{delta.Domain, delta.Prefix}
			require.False(t, seen[at], "once")
			seen[at] = true
			require.Equal(t, before[at], sets{delta.OwnBefore, delta.EffectiveBefore})
			require.Equal(t, after[at], sets{delta.OwnAfter, delta.EffectiveAfter})
			require.NotEqual(t, before[at], after[at])
		}
		for at := range before {
			require.Equal(t, seen[at], before[at] != after[at], "%v", at)
		}
	}
}
