package ovsdbtest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"conjunct/ovsdb"
)

// A datum is what a column holds: atoms in ascending order without duplicates and,
// for a map, the value of each. A datum never changes once it is in a row.
type datum struct {
	keys   []ovsdb.Atom
	values []ovsdb.Atom // nil unless a map
}

// An opError is <error> of RFC 7047 section 3.1.
type opError struct {
	Kind    string `json:"error"`
	Details string `json:"details"`
}

func (e *opError) Error() string { return e.Kind + ": " + e.Details }

func refuse(kind, format string, args ...any) *opError {
	return &opError{kind, fmt.Sprintf(format, args...)}
}

// zero is the default of a type: nothing if that is allowed, else one zero atom.
func (t columnType) zero() datum {
	if t.min == 0 {
		return datum{}
	}
	switch t.key {
	case integerBase:
		return datum{keys: []ovsdb.Atom{ovsdb.Integer(0)}}
	case booleanBase:
		return datum{keys: []ovsdb.Atom{ovsdb.Boolean(false)}}
	case uuidBase:
		return datum{keys: []ovsdb.Atom{ovsdb.UUID{}}}
	default:
		return datum{keys: []ovsdb.Atom{ovsdb.String("")}}
	}
}

// parse checks a value against the type. names resolves named-uuids. With loose set
// the number of elements is not checked, as for conditions and mutations.
func (t columnType) parse(v ovsdb.Value, names map[ovsdb.NamedUUID]ovsdb.UUID, loose bool) (datum, error) {
	var d datum
	if m, ok := v.(ovsdb.Map); ok {
		if t.value == "" {
			return datum{}, refuse(ovsdb.KindSyntax, "map where a set belongs")
		}
		for _, p := range m {
			d.keys, d.values = append(d.keys, p.Key), append(d.values, p.Value)
		}
	} else {
		set, _ := ovsdb.SetOf(v)
		if t.value != "" && len(set) > 0 {
			return datum{}, refuse(ovsdb.KindSyntax, "set where a map belongs")
		}
		d.keys = slices.Clone(set)
	}
	for i, a := range d.keys {
		a, err := t.atom(t.key, a, names)
		if err != nil {
			return datum{}, err
		}
		d.keys[i] = a
	}
	for i, a := range d.values {
		a, err := t.atom(t.value, a, names)
		if err != nil {
			return datum{}, err
		}
		d.values[i] = a
	}
	d = d.sorted()
	if !loose {
		if err := t.count(d, ovsdb.KindSyntax); err != nil {
			return datum{}, err
		}
	}
	return d, nil
}

// count checks the number of elements; what kind of error a wrong one is depends on
// where it comes from.
func (t columnType) count(d datum, kind string) error {
	if n := len(d.keys); n < t.min || n > t.max {
		return refuse(kind, "%d elements, want %d to %d", n, t.min, t.max)
	}
	return nil
}

func (t columnType) atom(want base, a ovsdb.Atom, names map[ovsdb.NamedUUID]ovsdb.UUID) (ovsdb.Atom, error) {
	var got base
	switch v := a.(type) {
	case ovsdb.String:
		got = stringBase
		if want == stringBase && t.enum != nil && !slices.Contains(t.enum, string(v)) {
			return nil, refuse(ovsdb.KindConstraint, "%s is not one of the allowed values %v", v, t.enum)
		}
	case ovsdb.Integer:
		got = integerBase
		if t.low != t.high && (int64(v) < t.low || int64(v) > t.high) {
			return nil, refuse(ovsdb.KindConstraint, "%d is not in the valid range %d to %d", v, t.low, t.high)
		}
	case ovsdb.Boolean:
		got = booleanBase
	case ovsdb.UUID:
		got = uuidBase
	case ovsdb.NamedUUID:
		id, ok := names[v]
		if !ok {
			return nil, refuse(ovsdb.KindReferential, "named-uuid %s is not the uuid-name of any insert", v)
		}
		a, got = id, uuidBase
	}
	if got != want {
		return nil, refuse(ovsdb.KindSyntax, "%T where a %s belongs", a, want)
	}
	return a, nil
}

// sorted puts a datum into its canonical order and drops repeated elements.
func (d datum) sorted() datum {
	order := make([]int, len(d.keys))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return compareAtoms(d.keys[i], d.keys[j]) })
	var s datum
	for _, i := range order {
		if n := len(s.keys); n > 0 && s.keys[n-1] == d.keys[i] {
			continue
		}
		s.keys = append(s.keys, d.keys[i])
		if d.values != nil {
			s.values = append(s.values, d.values[i])
		}
	}
	return s
}

// compareAtoms orders atoms of one type.
func compareAtoms(a, b ovsdb.Atom) int {
	switch a := a.(type) {
	case ovsdb.String:
		return cmp.Compare(a, b.(ovsdb.String))
	case ovsdb.Integer:
		return cmp.Compare(a, b.(ovsdb.Integer))
	case ovsdb.UUID:
		b := b.(ovsdb.UUID)
		return bytes.Compare(a[:], b[:])
	case ovsdb.Boolean:
		switch {
		case a == b.(ovsdb.Boolean):
			return 0
		case bool(a):
			return 1
		}
		return -1
	}
	panic(fmt.Sprintf("ovsdbtest: atom %T in a column", a))
}

func (d datum) equal(o datum) bool {
	return slices.Equal(d.keys, o.keys) && slices.Equal(d.values, o.values)
}

// find is the position of a key, or -1.
func (d datum) find(key ovsdb.Atom) int {
	i, ok := slices.BinarySearchFunc(d.keys, key, compareAtoms)
	if !ok {
		return -1
	}
	return i
}

// has tells whether d has element i of o: the key and, in maps, its value.
func (d datum) has(o datum, i int) bool {
	j := d.find(o.keys[i])
	return j >= 0 && (o.values == nil || d.values[j] == o.values[i])
}

// filter keeps the elements for which keep holds.
func (d datum) filter(keep func(i int) bool) datum {
	var f datum
	for i := range d.keys {
		if !keep(i) {
			continue
		}
		f.keys = append(f.keys, d.keys[i])
		if d.values != nil {
			f.values = append(f.values, d.values[i])
		}
	}
	return f
}

// join adds the elements of o whose keys d lacks.
func (d datum) join(o datum) datum {
	added := o.filter(func(i int) bool { return d.find(o.keys[i]) < 0 })
	return datum{
		keys:   append(slices.Clone(d.keys), added.keys...),
		values: append(slices.Clone(d.values), added.values...),
	}.sorted()
}

// wire is the datum as a value: an atom where there is exactly one.
func (d datum) wire(t columnType) ovsdb.Value {
	if t.value != "" {
		m := make(ovsdb.Map, len(d.keys))
		for i := range d.keys {
			m[i] = ovsdb.Pair{Key: d.keys[i], Value: d.values[i]}
		}
		return m
	}
	if len(d.keys) == 1 {
		return d.keys[0]
	}
	return ovsdb.Set(d.keys)
}

// diff is what update2 carries for a column that went from d to o.
func (d datum) diff(o datum, t columnType) datum {
	if t.max == 1 {
		return o
	}
	gone := d.filter(func(i int) bool { return o.find(d.keys[i]) < 0 })
	came := o.filter(func(i int) bool { return !d.has(o, i) })
	return datum{
		keys:   append(gone.keys, came.keys...),
		values: append(gone.values, came.values...),
	}.sorted()
}

// text is a form in which equal data, and only they, are equal.
func (d datum) text() string { return fmt.Sprintf("%q %q", d.keys, d.values) }
