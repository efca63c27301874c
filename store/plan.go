package store

import (
	"fmt"
	"maps"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"conjunct/policy"
)

// plan is what a judged transaction asks of etcd: its writes, made only if every compare holds. It is cut loose from the
// workspace, so that others can run while it is committed.
type plan struct {
	layout   layout
	revision int64 // of the state that the transaction saw
	fence    int64 // revision of the fence before it
	now      time.Time
	changed  []*write
	projects []policy.ProjectID // whose the changed objects are
	absent   []string           // unique keys that are to be taken
	gone     []string           // unique keys that are given up
	taken    map[string]key     // unique keys and who has them afterwards
	read     map[string]int64   // object keys that must have these revisions still
	ranges   []string           // prefixes below which nothing was written since
}

func (t *transaction) plan() *plan {
	p := &plan{
		layout: t.state.layout, revision: t.state.snapshot.Revision, changed: t.changed(),
		taken: make(map[string]key), read: make(map[string]int64),
	}
	released := make(map[string]struct{})
	for _, w := range p.changed {
		p.claim(w, released)
	}
	for _, name := range slices.Sorted(maps.Keys(p.taken)) {
		if _, ok := released[name]; !ok {
			p.absent = append(p.absent, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(released)) {
		if _, ok := p.taken[name]; !ok {
			p.gone = append(p.gone, name)
		}
	}
	seen := make(map[key]struct{})
	for _, w := range p.changed {
		if w.after != nil {
			t.readReferences(w.after, p, seen)
		}
		p.guard(w)
	}
	t.projects(p)
	slices.Sort(p.ranges)
	p.ranges = slices.Compact(p.ranges)
	return p
}

// claim notes which unique values a write takes and which it gives up.
func (p *plan) claim(w *write, released map[string]struct{}) {
	had := make(map[string]struct{})
	if w.before != nil {
		for _, u := range policy.Uniques(w.before) {
			had[p.layout.unique(u)] = struct{}{}
		}
	}
	if w.after != nil {
		for _, u := range policy.Uniques(w.after) {
			name := p.layout.unique(u)
			if _, ok := had[name]; ok {
				delete(had, name)
				continue
			}
			p.taken[name] = w.key
		}
	}
	maps.Copy(released, had)
}

// readReferences notes everything that an object refers to, directly or through others: it was judged by all of that.
func (t *transaction) readReferences(o policy.Object, p *plan, seen map[key]struct{}) {
	for _, r := range o.References() {
		k := refKey(r)
		if _, ok := seen[k]; ok {
			continue
		}
		seen[k] = struct{}{}
		target, ok := t.state.snapshot.Get(k.kind, k.id)
		if !ok || isPreset(k) {
			continue
		}
		if w, ok := t.writes[k]; !ok || !w.changes() {
			p.read[p.layout.object(k)] = target.Base().Revision
		}
		t.readReferences(target, p, seen)
	}
}

// guard notes below which prefixes an object's judgement depends on what is there: those that refer to an existing object
// that is changed or deleted, and the siblings of one that is judged among them.
func (p *plan) guard(w *write) {
	if w.before != nil {
		p.ranges = append(p.ranges, p.layout.holders(w.key))
	}
	if w.after != nil && amongSiblings(w.after) {
		if parent, ok := fieldOf(w.after, siblings); ok {
			p.ranges = append(p.ranges, p.layout.holdersOfKind(parent, w.key.kind))
		}
	}
}

// compares are the conditions of the transaction. A key that does not exist has modification revision 0.
func (p *plan) compares() []clientv3.Cmp {
	var out []clientv3.Cmp
	for _, w := range p.changed {
		var rev int64
		if w.before != nil {
			rev = w.before.Base().Revision
		}
		out = append(out, clientv3.Compare(clientv3.ModRevision(p.layout.object(w.key)), "=", rev))
	}
	for _, name := range p.absent {
		out = append(out, clientv3.Compare(clientv3.ModRevision(name), "=", 0))
	}
	for _, name := range slices.Sorted(maps.Keys(p.read)) {
		out = append(out, clientv3.Compare(clientv3.ModRevision(name), "=", p.read[name]))
	}
	for _, prefix := range p.ranges {
		out = append(out, clientv3.Compare(clientv3.ModRevision(prefix), "<", p.revision+1).WithPrefix())
	}
	return out
}

// writes are the transaction's puts and deletes. A reference is written again with every write of its holder, so that its
// revision tells a writer of its target that the holder has changed.
func (p *plan) writes() ([]clientv3.Op, error) {
	var out []clientv3.Op
	for _, w := range p.changed {
		name := p.layout.object(w.key)
		if w.after == nil {
			out = append(out, clientv3.OpDelete(name))
		} else {
			value, err := encode(w.after)
			if err != nil {
				return nil, err
			}
			out = append(out, clientv3.OpPut(name, string(value)))
		}
		out = p.references(out, w)
	}
	for _, name := range slices.Sorted(maps.Keys(p.taken)) {
		out = append(out, clientv3.OpPut(name, p.taken[name].String()))
	}
	for _, name := range p.gone {
		out = append(out, clientv3.OpDelete(name))
	}
	return out, nil
}

func (p *plan) references(out []clientv3.Op, w *write) []clientv3.Op {
	var kept []key
	if w.after != nil {
		kept = targets(w.after)
		for _, target := range kept {
			out = append(out, clientv3.OpPut(p.layout.reference(target, w.key), ""))
		}
	}
	if w.before != nil {
		for _, target := range targets(w.before) {
			if !slices.Contains(kept, target) {
				out = append(out, clientv3.OpDelete(p.layout.reference(target, w.key)))
			}
		}
	}
	return out
}

// numberless lists the objects that are created and get a number.
func (p *plan) numberless() []policy.Numbered {
	var out []policy.Numbered
	for _, w := range p.changed {
		if n, ok := w.after.(policy.Numbered); ok && n.GetNumber() == 0 {
			out = append(out, n)
		}
	}
	return out
}

// tooLarge reports a transaction that does not fit into one of etcd's. Nothing is ever split: it is all or nothing.
func tooLarge(what string, args ...any) error {
	return &policy.Invalid{Findings: []policy.Finding{{
		Code: "transaction-too-large", Message: fmt.Sprintf(what, args...) + "; send fewer objects at once",
	}}}
}
