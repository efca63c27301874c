package policy

import (
	"iter"
	"maps"
)

// referrers turns References around: who refers to an object. A referrer that refers twice is there once.
//
//	kinds of both ──► id of the object ──► one Object, or a crowd of them
//
// Most objects have one referrer of a kind, which takes no map: an installation has more of these entries than objects.
type referrers map[relation]map[string]any

// relation is the kind of an object that others refer to, and theirs.
type relation struct{ to, by Kind }

// crowd are several referrers, by id.
type crowd map[string]Object

// add notes that o refers to the object, or that what o replaces did.
func (r referrers) add(to Ref, o Object) {
	at := relation{to.Kind, o.Kind()}
	known := r[at]
	if known == nil {
		known = make(map[string]any)
		r[at] = known
	}
	id := o.Base().ID
	switch is := known[to.ID].(type) {
	case crowd:
		is[id] = o
	case Object:
		if is.Base().ID != id {
			known[to.ID] = crowd{is.Base().ID: is, id: o}
			return
		}
		known[to.ID] = o
	default:
		known[to.ID] = o
	}
}

// remove forgets that o refers to the object, also when that is forgotten already: an object may name another twice.
func (r referrers) remove(to Ref, o Object) {
	at, id := relation{to.Kind, o.Kind()}, o.Base().ID
	known := r[at]
	switch is := known[to.ID].(type) {
	case crowd:
		delete(is, id)
		if len(is) == 1 { // Equal sets are equal, whatever they were before.
			for _, left := range is {
				known[to.ID] = left
			}
		}
	case Object:
		if is.Base().ID != id {
			return
		}
		delete(known, to.ID)
		if len(known) == 0 {
			delete(r, at)
		}
	}
}

// all iterates those of a kind that refer to the object, in no particular order.
func (r referrers) all(to Kind, id string, by Kind) iter.Seq[Object] {
	return func(yield func(Object) bool) {
		switch is := r[relation{to, by}][id].(type) {
		case crowd:
			for _, o := range is {
				if !yield(o) {
					return
				}
			}
		case Object:
			yield(is)
		}
	}
}

func (r referrers) clone() referrers {
	out := make(referrers, len(r))
	for at, known := range r {
		own := make(map[string]any, len(known))
		for id, is := range known {
			if many, ok := is.(crowd); ok {
				is = maps.Clone(many)
			}
			own[id] = is
		}
		out[at] = own
	}
	return out
}
