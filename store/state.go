package store

import (
	"conjunct/policy"
)

// state is all objects at one revision with the two indexes that etcd keeps as keys:
//
//	claims    unique key ──► the object that has the value
//	holders   object ──► the objects that refer to it
//
// Presets claim their names too, although they are not stored. A state is not safe for concurrent use.
type state struct {
	layout   layout
	snapshot *policy.Snapshot
	claims   map[string]key
	holders  map[key]keyset
}

func newState(l layout, defaultProfile policy.ProfileName) *state {
	s := &state{
		layout: l, snapshot: policy.NewSnapshot(defaultProfile),
		claims: make(map[string]key), holders: make(map[key]keyset),
	}
	for _, p := range policy.Presets() {
		s.index(p)
	}
	return s
}

// set makes after the object of the key; nil removes it.
func (s *state) set(k key, after policy.Object) {
	if before, ok := s.snapshot.Get(k.kind, k.id); ok {
		s.unindex(before)
	}
	if after == nil {
		s.snapshot.Delete(k.kind, k.id)
		return
	}
	s.snapshot.Put(after)
	s.index(after)
}

func (s *state) apply(b policy.Batch) {
	for _, c := range b.Changes {
		s.set(key{c.Kind, c.ID}, c.Object)
	}
	s.snapshot.Revision = b.Revision
}

func (s *state) index(o policy.Object) {
	k := keyOf(o)
	for _, u := range policy.Uniques(o) {
		s.claims[s.layout.unique(u)] = k
	}
	for _, r := range o.References() {
		target := refKey(r)
		s.holders[target] = s.holders[target].with(k)
	}
}

// unindex leaves a claim that another object has taken over within the same batch.
func (s *state) unindex(o policy.Object) {
	k := keyOf(o)
	for _, u := range policy.Uniques(o) {
		if name := s.layout.unique(u); s.claims[name] == k {
			delete(s.claims, name)
		}
	}
	for _, r := range o.References() {
		target := refKey(r)
		if left := s.holders[target].without(k); left.len() > 0 {
			s.holders[target] = left
		} else {
			delete(s.holders, target)
		}
	}
}

// indexed tells what an index key of etcd should hold, and for which object; false when it should not be there.
func (s *state) indexed(name string) (value string, source key, ok bool) {
	if k, ok := s.claims[name]; ok {
		return k.String(), k, !isPreset(k)
	}
	target, source, ok := s.layout.parseReference(name)
	if !ok {
		return "", key{}, false
	}
	return "", source, s.holders[target].has(source)
}

// indexKeys is how many index keys etcd should have.
func (s *state) indexKeys() int {
	n := len(s.claims) - len(policy.Presets())
	for _, sources := range s.holders {
		n += sources.len()
	}
	return n
}
