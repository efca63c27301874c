package ovsdb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// DecodeValue reads one value (RFC 7047 section 5.1). It accepts exactly the forms
// given there: no null, no object, no set in a set, no map with a key twice, no
// UUID that isn't one, no text with a zero byte.
func DecodeValue(data []byte) (Value, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("ovsdb: value: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("ovsdb: value: something follows it")
	}
	return valueOf(tree)
}

// UnmarshalJSON reads a row; see [DecodeValue] for what a column may hold.
func (r *Row) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var tree map[string]any
	if err := dec.Decode(&tree); err != nil {
		return fmt.Errorf("ovsdb: row: %w", err)
	}
	if tree == nil {
		return errors.New("ovsdb: row: null")
	}
	row := make(Row, len(tree))
	for column, v := range tree {
		value, err := valueOf(v)
		if err != nil {
			return fmt.Errorf("ovsdb: column %q: %w", column, err)
		}
		row[column] = value
	}
	*r = row
	return nil
}

// valueOf turns a decoded JSON tree into a value. Its depth is at most four, so it
// looks down by hand and never recurses.
func valueOf(tree any) (Value, error) {
	list, ok := tree.([]any)
	if !ok {
		return atomOf(tree)
	}
	tag, body, err := tagged(list)
	if err != nil {
		return nil, err
	}
	switch tag {
	case "set":
		return setOf(body)
	case "map":
		return mapOf(body)
	}
	return atomOf(tree)
}

// tagged splits ["tag", body].
func tagged(list []any) (tag string, body any, err error) {
	if len(list) != 2 {
		return "", nil, fmt.Errorf("ovsdb: value: array of %d elements, want 2", len(list))
	}
	tag, ok := list[0].(string)
	if !ok {
		return "", nil, errors.New("ovsdb: value: array does not start with a tag")
	}
	return tag, list[1], nil
}

func atomOf(tree any) (Atom, error) {
	switch v := tree.(type) {
	case string:
		if strings.IndexByte(v, 0) >= 0 {
			return nil, errors.New("ovsdb: string with a zero byte")
		}
		return String(v), nil
	case bool:
		return Boolean(v), nil
	case json.Number:
		return numberOf(v.String())
	case []any:
		return referenceOf(v)
	}
	return nil, fmt.Errorf("ovsdb: %T is not an atom", tree)
}

// numberOf follows ovsdb-server: a whole number that fits in 64 bits is an integer
// however it is written, everything else a real.
func numberOf(text string) (Atom, error) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Integer(i), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, fmt.Errorf("ovsdb: number %.40s is out of range", text)
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
		return Integer(f), nil
	}
	return Real(f), nil
}

func referenceOf(list []any) (Atom, error) {
	tag, body, err := tagged(list)
	if err != nil {
		return nil, err
	}
	name, ok := body.(string)
	switch {
	case tag != "uuid" && tag != "named-uuid":
		return nil, fmt.Errorf("ovsdb: %.40q is not an atom", tag)
	case !ok:
		return nil, fmt.Errorf("ovsdb: %s of %T", tag, body)
	case tag == "named-uuid":
		if !isID(name) {
			return nil, fmt.Errorf("ovsdb: %.40q is not a name for a UUID", name)
		}
		return NamedUUID(name), nil
	}
	u, err := ParseUUID(name)
	if err != nil {
		return nil, err
	}
	return u, nil
}

// isID tells whether s is an <id> (RFC 7047 section 3.1).
func isID(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

func setOf(body any) (Set, error) {
	list, ok := body.([]any)
	if !ok {
		return nil, fmt.Errorf("ovsdb: set of %T", body)
	}
	set := make(Set, 0, len(list))
	seen := make(map[Atom]bool, len(list))
	for _, element := range list {
		atom, err := atomOf(element)
		if err != nil {
			return nil, fmt.Errorf("ovsdb: set: %w", err)
		}
		if seen[atom] {
			return nil, errors.New("ovsdb: set with an element twice")
		}
		seen[atom] = true
		set = append(set, atom)
	}
	return set, nil
}

func mapOf(body any) (Map, error) {
	list, ok := body.([]any)
	if !ok {
		return nil, fmt.Errorf("ovsdb: map of %T", body)
	}
	m := make(Map, 0, len(list))
	seen := make(map[Atom]bool, len(list))
	for _, element := range list {
		pair, ok := element.([]any)
		if !ok || len(pair) != 2 {
			return nil, errors.New("ovsdb: map: entry is not a pair")
		}
		key, err := atomOf(pair[0])
		if err != nil {
			return nil, fmt.Errorf("ovsdb: map key: %w", err)
		}
		value, err := atomOf(pair[1])
		if err != nil {
			return nil, fmt.Errorf("ovsdb: map value: %w", err)
		}
		if seen[key] {
			return nil, errors.New("ovsdb: map with a key twice")
		}
		seen[key] = true
		m = append(m, Pair{key, value})
	}
	return m, nil
}
