package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"conjunct/policy"
)

// transaction collects what one run of an Update's function writes. While it runs, its writes stand in the
// workspace's snapshot; rollback takes them out again, whatever comes of it.
type transaction struct {
	state  *state
	now    time.Time
	writes map[key]*write
	order  []*write
}

// write is one object before and after the transaction; nil where it does not exist. After is before itself when
// nothing changes.
type write struct {
	key           key
	before, after policy.Object
}

func (w *write) changes() bool { return w.before != w.after }

var _ policy.Tx = (*transaction)(nil)

func begin(s *state, now time.Time) *transaction {
	return &transaction{state: s, now: now, writes: make(map[key]*write)}
}

func (t *transaction) Snapshot() *policy.Snapshot { return t.state.snapshot }

func (t *transaction) Put(o policy.Object) error {
	k := keyOf(o)
	if err := writable(k); err != nil {
		return err
	}
	w := t.write(k)
	if rev := o.Base().Revision; rev != 0 && (w.before == nil || w.before.Base().Revision != rev) {
		return fmt.Errorf("put %s: %w", k, policy.ErrStale)
	}
	after := o.Clone()
	policy.Normalize(after, t.state.snapshot)
	inherit(after, w.before)
	if w.before != nil {
		unchanged, err := same(w.before, after)
		if err != nil {
			return err
		}
		if unchanged {
			after = w.before
		}
	}
	if after != w.before {
		after.Base().UpdatedAt = t.now
		if w.before == nil {
			after.Base().CreatedAt = t.now
		}
	}
	w.after = after
	t.state.snapshot.Put(after)
	return nil
}

func (t *transaction) Delete(k policy.Kind, id string) error {
	name := key{k, id}
	if err := writable(name); err != nil {
		return err
	}
	if _, ok := t.state.snapshot.Get(k, id); !ok {
		return &policy.NotFound{Kind: k, ID: id}
	}
	if owning[k] {
		for _, owned := range t.ownedBy(name) {
			if err := t.Delete(owned.kind, owned.id); err != nil {
				return err
			}
		}
	}
	t.write(name).after = nil
	t.state.snapshot.Delete(k, id)
	return nil
}

// write finds or starts the write of a key.
func (t *transaction) write(k key) *write {
	if w, ok := t.writes[k]; ok {
		return w
	}
	w := &write{key: k}
	if o, ok := t.state.snapshot.Get(k.kind, k.id); ok {
		w.before, w.after = o, o
	}
	t.writes[k] = w
	t.order = append(t.order, w)
	return w
}

// ownedBy lists what belongs to the object as things stand in the transaction.
func (t *transaction) ownedBy(owner key) []key {
	var out []key
	for o := range t.state.snapshot.AllReferrers(owner.kind, owner.id) {
		if by, ok := fieldOf(o, owners); ok && by == owner {
			out = append(out, keyOf(o))
		}
	}
	slices.SortFunc(out, func(a, b key) int { return strings.Compare(a.String(), b.String()) })
	return out
}

// rollback takes the writes out of the workspace's snapshot.
func (t *transaction) rollback() {
	for _, w := range t.order {
		if w.before == nil {
			t.state.snapshot.Delete(w.key.kind, w.key.id)
		} else {
			t.state.snapshot.Put(w.before)
		}
	}
}

// changed lists the writes that change something.
func (t *transaction) changed() []*write {
	return slices.DeleteFunc(slices.Clone(t.order), func(w *write) bool { return !w.changes() })
}

// inherit gives an object what only the store sets: that of the object that it replaces, or nothing.
func inherit(o, before policy.Object) {
	meta := policy.Meta{ID: o.Base().ID}
	var number policy.Number
	if before != nil {
		meta = *before.Base()
		if n, ok := before.(policy.Numbered); ok {
			number = n.GetNumber()
		}
	}
	*o.Base() = meta
	if n, ok := o.(policy.Numbered); ok {
		n.SetNumber(number)
	}
}

// writable refuses keys that can't be stored, before they get anywhere near a key of etcd.
func writable(k key) error {
	if k.kind.New() == nil {
		return fmt.Errorf("%q is not a kind of objects", k.kind)
	}
	if !policy.ValidName(k.id) {
		return &policy.Invalid{Findings: []policy.Finding{{
			Pointer: "/id", Code: "id-invalid", Message: fmt.Sprintf("%q does not match %s", k.id, policy.NamePattern),
		}}}
	}
	if isPreset(k) {
		return &policy.Forbidden{Code: "preset-read-only", Message: fmt.Sprintf("profile %q ships with Conjunct and is read-only", k.id)}
	}
	return nil
}
