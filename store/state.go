package store

import (
	"slices"

	"conjunct/policy"
)

// state is all objects at one revision, with what etcd keeps as index keys:
//
//	claims                  unique key ──► the object that has the value
//	the snapshot's referrers    object ──► the objects that refer to it
//
// Presets claim their names too, although they are not stored. A state is not safe for concurrent use.
type state struct {
	layout   layout
	snapshot *policy.Snapshot
	claims   map[string]policy.Object
}

func newState(l layout, defaultProfile policy.ProfileName) *state {
	s := &state{
		layout: l, snapshot: policy.NewSnapshot(defaultProfile),
		claims: make(map[string]policy.Object),
	}
	for _, p := range policy.Presets() {
		s.claim(p)
	}
	return s
}

// set makes after the object of the key; nil removes it.
func (s *state) set(k key, after policy.Object) {
	if before, ok := s.snapshot.Get(k.kind, k.id); ok {
		s.unclaim(before)
	}
	if after == nil {
		s.snapshot.Delete(k.kind, k.id)
		return
	}
	s.snapshot.Put(after)
	s.claim(after)
}

func (s *state) apply(b policy.Batch) {
	for _, c := range b.Changes {
		s.set(key{c.Kind, c.ID}, c.Object)
	}
	s.snapshot.Revision = b.Revision
}

func (s *state) claim(o policy.Object) {
	for _, u := range policy.Uniques(o) {
		s.claims[s.layout.unique(u)] = o
	}
}

// unclaim leaves a claim that another object has taken over within the same batch.
func (s *state) unclaim(o policy.Object) {
	for _, u := range policy.Uniques(o) {
		name := s.layout.unique(u)
		if by, ok := s.claims[name]; ok && keyOf(by) == keyOf(o) {
			delete(s.claims, name)
		}
	}
}

// indexEntry is what an index key holds, and for which object.
type indexEntry struct {
	value  string
	source key
}

// indexed tells what an index key of etcd should hold; false when it should not be there.
func (s *state) indexed(name string) (indexEntry, bool) {
	if o, ok := s.claims[name]; ok {
		k := keyOf(o)
		return indexEntry{k.String(), k}, !isPreset(k)
	}
	target, source, ok := s.layout.parseReference(name)
	if !ok {
		return indexEntry{}, false
	}
	o, ok := s.snapshot.Get(source.kind, source.id)
	return indexEntry{"", source}, ok && slices.Contains(targets(o), target)
}

// targets are the objects that an object refers to, each once.
func targets(o policy.Object) (out []key) {
	for _, r := range o.References() {
		if k := refKey(r); !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// indexSize is how many index keys etcd should have.
func (s *state) indexSize() int {
	n := len(s.claims) - len(policy.Presets())
	for _, kind := range policy.Kinds() {
		for o := range s.snapshot.All(kind) {
			n += len(targets(o))
		}
	}
	return n
}

// indexKeys yields the index keys that etcd should have.
func (s *state) indexKeys(yield func(name string, is indexEntry) bool) {
	for name, o := range s.claims {
		if k := keyOf(o); !isPreset(k) && !yield(name, indexEntry{k.String(), k}) {
			return
		}
	}
	for _, kind := range policy.Kinds() {
		for o := range s.snapshot.All(kind) {
			source := keyOf(o)
			for _, target := range targets(o) {
				if !yield(s.layout.reference(target, source), indexEntry{"", source}) {
					return
				}
			}
		}
	}
}
