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
	holders  map[key]map[key]struct{}
}

func newState(l layout, defaultProfile policy.ProfileName) *state {
	s := &state{
		layout: l, snapshot: policy.NewSnapshot(defaultProfile),
		claims: make(map[string]key), holders: make(map[key]map[key]struct{}),
	}
	for _, p := range policy.Presets() {
		s.index(p)
	}
	return s
}

// set makes after the object of the key; nil removes it. It returns what was there.
func (s *state) set(k key, after policy.Object) policy.Object {
	before, ok := s.snapshot.Get(k.kind, k.id)
	if ok {
		s.unindex(before)
	} else {
		before = nil
	}
	if after == nil {
		s.snapshot.Delete(k.kind, k.id)
		return before
	}
	s.snapshot.Put(after)
	s.index(after)
	return before
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
		if s.holders[target] == nil {
			s.holders[target] = make(map[key]struct{})
		}
		s.holders[target][k] = struct{}{}
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
		delete(s.holders[target], k)
		if len(s.holders[target]) == 0 {
			delete(s.holders, target)
		}
	}
}
