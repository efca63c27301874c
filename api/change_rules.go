package api

import (
	"fmt"
	"maps"

	"conjunct/policy"
)

// saveRule creates or replaces a rule at its own path. A rule that exists stays in its group.
func saveRule(c *change, id string, wire any) error {
	r := wire.(*Rule).Clone().(*policy.Rule)
	r.ID = id
	before, exists := policy.Find[*policy.Rule](c.Snapshot(), id)
	if exists && r.GroupID == "" {
		r.GroupID = before.GroupID
	}
	return c.placeRule(r, before)
}

// addRule creates a rule in a group.
func (c *change) addRule(group policy.GroupID, id string, in *policy.Rule) error {
	if _, err := find[*policy.Group](c, group); err != nil {
		return err
	}
	r := in.Clone().(*policy.Rule)
	if r.GroupID != "" && r.GroupID != group {
		return invalid("/security_group_id", "id-mismatch", "the body says %q and the path %q", r.GroupID, group)
	}
	r.ID, r.GroupID = id, group
	return c.placeRule(r, nil)
}

// replaceRules makes the list the rules of the group. A rule of the list that is the same as one of the group's
// (policy.Rule.Identity) is that rule: it keeps its id and number, and so its counters. Else a rule of the list that has the id of a
// rule of the group changes that one. The others are created; rules of the group that are not in the list go.
func (c *change) replaceRules(g *policy.Group, list []*policy.Rule, pointer string) error {
	s := c.Snapshot()
	had := make(map[string]*policy.Rule) // the group's rules, by id
	same := make(map[string]string)      // identity ──► id
	for _, r := range s.RulesOf(policy.GroupID(g.ID)) {
		had[r.ID] = r
		same[r.Identity()] = r.ID
	}
	left := maps.Clone(had)
	next := make([]*policy.Rule, len(list))
	var fresh []*policy.Rule
	used := make(map[string]bool)
	for i, in := range list {
		r := in.Clone().(*policy.Rule)
		if r.GroupID != "" && r.GroupID != policy.GroupID(g.ID) {
			return invalid(fmt.Sprintf("%s/%d/security_group_id", pointer, i), "id-mismatch", "the rule says %q and is listed in %q", r.GroupID, g.ID)
		}
		r.GroupID = policy.GroupID(g.ID)
		policy.Normalize(r, s) // Identity is that of the form that is stored.
		next[i] = r
		id, ok := same[r.Identity()]
		if !ok {
			fresh = append(fresh, r)
			continue
		}
		delete(same, r.Identity()) // A second one like it is a duplicate and not the same rule.
		delete(left, id)
		r.ID, used[id] = id, true
	}
	for _, r := range fresh {
		_, mine := left[r.ID]
		if r.ID == "" || used[r.ID] || !mine && !c.mayName(policy.KindRule, r.ID) {
			r.ID = policy.NewID(policy.KindRule)
		}
		delete(left, r.ID)
		used[r.ID] = true
	}
	positions(g, next, had)
	for _, r := range left {
		if err := c.removePart(r); err != nil {
			return err
		}
	}
	for i, r := range next {
		if err := c.put(r, fmt.Sprintf("%s/%d", pointer, i)); err != nil {
			return err
		}
	}
	return nil
}
