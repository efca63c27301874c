package flows

import (
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

func TestRunsOf(t *testing.T) {
	type r struct {
		position int
		action   policy.Action
		dir      policy.Direction
	}
	a, d, in, out := policy.Allow, policy.Drop, policy.Ingress, policy.Egress
	for name, c := range map[string]struct {
		rules []r
		want  []uint16
	}{
		"by position":            {[]r{{5, d, in}, {10, a, in}, {20, a, in}, {30, d, in}}, []uint16{5, 10, 10, 30}},
		"a direction by itself":  {[]r{{5, d, in}, {6, a, out}, {7, d, in}, {8, d, out}}, []uint16{5, 6, 5, 8}},
		"equal positions":        {[]r{{7, a, in}, {7, d, in}, {7, a, in}, {8, d, in}}, []uint16{7, 8, 9, 10}},
		"without positions":      {[]r{{0, a, in}, {0, d, in}, {0, d, in}}, []uint16{1, 2, 2}},
		"the last":               {[]r{{1, a, in}, {lastRun, d, in}}, []uint16{1, lastRun}},
		"too far, so counted":    {[]r{{10, a, in}, {20, d, in}, {lastRun + 1, a, in}}, []uint16{1, 2, 3}},
		"no room after the last": {[]r{{10, a, in}, {lastRun, d, in}, {lastRun, a, in}}, []uint16{1, 2, 3}},
		"far, but of one run":    {[]r{{10, a, in}, {policy.MaxPosition, a, in}}, []uint16{10, 10}},
	} {
		t.Run(name, func(t *testing.T) {
			var rules []*policy.Rule
			for _, one := range c.rules {
				r := &policy.Rule{Direction: one.dir, Action: one.action}
				if one.position != 0 {
					r.Position = &one.position
				}
				rules = append(rules, r)
			}
			runs := runsOf(rules)
			var got []uint16
			for _, r := range rules {
				got = append(got, runs[r])
			}
			require.Equal(t, c.want, got)
		})
	}
	// Every run has priorities of its own, above nothing and below a decision.
	last := place{in, lastRun}
	require.Greater(t, last.conjunctions(), uint16(0))
	require.Less(t, place{in, 1}.plains(), PriorityDecided)
}
