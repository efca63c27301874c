package api

import (
	"net/url"

	"conjunct/policy"
)

// removePart deletes a rule or an entry and counts it in what it belongs to: the revision of a group is the newest of its own and
// its rules', which a deletion alone would not move.
func (c *change) removePart(o policy.Object) error {
	switch o := o.(type) {
	case *policy.Rule:
		if owner, ok := policy.Find[*policy.Group](c.Snapshot(), o.GroupID); ok {
			g := owner.Clone().(*policy.Group)
			g.Removals++
			if err := c.put(g, ""); err != nil {
				return err
			}
		}
	case *policy.Entry:
		if owner, ok := policy.Find[*policy.IPSet](c.Snapshot(), o.IPSetID); ok {
			s := owner.Clone().(*policy.IPSet)
			s.Removals++
			if err := c.put(s, ""); err != nil {
				return err
			}
		}
	}
	return c.Delete(o.Kind(), o.Base().ID)
}

func removeRule(c *change, id string, _ url.Values) error {
	r, err := find[*policy.Rule](c, id)
	if err != nil {
		return err
	}
	return c.removePart(r)
}
