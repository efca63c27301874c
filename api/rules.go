package api

import (
	"fmt"

	"conjunct/policy"
)

// listRules shows a group's rules in the order in which they are tried.
func (c *call) listRules() error {
	return listBelow(c, policy.KindGroup, func(rd *reader, id string) (out []*Rule) {
		g, _ := policy.Find[*policy.Group](rd.snapshot, id)
		for _, r := range rd.rulesOf(g) {
			out = append(out, rd.rule(r))
		}
		return out
	}, func(r *Rule) string { return fmt.Sprintf("%020d-%010d", placeOf(&r.Rule), r.Number) })
}

func (c *call) createRule() error {
	doc, _, err := c.body(typeJSON)
	if err != nil {
		return err
	}
	in := new(Rule)
	if err := decodeStrict(doc, in); err != nil {
		return err
	}
	rs, id := resourceOf(policy.KindRule), policy.NewID(policy.KindRule)
	return c.mutate(mutation{
		apply: func(ch *change) error {
			return ch.addRule(policy.GroupID(c.variable("id")), id, &in.Rule)
		},
		answer: c.showing(rs, id),
		status: func() int { return c.created(rs, id) },
	})
}

// replaceRules makes the list of the body the group's rules.
func (c *call) replaceRules() error {
	doc, _, err := c.body(typeJSON)
	if err != nil {
		return err
	}
	var in struct {
		Items         []Rule `json:"items"`
		NextPageToken string `json:"next_page_token"`
	}
	if err := decodeStrict(doc, &in); err != nil {
		return err
	}
	if in.Items == nil {
		return invalid("/items", "required", "a list of rules is required; [] removes them all")
	}
	if in.NextPageToken != "" {
		return invalid("/next_page_token", "partial-list", "this is one page of a longer list; send all rules")
	}
	rules := make([]*policy.Rule, len(in.Items))
	for i := range in.Items {
		rules[i] = &in.Items[i].Rule
	}
	id := policy.GroupID(c.variable("id"))
	return c.mutate(mutation{
		apply: func(ch *change) error {
			g, err := find[*policy.Group](ch, id)
			if err != nil {
				return err
			}
			if err := ch.may(policy.MayChange, g); err != nil {
				return err
			}
			if err := c.precondition(ch, g); err != nil {
				return err
			}
			return ch.replaceRules(g, rules, "/items")
		},
		answer: func(rd *reader) (any, error) {
			g, ok := policy.Find[*policy.Group](rd.snapshot, id)
			if !ok {
				return nil, &policy.NotFound{Kind: policy.KindGroup, ID: string(id)}
			}
			out := &Page[*Rule]{Items: []*Rule{}}
			for _, r := range rd.rulesOf(g) {
				out.Items = append(out.Items, rd.rule(r))
			}
			return out, nil
		},
	})
}

// listMembers shows the addresses by which rules know the group, each with its port and VPC.
func (c *call) listMembers() error {
	return listBelow(c, policy.KindGroup, func(rd *reader, id string) (out []Member) {
		for _, m := range rd.members(policy.GroupID(id)) {
			if !c.query.Has("vpc_id") || string(m.VPCID) == c.query.Get("vpc_id") {
				out = append(out, m)
			}
		}
		return out
	}, func(m Member) string { return string(m.PortID) + "/" + m.Prefix.String() })
}
