package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"conjunct/policy"
)

// judge says what speaks against a transaction in the state that it would leave behind: *policy.Forbidden for what nobody may do,
// else *policy.Invalid with the findings of all its objects, else every *policy.Conflict, joined. Where a transaction writes several objects, the
// pointers of findings begin with /<kind>/<id>.
func (t *transaction) judge() error {
	changed := t.changed()
	for _, w := range changed {
		if refused := policy.Refuse(w.before, w.after, t.state.snapshot); refused != nil {
			return refused
		}
	}
	var findings []policy.Finding
	for _, w := range changed {
		if w.after == nil {
			continue
		}
		for _, f := range policy.Validate(w.after, t.state.snapshot) {
			if len(t.order) > 1 {
				f.Pointer = "/" + w.key.String() + f.Pointer
			}
			findings = append(findings, f)
		}
	}
	if len(findings) > 0 {
		return &policy.Invalid{Findings: findings}
	}
	var conflicts []error
	for _, w := range changed {
		if w.after == nil {
			conflicts = append(conflicts, t.inUse(w)...)
			continue
		}
		for _, c := range policy.Conflicts(w.before, w.after, t.state.snapshot) {
			c.Object = policy.HolderOf(w.after)
			conflicts = append(conflicts, c)
		}
	}
	conflicts = append(conflicts, t.taken(changed)...)
	if len(conflicts) == 1 {
		return conflicts[0]
	}
	return errors.Join(conflicts...)
}

// inUse reports the objects that would go on referring to one that is deleted. Those that the transaction itself writes
// were judged with their references.
func (t *transaction) inUse(w *write) []error {
	var holders []policy.Holder
	for o := range t.state.snapshot.AllReferrers(w.key.kind, w.key.id) {
		if own, ok := t.writes[keyOf(o)]; ok && own.changes() {
			continue
		}
		holders = append(holders, policy.HolderOf(o))
	}
	if len(holders) == 0 {
		return nil
	}
	slices.SortFunc(holders, func(a, b policy.Holder) int {
		return strings.Compare(string(a.Kind)+"/"+a.ID, string(b.Kind)+"/"+b.ID)
	})
	return []error{&policy.Conflict{
		Code: string(w.key.kind) + "-in-use", Holders: holders, Object: policy.HolderOf(w.before),
		Message: fmt.Sprintf("%s %q is referred to by %s; change or delete what refers to it first", w.key.kind, w.before.Label(), names(holders)),
	}}
}

// taken reports unique values that an object claims while another has them, in the store or in the same transaction.
func (t *transaction) taken(changed []*write) []error {
	var out []error
	claimed := make(map[string]policy.Object)
	for _, w := range changed {
		if w.after == nil {
			continue
		}
		for _, u := range policy.Uniques(w.after) {
			name := t.state.layout.unique(u)
			other, ok := claimed[name]
			if !ok {
				other, ok = t.owner(name, w.key)
			}
			claimed[name] = w.after
			if !ok {
				continue
			}
			out = append(out, &policy.Conflict{
				Code: u.Code, Message: u.Message(quoted(other)), Holders: []policy.Holder{policy.HolderOf(other)},
				Object: policy.HolderOf(w.after), Pointer: u.Pointer,
			})
		}
	}
	return out
}

// owner is the object that keeps a unique value through the transaction, other than the one that asks for it.
func (t *transaction) owner(name string, asking key) (policy.Object, bool) {
	o, ok := t.state.claims[name]
	if !ok {
		return nil, false
	}
	k := keyOf(o)
	if k == asking {
		return nil, false
	}
	if w, ok := t.writes[k]; ok && w.changes() {
		return nil, false // Gone, or checked as a claim of its own.
	}
	return t.state.snapshot.Get(k.kind, k.id)
}

func quoted(o policy.Object) string { return fmt.Sprintf("%s %q", o.Kind(), o.Label()) }

const namedHolders = 5 // that a message names; the conflict lists all

func names(holders []policy.Holder) string {
	var out []string
	for i, h := range holders {
		if i == namedHolders {
			out = append(out, fmt.Sprintf("%d more", len(holders)-namedHolders))
			break
		}
		out = append(out, fmt.Sprintf("%s %q", h.Kind, h.Name))
	}
	return strings.Join(out, ", ")
}
