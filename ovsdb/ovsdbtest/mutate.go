package ovsdbtest

import "conjunct/ovsdb"

// mutate applies one <mutation> (RFC 7047 section 5.1) to a row.
func (tx *txn) mutate(table string, id ovsdb.UUID, r row, m triple) (row, error) {
	have, typ, err := r.read(table, m.column, id)
	if err != nil {
		return nil, err
	}
	if m.column == "_uuid" || typ.immutable {
		return nil, refuse(ovsdb.KindConstraint, "Cannot mutate column %s in table %s.", m.column, table)
	}
	changed, err := tx.mutated(have, typ, m)
	if err != nil {
		return nil, err
	}
	if err := typ.count(changed, ovsdb.KindConstraint); err != nil {
		return nil, err
	}
	return r.with(table, m.column, changed), nil
}

func (tx *txn) mutated(have datum, typ columnType, m triple) (datum, error) {
	switch m.word {
	case "insert":
		arg, err := typ.parse(m.value, tx.names, true)
		if err != nil {
			return datum{}, err
		}
		return have.join(arg), nil
	case "delete":
		arg, err := tx.deleted(typ, m.value)
		if err != nil {
			return datum{}, err
		}
		byPair := arg.values != nil
		return have.filter(func(i int) bool {
			if byPair {
				return !arg.has(have, i)
			}
			return arg.find(have.keys[i]) < 0
		}), nil
	}
	operate, ok := arithmetic[m.word]
	if !ok || typ.key != integerBase || typ.value != "" {
		return datum{}, refuse(ovsdb.KindSyntax, "mutator %s does not fit the type", m.word)
	}
	arg, err := scalar(integerBase).parse(m.value, nil, false)
	if err != nil {
		return datum{}, err
	}
	return applyEach(have, int64(arg.keys[0].(ovsdb.Integer)), operate)
}

// deleted parses the argument of "delete": for a map it may be a set of keys.
func (tx *txn) deleted(typ columnType, v ovsdb.Value) (datum, error) {
	if _, isMap := v.(ovsdb.Map); typ.value != "" && !isMap {
		typ.value = ""
	}
	return typ.parse(v, tx.names, true)
}

func applyEach(have datum, arg int64, operate func(a, b int64) (int64, bool)) (datum, error) {
	var d datum
	for _, a := range have.keys {
		result, ok := operate(int64(a.(ovsdb.Integer)), arg)
		if !ok {
			return datum{}, refuse(ovsdb.KindDomain, "Division by zero.")
		}
		d.keys = append(d.keys, ovsdb.Integer(result))
	}
	return d.sorted(), nil
}

var arithmetic = map[string]func(a, b int64) (int64, bool){
	"+=": func(a, b int64) (int64, bool) { return a + b, true },
	"-=": func(a, b int64) (int64, bool) { return a - b, true },
	"*=": func(a, b int64) (int64, bool) { return a * b, true },
	"/=": func(a, b int64) (int64, bool) {
		if b == 0 {
			return 0, false
		}
		return a / b, true
	},
	"%=": func(a, b int64) (int64, bool) {
		if b == 0 {
			return 0, false
		}
		return a % b, true
	},
}
