package api

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"conjunct/policy"
)

// saveGroup creates or replaces a group; its rules too, where the request has some.
func saveGroup(c *change, id string, wire any) error {
	in := wire.(*Group)
	g := in.Clone().(*policy.Group)
	g.ID = id
	if err := c.claim(&g.ProjectID); err != nil {
		return err
	}
	before, exists := policy.Find[*policy.Group](c.Snapshot(), id)
	switch {
	case exists:
		g.Origin, g.Removals = before.Origin, before.Removals
		if g.Evaluation == "" { // Absence must not turn an ordered group into a union.
			g.Evaluation = before.Evaluation
		}
	case g.Evaluation == "":
		g.Evaluation = c.Snapshot().ProfileOfGroup(g).Evaluation
	}
	if err := c.put(g, ""); err != nil {
		return err
	}
	if err := c.saveRules(g, before, in.Rules); err != nil || in.Attachments == nil {
		return err
	}
	ids := make([]string, len(in.Attachments))
	for i := range ids {
		ids[i] = policy.NewID(policy.KindAttachment)
	}
	return c.replaceAttachments(policy.GroupID(id), in.Attachments, ids, "/attachments")
}

// saveRules makes the list the group's rules; without one they stay, as the group evaluates them.
func (c *change) saveRules(g, before *policy.Group, list []Rule) error {
	if list == nil {
		if before != nil && g.Evaluation != before.Evaluation {
			return c.reevaluated(g)
		}
		return nil
	}
	rules := make([]*policy.Rule, len(list))
	for i := range list {
		rules[i] = &list[i].Rule
	}
	return c.replaceRules(g, rules, "/rules")
}

func removeGroup(c *change, id string, q url.Values) error {
	r, err := groupRemovalOf(q)
	if err != nil {
		return err
	}
	return c.removeGroup(policy.GroupID(id), r)
}

// removeGroup deletes a group with its rules. What refers to it stands in the way or goes along, as the caller and the
// profile say; everything that stands in the way is reported at once, and everything that goes along in c.removal.
func (c *change) removeGroup(id policy.GroupID, r groupRemoval) error {
	g, err := find[*policy.Group](c, id)
	if err != nil {
		return err
	}
	if err := c.may(policy.MayDelete, g); err != nil {
		return err
	}
	s := c.Snapshot()
	if refused := policy.Refuse(g, nil, s); refused != nil {
		return refused
	}
	profile := s.ProfileOfGroup(g)
	naming := slices.DeleteFunc(referring[*policy.Rule](s, policy.KindGroup, string(id)), func(r *policy.Rule) bool { return r.GroupID == id })
	attached := attachedTo(s, id)
	var against []error
	if len(naming) > 0 && !r.references {
		against = append(against, &policy.Conflict{
			Code: "group-referenced", Holders: holdersOfRules(s, naming),
			Message: fmt.Sprintf("security group %q is the remote of %s; remove these rules first, or repeat with references=remove", g.Label(), ruleWords(s, naming)),
		})
	}
	against = append(against, hasRules(s, g, r)...)
	if len(attached) > 0 && !r.detaches(profile) {
		holders := attachedHolders(s, attached)
		against = append(against, &policy.Conflict{
			Code: "group-attached", Holders: holders,
			Message: fmt.Sprintf("security group %q is attached to %s; detach it first, or repeat with detach=true", g.Label(), holderWords(holders)),
		})
	}
	if len(against) > 0 {
		return errors.Join(against...)
	}
	if r.rules {
		for _, rule := range s.RulesOf(id) {
			c.removal.rule(rule)
		}
	}
	for _, rule := range naming {
		c.removal.rule(rule)
		if err := c.removePart(rule); err != nil {
			return err
		}
	}
	c.removal.Detached = append(c.removal.Detached, attachedHolders(s, attached)...)
	for _, o := range attached {
		if err := c.detach(id, o); err != nil {
			return err
		}
	}
	return c.Delete(policy.KindGroup, string(id))
}

// hasRules is what stands against deleting a group whose rules have to go first.
func hasRules(s *policy.Snapshot, g *policy.Group, r groupRemoval) []error {
	profile := s.ProfileOfGroup(g)
	rules := s.RulesOf(policy.GroupID(g.ID))
	if len(rules) == 0 || r.rules || profile.GroupDelete != policy.DeleteRequireNoRules {
		return nil
	}
	return []error{&policy.Conflict{
		Code: "group-has-rules", Holders: holdersOf(rules),
		Message: fmt.Sprintf("profile %q deletes a security group only once its rules are gone; %q has %s; delete them first, or repeat with rules=delete",
			profile.Name, g.Label(), sentence(rules, func(r *policy.Rule) string { return r.Label() })),
	}}
}

func attachedHolders(s *policy.Snapshot, attached []policy.Object) []policy.Holder {
	out := make([]policy.Holder, 0, len(attached))
	for _, o := range attached {
		out = append(out, attachedHolder(s, o))
	}
	return out
}

func holdersOf[T policy.Object](objects []T) []policy.Holder {
	out := make([]policy.Holder, 0, len(objects))
	for _, o := range objects {
		out = append(out, policy.HolderOf(o))
	}
	return out
}

// holdersOfRules names rules and then, each once, the groups that they are in.
func holdersOfRules(s *policy.Snapshot, rules []*policy.Rule) []policy.Holder {
	out := holdersOf(rules)
	seen := make(map[policy.GroupID]bool)
	for _, r := range rules {
		if g, ok := policy.Find[*policy.Group](s, r.GroupID); ok && !seen[r.GroupID] {
			seen[r.GroupID] = true
			out = append(out, policy.HolderOf(g))
		}
	}
	return out
}

const namedObjects = 10 // that a message names; the conflict lists all

func holderWords(holders []policy.Holder) string {
	return sentence(holders, func(h policy.Holder) string { return fmt.Sprintf("%s %q", h.Kind, h.Name) })
}

func ruleWords(s *policy.Snapshot, rules []*policy.Rule) string {
	return sentence(rules, func(r *policy.Rule) string {
		group := string(r.GroupID)
		if g, ok := policy.Find[*policy.Group](s, r.GroupID); ok {
			group = g.Label()
		}
		return fmt.Sprintf("rule %s of security group %q", r.Label(), group)
	})
}

func sentence[T any](items []T, word func(T) string) string {
	var words []string
	for i, item := range items {
		if i == namedObjects {
			words = append(words, fmt.Sprintf("%d more", len(items)-namedObjects))
			break
		}
		words = append(words, word(item))
	}
	return strings.Join(words, ", ")
}
