package members

import (
	"fmt"
	"net/netip"
	"slices"

	"conjunct/policy"
)

// Delta says how one prefix of a domain changed. Its own sets are those it is listed in; its effective sets are these and
// those of every listed prefix that covers it. Both are empty for a prefix that is not listed, and only for such a one: so
// a Delta with an empty EffectiveBefore is of a prefix that came, one with an empty EffectiveAfter of a prefix that left.
//
//	10.0.0.0/8   own {1}   effective {1}
//	10.1.0.0/16  own {2}   effective {1, 2}
//	10.1.0.9/32  own {3}   effective {1, 2, 3}
type Delta struct {
	Domain                          policy.Number
	Prefix                          netip.Prefix
	OwnBefore, OwnAfter             policy.NumberSet
	EffectiveBefore, EffectiveAfter policy.NumberSet
}

func (d Delta) String() string {
	return fmt.Sprintf("%d %s own %s→%s effective %s→%s",
		d.Domain, d.Prefix, d.OwnBefore, d.OwnAfter, d.EffectiveBefore, d.EffectiveAfter)
}

// Merge makes one Delta for each prefix of deltas that followed each other, in the order in which the prefixes come, without
// those that are as they were.
func Merge(deltas []Delta) []Delta {
	type place struct {
		domain policy.Number
		prefix netip.Prefix
	}
	at := make(map[place]int, len(deltas))
	out := make([]Delta, 0, len(deltas))
	for _, d := range deltas {
		p := place{d.Domain, d.Prefix}
		if i, known := at[p]; known {
			out[i].OwnAfter, out[i].EffectiveAfter = d.OwnAfter, d.EffectiveAfter
		} else {
			at[p] = len(out)
			out = append(out, d)
		}
	}
	return slices.DeleteFunc(out, func(d Delta) bool {
		return d.OwnBefore == d.OwnAfter && d.EffectiveBefore == d.EffectiveAfter
	})
}
