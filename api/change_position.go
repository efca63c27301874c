package api

import (
	"cmp"
	"net/url"
	"slices"

	"conjunct/policy"
)

// Renumbered is a rule that got another position because there was no room for one that was put beside it.
type Renumbered struct {
	ID       string `json:"id"`
	Position int    `json:"position"`
}

// beside says next to which rule of its group a rule is to be tried; at most one of them is set.
type beside struct{ before, after string }

func besideOf(q url.Values) (beside, error) {
	b := beside{q.Get("before"), q.Get("after")}
	for _, name := range []string{"before", "after"} {
		if q.Has(name) && q.Get(name) == "" {
			return b, badParameter(name, "%s is the id of a rule of the same group, not empty", name)
		}
	}
	if b.before != "" && b.after != "" {
		return b, badParameter("after", "give either before or after")
	}
	return b, nil
}

// placeRule writes a rule with its position, which in an ordered group is that of the rule itself, the place that the request
// asks for, the one that it had, or the last.
func (c *change) placeRule(r, before *policy.Rule) error {
	at, err := besideOf(c.query)
	if err != nil {
		return err
	}
	g, ok := policy.Find[*policy.Group](c.Snapshot(), r.GroupID)
	if !ok { // The store says so.
		return c.put(r, "")
	}
	moves := at != beside{}
	var had *int
	if before != nil {
		had = before.Position
	}
	switch {
	case moves && g.Evaluation != policy.Ordered:
		return invalid("/position", "position-not-allowed", "group %q evaluates its rules as a union, in which no rule comes before another", g.Label())
	case moves && r.Position != nil && (had == nil || *had != *r.Position):
		return invalid("/position", "position-not-exclusive", "give either a position, or before or after")
	case g.Evaluation != policy.Ordered || !moves && r.Position != nil:
		return c.put(r, "")
	case !moves && had != nil:
		r.Position = had
		return c.put(r, "")
	}
	all := policy.InOrder(c.Snapshot().RulesOf(r.GroupID))
	isIt := func(o *policy.Rule) bool { return o.ID == r.ID }
	was := slices.IndexFunc(all, isIt)
	others := slices.DeleteFunc(all, isIt)
	i, err := at.index(others, g)
	if err != nil {
		return err
	}
	if r.Position = nil; i == was && had != nil { // It is there already.
		r.Position = had
		return c.put(r, "")
	}
	return c.arrange(slices.Insert(others, i, r), r)
}

// index is where in the list of the group's other rules the place is: the end for one that is not said.
func (b beside) index(others []*policy.Rule, g *policy.Group) (int, error) {
	id := cmp.Or(b.before, b.after)
	if id == "" {
		return len(others), nil
	}
	i := slices.IndexFunc(others, func(r *policy.Rule) bool { return r.ID == id })
	if i < 0 {
		name := "before"
		if b.before == "" {
			name = "after"
		}
		return 0, invalid("?"+name, "reference-missing", "group %q has no other rule with the id %q", g.Label(), id)
	}
	if b.after != "" {
		i++
	}
	return i, nil
}

// arrange gives the rules of an ordered group, which are listed as they are to be tried, their positions and writes those that
// change. The ones in fresh are written whatever their position; others that move are reported to the caller.
func (c *change) arrange(list []*policy.Rule, fresh ...*policy.Rule) error {
	places := make([]policy.Place, len(list))
	for i, r := range list {
		places[i] = policy.Place{Had: r.Position, Number: r.Number}
	}
	for i, position := range policy.Arrange(places) {
		r := list[i]
		isFresh := slices.Contains(fresh, r)
		if !isFresh {
			if r.Position != nil && *r.Position == position {
				continue
			}
			r = r.Clone().(*policy.Rule)
			c.renumbered = append(c.renumbered, Renumbered{r.ID, position})
		}
		r.Position = &position
		if err := c.put(r, ""); err != nil {
			return err
		}
	}
	return nil
}

// reevaluated gives the rules of a group that has become ordered their positions, by age, and takes them from those of one that has
// become a union. Rules that drop stay as they are: they stand in the way, which the store says.
func (c *change) reevaluated(g *policy.Group) error {
	rules := c.Snapshot().RulesOf(policy.GroupID(g.ID))
	if g.Evaluation == policy.Ordered {
		return c.arrange(rules)
	}
	for _, r := range rules {
		if r.Position == nil || r.Action == policy.Drop {
			continue
		}
		o := r.Clone().(*policy.Rule)
		o.Position = nil
		if err := c.put(o, ""); err != nil {
			return err
		}
	}
	return nil
}

// positions gives the rules of a list that replaces the rules of an ordered group their positions. In a list without any, the
// order is what counts; otherwise the positions do, and a rule without one comes after the one that it is listed after.
// In a union they lose the positions that they had, so that an ordered group can be sent back as one.
func positions(g *policy.Group, rules []*policy.Rule, had map[string]*policy.Rule) {
	if g.Evaluation != policy.Ordered {
		for _, r := range rules {
			if before, ok := had[r.ID]; ok && r.Position != nil && before.Position != nil && *r.Position == *before.Position {
				r.Position = nil
			}
		}
		return
	}
	list := policy.InSequence(rules)
	places := make([]policy.Place, len(list))
	for i, r := range list {
		places[i].Wanted = r.Position
		if before, ok := had[r.ID]; ok {
			places[i].Had, places[i].Number = before.Position, before.Number
		}
	}
	for i, position := range policy.Arrange(places) {
		list[i].Position = &position
	}
}
