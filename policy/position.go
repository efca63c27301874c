package policy

import (
	"cmp"
	"slices"
	"sort"
)

// Positions of the rules of an ordered group are sparse, so that a rule can come between two others without any of them
// changing. Callers may give any from 1 to MaxPosition, also one that another rule has: those are tried by number (InOrder).
const (
	PositionStep = 10
	MaxPosition  = 1_000_000_000
)

// MaxOrderedRules is how many rules an ordered group may have: on the switch each may need a priority of its own.
const MaxOrderedRules = 9_999

// Place is one rule of a list that is in the order in which its rules are to be tried.
type Place struct {
	Wanted *int   // the position that the caller gives, if any
	Had    *int   // the position that the rule has so far, if any
	Number Number // of the rule, 0 for one that has none yet
}

// Arrange gives each rule of a list its position. What is wanted is granted, and of the rules without a wish as many as
// possible keep what they had. The others come between their neighbours, or PositionStep apart at the end; where there
// is no room, the smallest run of neighbours is spread. Wanted positions must not decrease along the list.
func Arrange(list []Place) []int {
	out := make([]int, len(list)) // 0: none yet
	for first := 0; first < len(list); {
		end := first
		for end < len(list) && list[end].Wanted == nil {
			end++
		}
		keep(list, out, first, end)
		if end < len(list) {
			out[end] = *list[end].Wanted
		}
		first = end + 1
	}
	for i := range out {
		if out[i] == 0 {
			first, end := roomAround(out, i)
			spread(out, first, end)
		}
	}
	return out
}

// keep lets the longest part of list[first:end] that is in order already, between the wishes around it, have its positions.
func keep(list []Place, out []int, first, end int) {
	low, high := 0, MaxPosition+1
	if first > 0 {
		low = *list[first-1].Wanted
	}
	if end < len(list) {
		high = *list[end].Wanted
	}
	less := func(a, b int) bool {
		return cmp.Or(cmp.Compare(*list[a].Had, *list[b].Had), cmp.Compare(list[a].Number, list[b].Number)) < 0
	}
	var tails []int // of the best part of each length, its last rule
	previous := make(map[int]int)
	for i := first; i < end; i++ {
		if list[i].Had == nil || *list[i].Had <= low || *list[i].Had >= high {
			continue
		}
		n := sort.Search(len(tails), func(n int) bool { return !less(tails[n], i) })
		if n == len(tails) {
			tails = append(tails, i)
		}
		tails[n] = i
		previous[i] = -1
		if n > 0 {
			previous[i] = tails[n-1]
		}
	}
	if len(tails) == 0 {
		return
	}
	for i := tails[len(tails)-1]; i >= 0; i = previous[i] {
		out[i] = *list[i].Had
	}
}

// roomAround finds the smallest run around the rules from i on that have no position, such that there is room for all in it.
func roomAround(out []int, i int) (first, end int) {
	end = unplaced(out, i)
	lefts, rights := []int{i}, []int{end} // where the run begins and ends with so many neighbours on that side
	for neighbours := 0; ; neighbours++ {
		if i-neighbours >= 0 && neighbours > 0 {
			lefts = append(lefts, i-neighbours)
		}
		if last := rights[len(rights)-1]; neighbours > 0 && last < len(out) {
			rights = append(rights, unplaced(out, last+1))
		}
		for right := min(neighbours, len(rights)-1); right >= 0 && neighbours-right < len(lefts); right-- {
			first, end := lefts[neighbours-right], rights[right]
			if low, high := around(out, first, end); high-low > end-first {
				return first, end
			}
		}
		if neighbours > len(out) {
			return 0, len(out)
		}
	}
}

// unplaced is where the rules without a position end that begin at i.
func unplaced(out []int, i int) int {
	for i < len(out) && out[i] == 0 {
		i++
	}
	return i
}

// around are the positions between which out[first:end] has to lie.
func around(out []int, first, end int) (low, high int) {
	high = MaxPosition + 1
	if first > 0 {
		low = out[first-1]
	}
	if end < len(out) {
		high = out[end]
	}
	return low, high
}

// spread gives out[first:end] positions of equal distance.
func spread(out []int, first, end int) {
	low, high := around(out, first, end)
	n := end - first
	if end == len(out) && low+n*PositionStep <= MaxPosition {
		high = low + (n+1)*PositionStep
	}
	for j := range n {
		out[first+j] = low + (high-low)*(j+1)/(n+1)
	}
}

// InSequence sorts the rules of a list by the positions that they want; a rule that wants none stays behind the one that
// it is listed after.
func InSequence(rules []*Rule) []*Rule {
	type keyed struct {
		rule     *Rule
		position int
	}
	all := make([]keyed, len(rules))
	position := 0
	for i, r := range rules {
		if r.Position != nil {
			position = *r.Position
		}
		all[i] = keyed{r, position}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return cmp.Compare(a.position, b.position) })
	out := make([]*Rule, len(all))
	for i, k := range all {
		out[i] = k.rule
	}
	return out
}
