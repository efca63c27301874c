package flows

import "conjunct/policy"

// lastRun is the last run of rules that has a priority of its own. An ordered group has no more rules (policy.MaxOrderedRules).
const lastRun = policy.MaxOrderedRules

// longestRun is how many rules a run has at most: the component that stands for their group's turn carries a conjunction for each, and has
// to leave room, because further components are shared with the runs of other groups.
const longestRun = maxConjunctions / 2

// runsOf numbers the runs of rules with equal action in an ordered group, per direction; rules are listed as they are tried. A
// run has the number of its first rule's position, so that a rule that comes between two others changes no other run's
// priority. Positions that reach too far for that leave the runs to be counted.
func runsOf(rules []*policy.Rule) map[*policy.Rule]uint16 {
	if out, ok := numberedRuns(rules, func(r *policy.Rule) int {
		if r.Position == nil {
			return 0
		}
		return *r.Position
	}); ok {
		return out
	}
	out, _ := numberedRuns(rules, func(*policy.Rule) int { return 0 })
	return out
}

// numberedRuns gives each run the number that its first rule wants, or the next that is free; false when they don't suffice.
func numberedRuns(rules []*policy.Rule, wants func(*policy.Rule) int) (map[*policy.Rule]uint16, bool) {
	out := make(map[*policy.Rule]uint16, len(rules))
	run := map[policy.Direction]int{}
	last := map[policy.Direction]policy.Action{}
	length := map[policy.Direction]int{}
	for _, r := range rules {
		d := r.Direction
		if last[d] != r.Action || length[d] == longestRun {
			run[d] = max(run[d]+1, wants(r))
			last[d], length[d] = r.Action, 0
		}
		length[d]++
		if run[r.Direction] > lastRun {
			return nil, false
		}
		out[r] = uint16(run[r.Direction])
	}
	return out, true
}
