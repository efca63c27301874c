package policy

import (
	"cmp"
	"iter"
	"maps"
	"slices"
)

// Snapshot is everything that is wanted, at one revision of the store. The objects in it are shared and immutable; the
// maps belong to whoever holds the snapshot.
type Snapshot struct {
	Revision int64
	// DefaultProfile judges VPCs for which neither they nor their project name one.
	DefaultProfile ProfileName
	objects        map[Kind]map[string]Object
	referrers      referrers
	// shown tells what exists for the reader; nil: everything. See Sight.
	shown func(Object) bool
}

func (s *Snapshot) shows(o Object) bool { return s.shown == nil || s.shown(o) }

// NewSnapshot returns an empty snapshot in which the presets exist as profiles.
func NewSnapshot(defaultProfile ProfileName) *Snapshot {
	s := &Snapshot{
		DefaultProfile: defaultProfile, objects: make(map[Kind]map[string]Object, len(kinds)),
		referrers: make(referrers),
	}
	for _, k := range Kinds() {
		s.objects[k] = make(map[string]Object)
	}
	for _, p := range Presets() {
		s.Put(p)
	}
	return s
}

// Put adds or replaces an object.
func (s *Snapshot) Put(o Object) {
	k, id := o.Kind(), o.Base().ID
	now := o.References()
	if old, ok := s.objects[k][id]; ok {
		for _, r := range old.References() {
			if !slices.ContainsFunc(now, r.same) {
				s.referrers.remove(r, old)
			}
		}
	}
	s.objects[k][id] = o
	for _, r := range now {
		s.referrers.add(r, o)
	}
}

// Delete removes an object and tells whether it was there.
func (s *Snapshot) Delete(k Kind, id string) bool {
	o, ok := s.objects[k][id]
	if !ok {
		return false
	}
	delete(s.objects[k], id)
	for _, r := range o.References() {
		s.referrers.remove(r, o)
	}
	return true
}

// Referrers iterates the objects of a type that refer to an object, in no particular order.
func Referrers[T Object](s *Snapshot, k Kind, id string) iter.Seq[T] {
	return func(yield func(T) bool) {
		var zero T
		for o := range s.referrers.all(k, id, zero.Kind()) {
			if s.shows(o) && !yield(o.(T)) {
				return
			}
		}
	}
}

// AllReferrers iterates the objects of all kinds that refer to an object, in no particular order.
func (s *Snapshot) AllReferrers(k Kind, id string) iter.Seq[Object] {
	return func(yield func(Object) bool) {
		for _, row := range kinds {
			for o := range s.referrers.all(k, id, row.kind) {
				if s.shows(o) && !yield(o) {
					return
				}
			}
		}
	}
}

// Get finds an object.
func (s *Snapshot) Get(k Kind, id string) (Object, bool) {
	o, ok := s.objects[k][id]
	if !ok || !s.shows(o) {
		return nil, false
	}
	return o, true
}

// Len counts the objects of a kind.
func (s *Snapshot) Len(k Kind) (n int) {
	if s.shown == nil {
		return len(s.objects[k])
	}
	for range s.All(k) {
		n++
	}
	return n
}

// All iterates the objects of a kind in no particular order.
func (s *Snapshot) All(k Kind) iter.Seq[Object] {
	return func(yield func(Object) bool) {
		for _, o := range s.objects[k] {
			if s.shows(o) && !yield(o) {
				return
			}
		}
	}
}

// Clone copies the maps; the objects are shared.
func (s *Snapshot) Clone() *Snapshot {
	c := &Snapshot{
		Revision: s.Revision, DefaultProfile: s.DefaultProfile, shown: s.shown,
		objects: make(map[Kind]map[string]Object, len(s.objects)), referrers: s.referrers.clone(),
	}
	for k, m := range s.objects {
		c.objects[k] = maps.Clone(m)
	}
	return c
}

// Find returns the object of the id in its own type.
func Find[T Object, I ~string](s *Snapshot, id I) (T, bool) {
	var zero T
	o, ok := s.objects[zero.Kind()][string(id)]
	if !ok || !s.shows(o) {
		return zero, false
	}
	return o.(T), true
}

// List returns the objects of a type that pass keep (nil keeps all), by id.
func List[T Object](s *Snapshot, keep func(T) bool) []T {
	var zero T
	var out []T
	for _, o := range s.objects[zero.Kind()] {
		if t := o.(T); s.shows(o) && (keep == nil || keep(t)) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, byID)
	return out
}

func byID[T Object](a, b T) int { return cmp.Compare(a.Base().ID, b.Base().ID) }

// RulesOf returns a group's rules by number.
func (s *Snapshot) RulesOf(id GroupID) []*Rule {
	var out []*Rule
	for r := range Referrers[*Rule](s, KindGroup, string(id)) {
		if r.GroupID == id { // Others name the group as their remote.
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *Rule) int { return cmp.Compare(a.Number, b.Number) })
	return out
}

// EntriesOf returns an IP set's entries by id.
func (s *Snapshot) EntriesOf(id IPSetID) []*Entry {
	return slices.SortedFunc(Referrers[*Entry](s, KindIPSet, string(id)), byID)
}

// ProfileOf returns the profile by which a VPC's ports are judged.
func (s *Snapshot) ProfileOf(v *VPC) *Profile {
	if p, ok := Find[*Profile](s, v.Profile); ok {
		return p
	}
	return s.ProfileOfProject(v.ProjectID)
}

// ProfileOfGroup returns the profile by which a group is written and deleted: its VPC's where it is bound to one, else its project's.
func (s *Snapshot) ProfileOfGroup(g *Group) *Profile {
	if v, ok := Find[*VPC](s, g.VPCID); ok {
		return s.ProfileOf(v)
	}
	return s.ProfileOfProject(g.ProjectID)
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
