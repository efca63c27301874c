package ovsdbtest

import (
	"encoding/json"

	"conjunct/ovsdb"
)

// triple is <condition> or <mutation>: a column, a word and a value.
type triple struct {
	column, word string
	value        ovsdb.Value
}

func (t *triple) UnmarshalJSON(data []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil || len(parts) != 3 {
		return refuse(ovsdb.KindSyntax, "want three elements")
	}
	if json.Unmarshal(parts[0], &t.column) != nil || json.Unmarshal(parts[1], &t.word) != nil {
		return refuse(ovsdb.KindSyntax, "want two strings and a value")
	}
	v, err := ovsdb.DecodeValue(parts[2])
	if err != nil {
		return refuse(ovsdb.KindSyntax, "%v", err)
	}
	t.value = v
	return nil
}

// matches tells whether every condition holds for the row.
func (tx *txn) matches(table string, id ovsdb.UUID, r row, where []triple) (bool, error) {
	for _, c := range where {
		have, typ, err := r.read(table, c.column, id)
		if err != nil {
			return false, err
		}
		want, err := typ.parse(c.value, tx.names, true)
		if err != nil {
			return false, err
		}
		holds, err := compare(c.word, have, want, typ)
		if !holds || err != nil {
			return false, err
		}
	}
	return true, nil
}

// compare is <function> of RFC 7047 section 5.1.
func compare(function string, have, want datum, t columnType) (bool, error) {
	shared := func() int { return len(want.filter(func(i int) bool { return have.has(want, i) }).keys) }
	switch function {
	case "==":
		return have.equal(want), nil
	case "!=":
		return !have.equal(want), nil
	case "includes":
		return shared() == len(want.keys), nil
	case "excludes":
		return shared() == 0, nil
	}
	ordered, ok := orders[function]
	if !ok {
		return false, refuse(ovsdb.KindUnknownFunction, "No function named %s.", function)
	}
	if t.key != integerBase || t.value != "" || t.max != 1 {
		return false, refuse(ovsdb.KindSyntax, "function %s does not fit the type", function)
	}
	if len(have.keys) == 0 || len(want.keys) == 0 {
		return false, nil
	}
	return ordered(compareAtoms(have.keys[0], want.keys[0])), nil
}

var orders = map[string]func(int) bool{
	"<":  func(c int) bool { return c < 0 },
	"<=": func(c int) bool { return c <= 0 },
	">":  func(c int) bool { return c > 0 },
	">=": func(c int) bool { return c >= 0 },
}
