package policy

import (
	"iter"
	"slices"
)

// Snapshot is everything that is wanted, at one revision of the store. The objects in it are shared and immutable; the
// maps belong to whoever holds the snapshot.
type Snapshot struct {
	Revision int64
	// DefaultProfile judges VPCs for which neither they nor their project name one.
	DefaultProfile ProfileName
	objects        map[Kind]map[string]Object
}

// NewSnapshot returns an empty snapshot in which the presets exist as profiles.
func NewSnapshot(defaultProfile ProfileName) *Snapshot {
	s := &Snapshot{DefaultProfile: defaultProfile, objects: make(map[Kind]map[string]Object, len(kinds))}
	for _, k := range Kinds() {
		s.objects[k] = make(map[string]Object)
	}
	for _, p := range Presets() {
		s.Put(p)
	}
	return s
}

// Put adds or replaces an object.
func (s *Snapshot) Put(o Object) { s.objects[o.Kind()][o.Base().ID] = o }

// Delete removes an object and tells whether it was there.
func (s *Snapshot) Delete(k Kind, id string) bool {
	_, ok := s.objects[k][id]
	delete(s.objects[k], id)
	return ok
}

// Get finds an object.
func (s *Snapshot) Get(k Kind, id string) (Object, bool) {
	o, ok := s.objects[k][id]
	return o, ok
}

// Len counts the objects of a kind.
func (s *Snapshot) Len(k Kind) int { return len(s.objects[k]) }

// All iterates the objects of a kind in no particular order.
func (s *Snapshot) All(k Kind) iter.Seq[Object] {
	return func(yield func(Object) bool) {
		for _, o := range s.objects[k] {
			if !yield(o) {
				return
			}
		}
	}
}

// Clone copies the maps; the objects are shared.
func (s *Snapshot) Clone() *Snapshot {
	c := &Snapshot{Revision: s.Revision, DefaultProfile: s.DefaultProfile, objects: make(map[Kind]map[string]Object, len(s.objects))}
	for k, m := range s.objects {
		objects := make(map[string]Object, len(m))
		for id, o := range m {
			objects[id] = o
		}
		c.objects[k] = objects
	}
	return c
}

// Find returns the object of the id in its own type.
func Find[T Object, I ~string](s *Snapshot, id I) (T, bool) {
	var zero T
	o, ok := s.objects[zero.Kind()][string(id)]
	if !ok {
		return zero, false
	}
	return o.(T), true
}

// List returns the objects of a type that pass keep (nil keeps all), by id.
func List[T Object](s *Snapshot, keep func(T) bool) []T {
	var zero T
	var out []T
	for _, o := range s.objects[zero.Kind()] {
		if t := o.(T); keep == nil || keep(t) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b T) int {
		if a.Base().ID < b.Base().ID {
			return -1
		}
		return 1
	})
	return out
}

// RulesOf returns a group's rules by number.
func (s *Snapshot) RulesOf(id GroupID) []*Rule {
	out := List(s, func(r *Rule) bool { return r.GroupID == id })
	slices.SortFunc(out, func(a, b *Rule) int { return int(int64(a.Number) - int64(b.Number)) })
	return out
}

// EntriesOf returns an IP set's entries by id.
func (s *Snapshot) EntriesOf(id IPSetID) []*Entry {
	return List(s, func(e *Entry) bool { return e.IPSetID == id })
}

// ProfileOf returns the profile by which a VPC's ports are judged.
func (s *Snapshot) ProfileOf(v *VPC) *Profile {
	if p, ok := Find[*Profile](s, v.Profile); ok {
		return p
	}
	return s.ProfileOfProject(v.ProjectID)
}

// ProfileOfProject returns the profile of the project's VPCs that name none; that of no project is the installation's.
func (s *Snapshot) ProfileOfProject(id ProjectID) *Profile {
	names := []ProfileName{"", s.DefaultProfile, ProfileIsolated}
	if p, ok := Find[*Project](s, id); ok {
		names[0] = p.Profile
	}
	for _, name := range names {
		if p, ok := Find[*Profile](s, name); ok {
			return p
		}
	}
	p, _ := Preset(ProfileIsolated)
	return p
}
