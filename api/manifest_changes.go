package api

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"conjunct/policy"
)

// DocumentChange is a field of an object, or a part of it, that is different. The texts are for people: what refers to others has
// their names.
type DocumentChange struct {
	Change How    `json:"change"`
	What   string `json:"what"` // the field, or rule, entry, attachment
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// How something is different.
type How string

const (
	PartAdded   How = "added"
	PartRemoved How = "removed"
	PartChanged How = "changed"
)

// state is what a document speaks of: an object and what belongs to it.
type state struct {
	text  string          // all of it; "" when there is no such object
	parts map[string]part // by what makes each the same before and after
}

type part struct{ what, text string }

func outcomeOfChange(before, after state) Outcome {
	switch before.text {
	case "":
		return Created
	case after.text:
		return Unchanged
	}
	return Changed
}

// changes lists what is different: the object's fields, then its parts.
func (s state) changes(after state) (out []DocumentChange) {
	if s.text == "" {
		return nil
	}
	keys := make(map[string]bool)
	for key := range s.parts {
		keys[key] = true
	}
	for key := range after.parts {
		keys[key] = true
	}
	for key := range keys {
		was, had := s.parts[key]
		is, has := after.parts[key]
		if was == is {
			continue
		}
		change := DocumentChange{Change: PartChanged, What: cmp.Or(is.what, was.what), Before: was.text, After: is.text}
		switch {
		case !had:
			change.Change = PartAdded
		case !has:
			change.Change = PartRemoved
		}
		out = append(out, change)
	}
	isPart := func(c DocumentChange) int {
		return slices.Index([]string{partRule, partEntry, partAttachment}, c.What)
	}
	slices.SortFunc(out, func(a, b DocumentChange) int {
		return cmp.Or(cmp.Compare(isPart(a), isPart(b)), cmp.Compare(a.What, b.What),
			cmp.Compare(a.Before+a.After, b.Before+b.After))
	})
	return out
}

const (
	partRule       = "rule"
	partEntry      = "entry"
	partAttachment = "attachment"
)

// stateOf is what a document speaks of.
func stateOf(s *policy.Snapshot, p placed, wire any) state {
	if a, ok := wire.(*Attachment); ok {
		if o, ok := attachedAt(s, a); ok {
			return state{text: string(o.Kind()) + "/" + o.Base().ID}
		}
		return state{}
	}
	o, ok := s.Get(p.kind.object, p.id)
	if !ok {
		return state{}
	}
	label := func(k policy.Kind, id string) string {
		if o, ok := s.Get(k, id); ok {
			return o.Label()
		}
		return id
	}
	out := state{parts: fieldParts(o, label)}
	all := []policy.Object{o}
	switch o.(type) {
	case *policy.Group:
		for _, r := range s.RulesOf(policy.GroupID(p.id)) {
			all = append(all, r)
			out.parts["rule "+cmp.Or(r.Name, r.ID)] = part{partRule, described(ruleLabel(r)+policy.RuleText(r, label), r.Description)}
		}
		if g, ok := wire.(*Group); ok && g.Attachments != nil {
			for _, o := range attachedTo(s, policy.GroupID(p.id)) {
				all = append(all, o)
				holder := policy.HolderOf(o)
				out.parts["attachment "+string(o.Kind())+" "+o.Base().ID] = part{partAttachment, "to " + string(holder.Kind) + " " + holder.Name}
			}
		}
	case *policy.IPSet:
		for _, e := range s.EntriesOf(policy.IPSetID(p.id)) {
			all = append(all, e)
			out.parts["entry "+e.CIDR.String()] = part{partEntry, described(e.CIDR.String(), e.Description)}
		}
	}
	out.text = textOf(all)
	return out
}

func ruleLabel(r *policy.Rule) string {
	if r.Name == "" {
		return ""
	}
	return r.Name + ": "
}

func described(text, description string) string {
	if description == "" {
		return text
	}
	return text + " # " + description
}

// fieldParts is an object field by field, without what is only reported.
func fieldParts(o policy.Object, label func(policy.Kind, string) string) map[string]part {
	out := make(map[string]part)
	all, _ := members(json.RawMessage(textOf(o))) // An object marshals to one.
	var labels []string
	for _, ref := range o.References() {
		labels = append(labels, textOf(ref.ID), textOf(label(ref.Kind, ref.ID)))
	}
	names := strings.NewReplacer(labels...)
	for _, m := range all {
		if value := string(m.value); !reportedFields[m.name] && m.name != "id" && value != "null" {
			if !freeFields[m.name] {
				value = names.Replace(value)
			}
			out[m.name] = part{m.name, value}
		}
	}
	return out
}

// freeFields are fields that people fill as they like, so that what looks like an id there is none.
var freeFields = map[string]bool{"name": true, "description": true, "tags": true, "limits": true}

func textOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // Objects of the store marshal.
		return err.Error()
	}
	return string(b)
}
