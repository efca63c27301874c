package ovsdb

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// A column is one monitored column of rows of type T: its name and how a value of it
// is put into the row.
//
// With diff set the value is what a "modify" of update2 carries (ovsdb-server(7),
// section 4.1.14): for sets the elements that come or go, for maps the pairs that come,
// go (same value) or change (other value). For columns that hold at most one atom it
// is the whole value in either case.
type column[T any] struct {
	name string
	put  func(row *T, v Value, diff bool) error
}

// atMostOne makes a column out of a function for its only atom; nil means empty.
func atMostOne[T any](put func(*T, Atom) error) func(*T, Value, bool) error {
	return func(row *T, v Value, _ bool) error {
		set, ok := SetOf(v)
		if !ok || len(set) > 1 {
			return fmt.Errorf("%T of %d, want at most one atom", v, len(set))
		}
		if len(set) == 0 {
			return put(row, nil)
		}
		return put(row, set[0])
	}
}

func text[T any](field func(*T) *string) func(*T, Value, bool) error {
	return atMostOne(func(row *T, a Atom) error { return assign(field(row), a, fromString) })
}

func boolean[T any](field func(*T) *bool) func(*T, Value, bool) error {
	return atMostOne(func(row *T, a Atom) error { return assign(field(row), a, fromBoolean) })
}

func integer[T any](field func(*T) *int64) func(*T, Value, bool) error {
	return atMostOne(func(row *T, a Atom) error { return assign(field(row), a, fromInteger) })
}

func optionalInt[T any](field func(*T) **int64) func(*T, Value, bool) error {
	return atMostOne(func(row *T, a Atom) error {
		return assign(field(row), a, func(a Atom) (*int64, error) {
			i, err := fromInteger(a)
			return &i, err
		})
	})
}

// assign stores the atom, or the zero value if there is none.
func assign[F any](field *F, a Atom, from func(Atom) (F, error)) error {
	var f F
	if a != nil {
		var err error
		if f, err = from(a); err != nil {
			return err
		}
	}
	*field = f
	return nil
}

func fromString(a Atom) (string, error) {
	s, ok := a.(String)
	if !ok {
		return "", fmt.Errorf("%T, want a string", a)
	}
	return string(s), nil
}

func fromBoolean(a Atom) (bool, error) {
	b, ok := a.(Boolean)
	if !ok {
		return false, fmt.Errorf("%T, want a boolean", a)
	}
	return bool(b), nil
}

func fromInteger(a Atom) (int64, error) {
	i, ok := a.(Integer)
	if !ok {
		return 0, fmt.Errorf("%T, want an integer", a)
	}
	return int64(i), nil
}

func fromUUID(a Atom) (UUID, error) {
	u, ok := a.(UUID)
	if !ok {
		return UUID{}, fmt.Errorf("%T, want a uuid", a)
	}
	return u, nil
}

func stringSet[T any](field func(*T) *[]string) func(*T, Value, bool) error {
	return func(row *T, v Value, diff bool) error {
		list, err := putSet(*field(row), v, diff, fromString)
		slices.Sort(list)
		*field(row) = list
		return err
	}
}

func uuids[T any](field func(*T) *[]UUID) func(*T, Value, bool) error {
	return func(row *T, v Value, diff bool) error {
		list, err := putSet(*field(row), v, diff, fromUUID)
		slices.SortFunc(list, func(a, b UUID) int { return bytes.Compare(a[:], b[:]) })
		*field(row) = list
		return err
	}
}

// putSet returns the elements of v or, for a difference, those that are in exactly
// one of old and v. It leaves old alone: older snapshots hold it.
func putSet[E comparable](old []E, v Value, diff bool, from func(Atom) (E, error)) ([]E, error) {
	set, ok := SetOf(v)
	if !ok {
		return nil, fmt.Errorf("%T, want a set", v)
	}
	present := make(map[E]bool, len(old)+len(set))
	if diff {
		for _, e := range old {
			present[e] = true
		}
	}
	for _, a := range set {
		e, err := from(a)
		if err != nil {
			return nil, err
		}
		if present[e] {
			delete(present, e)
		} else {
			present[e] = true
		}
	}
	return slices.Collect(maps.Keys(present)), nil
}

// stringMap puts a map of strings; see column for what a difference does.
func stringMap[T any](field func(*T) *map[string]string) func(*T, Value, bool) error {
	return func(row *T, v Value, diff bool) error {
		pairs, err := stringPairs(v)
		if err != nil {
			return err
		}
		if !diff {
			*field(row) = pairs
			return nil
		}
		old := *field(row)
		merged := make(map[string]string, len(old)+len(pairs))
		maps.Copy(merged, old)
		for key, value := range pairs {
			if present, ok := old[key]; ok && present == value {
				delete(merged, key)
			} else {
				merged[key] = value
			}
		}
		*field(row) = merged
		return nil
	}
}

func stringPairs(v Value) (map[string]string, error) {
	if set, ok := v.(Set); ok && len(set) == 0 { // an empty map may come as an empty set
		return map[string]string{}, nil
	}
	m, ok := v.(Map)
	if !ok {
		return nil, fmt.Errorf("%T, want a map", v)
	}
	pairs := make(map[string]string, len(m))
	for _, p := range m {
		key, err := fromString(p.Key)
		if err != nil {
			return nil, err
		}
		value, err := fromString(p.Value)
		if err != nil {
			return nil, err
		}
		pairs[key] = value
	}
	return pairs, nil
}
