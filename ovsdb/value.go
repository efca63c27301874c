package ovsdb

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// A Value is what a column holds on the wire (RFC 7047 section 5.1, <value>): an
// [Atom], a [Set] or a [Map].
type Value interface {
	json.Marshaler
	isValue()
}

// An Atom is a single [String], [Integer], [Real], [Boolean], [UUID] or [NamedUUID].
// Atoms are comparable and so may be keys of Go maps.
type Atom interface {
	Value
	isAtom()
}

type (
	// String is UTF-8 text without a zero byte.
	String string
	// Integer is a signed number of 64 bits.
	Integer int64
	// Real is a finite number. One that is whole arrives as Integer, because JSON
	// does not tell them apart.
	Real float64
	// Boolean is true or false.
	Boolean bool
	// NamedUUID refers to the row that an [Insert] of the same transaction creates
	// under this UUIDName. Letters, digits and underscores, no digit first.
	NamedUUID string
	// Set holds any number of atoms of one kind, without order. A set of exactly one
	// atom may also be written as that atom; [SetOf] undoes the difference.
	Set []Atom
	// Map holds pairs with distinct keys, without order.
	Map []Pair
)

// A Pair is one entry of a [Map].
type Pair struct{ Key, Value Atom }

func (String) isValue()    {}
func (Integer) isValue()   {}
func (Real) isValue()      {}
func (Boolean) isValue()   {}
func (UUID) isValue()      {}
func (NamedUUID) isValue() {}
func (Set) isValue()       {}
func (Map) isValue()       {}

func (String) isAtom()    {}
func (Integer) isAtom()   {}
func (Real) isAtom()      {}
func (Boolean) isAtom()   {}
func (UUID) isAtom()      {}
func (NamedUUID) isAtom() {}

// SetOf views any value but a map as a set: an atom is the set of itself.
func SetOf(v Value) (Set, bool) {
	switch v := v.(type) {
	case Set:
		return v, true
	case Atom:
		return Set{v}, true
	}
	return nil, false
}

// Strings makes a set of strings, in the order given.
func Strings(list ...string) Set {
	set := make(Set, len(list))
	for i, s := range list {
		set[i] = String(s)
	}
	return set
}

// UUIDs makes a set of references, in the order given.
func UUIDs(list ...UUID) Set {
	set := make(Set, len(list))
	for i, u := range list {
		set[i] = u
	}
	return set
}

// StringMap makes a map of strings, ordered by key so that equal maps have equal
// encodings.
func StringMap(m map[string]string) Map {
	pairs := make(Map, 0, len(m))
	for k, v := range m {
		pairs = append(pairs, Pair{String(k), String(v)})
	}
	slices.SortFunc(pairs, func(a, b Pair) int {
		return cmp.Compare(a.Key.(String), b.Key.(String))
	})
	return pairs
}

func (s String) MarshalJSON() ([]byte, error)  { return json.Marshal(string(s)) }
func (i Integer) MarshalJSON() ([]byte, error) { return json.Marshal(int64(i)) }
func (b Boolean) MarshalJSON() ([]byte, error) { return json.Marshal(bool(b)) }
func (u UUID) MarshalJSON() ([]byte, error)    { return json.Marshal([]string{"uuid", u.String()}) }
func (n NamedUUID) MarshalJSON() ([]byte, error) {
	return json.Marshal([]string{"named-uuid", string(n)})
}

func (r Real) MarshalJSON() ([]byte, error) {
	if f := float64(r); math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("ovsdb: %v is not a number that JSON can carry", f)
	}
	return json.Marshal(float64(r))
}

func (s Set) MarshalJSON() ([]byte, error) {
	if s == nil {
		s = Set{}
	}
	return json.Marshal([]any{"set", []Atom(s)})
}

func (m Map) MarshalJSON() ([]byte, error) {
	pairs := make([][2]Atom, len(m))
	for i, p := range m {
		pairs[i] = [2]Atom{p.Key, p.Value}
	}
	return json.Marshal([]any{"map", pairs})
}

// A Row is a part of a row: column names and their values.
type Row map[string]Value
