package policy

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// had makes a list of rules that have these positions; 0 is a rule without one.
func had(positions ...int) []Place {
	out := make([]Place, len(positions))
	for i, p := range positions {
		out[i].Number = Number(i + 1)
		if p != 0 {
			out[i].Had = &p
		}
	}
	return out
}

func TestArrange(t *testing.T) {
	wanted := func(list []Place, at int, position int) []Place {
		list[at].Wanted = &position
		return list
	}
	for name, c := range map[string]struct {
		list []Place
		want []int
	}{
		"the first ones":                         {had(0, 0, 0), []int{10, 20, 30}},
		"between two":                            {had(10, 0, 20), []int{10, 15, 20}},
		"several between two":                    {had(10, 0, 0, 0, 20), []int{10, 12, 15, 17, 20}},
		"before the first":                       {had(0, 10), []int{5, 10}},
		"at the end":                             {had(10, 20, 0), []int{10, 20, 30}},
		"no room: one neighbour moves":           {had(10, 0, 11, 20), []int{10, 13, 16, 20}},
		"no room: to the left where that is one": {had(10, 19, 0, 20, 21, 22), []int{10, 13, 16, 20, 21, 22}},
		"no room at the front":                   {had(0, 1, 2, 9), []int{2, 4, 6, 9}},
		"no room to the end of the list":         {had(1, 0, 2, 3), []int{1, 11, 21, 31}},
		"one moves to the front":                 {had(30, 10, 20, 40), []int{5, 10, 20, 40}},
		"one moves to the back":                  {had(20, 30, 10), []int{20, 30, 40}},
		"a tie keeps its order":                  {had(10, 10, 20), []int{10, 10, 20}},
		"between a tie":                          {had(10, 0, 10, 20), []int{10, 13, 16, 20}},
		"a wish is granted, and is alone there":  {wanted(had(10, 20, 0), 2, 20), []int{10, 15, 20}},
		"what does not fit a wish moves":         {wanted(had(10, 20, 30), 1, 40), []int{10, 40, 50}},
		"the last position of all":               {had(MaxPosition, 0), []int{MaxPosition / 3, MaxPosition / 3 * 2}},
		"nothing":                                {nil, []int{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Arrange(c.list)
			if name == "the last position of all" { // Whatever they are exactly.
				require.True(t, 0 < got[0] && got[0] < got[1] && got[1] <= MaxPosition, got)
				return
			}
			require.Equal(t, c.want, got)
		})
	}
}

// Whatever the list, the order is kept, positions are in range, and a rule for which there is room moves nobody.
func TestArrange_KeepsOrderAndMovesFew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 12).Draw(t, "n")
		positions := rapid.SliceOfNDistinct(rapid.IntRange(1, 40), n, n, rapid.ID).Draw(t, "positions")
		slices.Sort(positions)
		at := rapid.IntRange(0, n).Draw(t, "at")
		list := had(slices.Insert(slices.Clone(positions), at, 0)...)
		out := Arrange(list)
		low, high := 0, MaxPosition+1
		if at > 0 {
			low = positions[at-1]
		}
		if at < n {
			high = positions[at]
		}
		moved := 0
		for i := range out {
			require.True(t, out[i] >= 1 && out[i] <= MaxPosition)
			if i > 0 {
				require.Less(t, out[i-1], out[i])
			}
			if list[i].Had != nil && *list[i].Had != out[i] {
				moved++
			}
		}
		if high-low > 1 {
			require.Zero(t, moved)
		}
	})
}

func TestInSequence(t *testing.T) {
	rule := func(name string, position int) *Rule {
		r := &Rule{Name: name}
		if position != 0 {
			r.Position = &position
		}
		return r
	}
	var names []string
	for _, r := range InSequence([]*Rule{rule("front", 0), rule("c", 30), rule("after-c", 0), rule("a", 10), rule("after-a", 0), rule("also", 0), rule("b", 20)}) {
		names = append(names, r.Name)
	}
	require.Equal(t, []string{"front", "a", "after-a", "also", "b", "c", "after-c"}, names)
}
