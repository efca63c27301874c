package controller

import (
	"slices"

	"conjunct/flows"
	"conjunct/policy"
)

// group is a security group of the store as the model knows it.
type group struct {
	number policy.Number
	// evaluation and has are what a port with the group depends on, beside the rules themselves.
	evaluation policy.Evaluation
	// has tells per direction whether the group has a rule at all: profiles exist that open a port's direction without one.
	has [2]bool
}

// groups are all groups of the store.
type groups struct {
	byID     map[policy.GroupID]group
	byNumber map[policy.Number]policy.GroupID
}

func newGroups() *groups {
	return &groups{byID: make(map[policy.GroupID]group), byNumber: make(map[policy.Number]policy.GroupID)}
}

func (gs *groups) put(id policy.GroupID, g group) {
	gs.byID[id], gs.byNumber[g.number] = g, id
}

func (gs *groups) drop(id policy.GroupID) {
	delete(gs.byNumber, gs.byID[id].number)
	delete(gs.byID, id)
}

// groupOf reads a group and its rules.
func groupOf(s *policy.Snapshot, g *policy.Group) (group, *flows.Group) {
	rules := s.RulesOf(policy.GroupID(g.ID))
	out := group{number: g.Number, evaluation: g.Evaluation}
	for _, r := range rules {
		if i := slices.Index(policy.Directions, r.Direction); i >= 0 {
			out.has[i] = true
		}
	}
	return out, flows.GroupOf(s, g, rules)
}
