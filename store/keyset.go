package store

import "iter"

// keyset is a set of keys that takes no map while it has one: most objects have one holder.
type keyset struct {
	one  key
	many map[key]struct{}
}

func (s keyset) with(k key) keyset {
	switch {
	case s.many != nil:
		s.many[k] = struct{}{}
	case s.one == key{} || s.one == k:
		s.one = k
	default:
		s = keyset{many: map[key]struct{}{s.one: {}, k: {}}}
	}
	return s
}

func (s keyset) without(k key) keyset {
	if s.one == k {
		return keyset{}
	}
	if delete(s.many, k); len(s.many) == 1 {
		for left := range s.many {
			return keyset{one: left}
		}
	}
	return s
}

func (s keyset) has(k key) bool {
	_, ok := s.many[k]
	return ok || s.one == k
}

func (s keyset) len() int {
	if s.one != (key{}) {
		return 1
	}
	return len(s.many)
}

func (s keyset) all() iter.Seq[key] {
	return func(yield func(key) bool) {
		if s.one != (key{}) {
			yield(s.one)
			return
		}
		for k := range s.many {
			if !yield(k) {
				return
			}
		}
	}
}
