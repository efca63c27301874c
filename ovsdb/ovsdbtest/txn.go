package ovsdbtest

import (
	"crypto/rand"
	"encoding/json"
	"maps"

	"conjunct/ovsdb"
)

// A txn is a transaction under way: the database as it was, and as it would be.
// Tables are copied when they are first written.
type txn struct {
	before database
	after  database
	copied map[string]bool
	names  map[ovsdb.NamedUUID]ovsdb.UUID // of all inserts of this transaction
	used   map[ovsdb.NamedUUID]bool       // by the inserts so far
}

func newTxn(db database) *txn {
	return &txn{
		before: db,
		after:  maps.Clone(db),
		copied: map[string]bool{},
		names:  map[ovsdb.NamedUUID]ovsdb.UUID{},
		used:   map[ovsdb.NamedUUID]bool{},
	}
}

// put replaces a row; nil deletes it.
func (tx *txn) put(table string, id ovsdb.UUID, r row) {
	if !tx.copied[table] {
		tx.after[table] = maps.Clone(tx.after[table])
		tx.copied[table] = true
	}
	if r == nil {
		delete(tx.after[table], id)
	} else {
		tx.after[table][id] = r
	}
}

// operation is any operation of RFC 7047 section 5.2 as it comes.
type operation struct {
	Op        string          `json:"op"`
	Table     string          `json:"table"`
	Where     []triple        `json:"where"`
	Row       ovsdb.Row       `json:"row"`
	Rows      []ovsdb.Row     `json:"rows"`
	Columns   []string        `json:"columns"`
	Mutations []triple        `json:"mutations"`
	Until     string          `json:"until"`
	Timeout   *int            `json:"timeout"`
	UUIDName  ovsdb.NamedUUID `json:"uuid-name"`
}

// operators are the operations there are and what runs them.
var operators = map[string]func(*txn, operation) (any, error){
	"insert":  (*txn).insert,
	"select":  (*txn).selectRows,
	"update":  (*txn).update,
	"mutate":  (*txn).mutateRows,
	"delete":  (*txn).deleteRows,
	"wait":    (*txn).wait,
	"comment": func(*txn, operation) (any, error) { return struct{}{}, nil },
	"abort":   (*txn).abort,
}

// run performs the operations and returns the results as the reply has them: null
// after the first refusal, one more element where the commit was refused. ok tells
// whether after is to become the database.
func (tx *txn) run(raw []json.RawMessage) (results []any, ok bool) {
	tx.reserve(raw)
	results = make([]any, len(raw))
	for i, raw := range raw {
		result, err := tx.operate(raw)
		if err != nil {
			results[i] = err
			return results, false
		}
		results[i] = result
	}
	if err := tx.commit(); err != nil {
		return append(results, err), false
	}
	return results, true
}

// reserve gives every insert's name its UUID, because operations before the insert may
// use the name already.
func (tx *txn) reserve(raw []json.RawMessage) {
	for _, raw := range raw {
		var o struct {
			UUIDName ovsdb.NamedUUID `json:"uuid-name"`
		}
		if json.Unmarshal(raw, &o) == nil && o.UUIDName != "" {
			tx.names[o.UUIDName] = randomUUID()
		}
	}
}

// randomUUID is version 4 of RFC 9562.
func randomUUID() ovsdb.UUID {
	var id ovsdb.UUID
	_, _ = rand.Read(id[:]) // never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

func (tx *txn) operate(raw json.RawMessage) (any, error) {
	var o operation
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, refuse(ovsdb.KindSyntax, "%v", err)
	}
	run, ok := operators[o.Op]
	if !ok {
		return nil, refuse(ovsdb.KindSyntax, "No operation %q.", o.Op)
	}
	if _, ok := schema[o.Table]; !ok && o.Op != "comment" && o.Op != "abort" {
		return nil, refuse(ovsdb.KindSyntax, "No table named %s.", o.Table)
	}
	return run(tx, o)
}

func (tx *txn) abort(operation) (any, error) {
	return struct{}{}, refuse(ovsdb.KindAborted, "aborted by request")
}

type counted struct {
	Count int `json:"count"`
}

func (tx *txn) insert(o operation) (any, error) {
	id := randomUUID()
	if o.UUIDName != "" {
		if tx.used[o.UUIDName] {
			return nil, refuse(ovsdb.KindDuplicateName, "This \"uuid-name\" appeared on an earlier \"insert\" operation.")
		}
		tx.used[o.UUIDName] = true
		id = tx.names[o.UUIDName]
	}
	r, err := tx.assign(o.Table, row{}, o.Row, true)
	if err != nil {
		return nil, err
	}
	tx.put(o.Table, id, r)
	return map[string]ovsdb.UUID{"uuid": id}, nil
}

// assign sets whole columns of a row.
func (tx *txn) assign(table string, r row, columns ovsdb.Row, fresh bool) (row, error) {
	for column, v := range columns {
		typ, ok := schema[table].columns[column]
		if !ok {
			return nil, refuse(ovsdb.KindUnknownColumn, "No column %s in table %s.", column, table)
		}
		if typ.immutable && !fresh {
			return nil, refuse(ovsdb.KindConstraint, "Cannot update immutable column %s in table %s.", column, table)
		}
		d, err := typ.parse(v, tx.names, false)
		if err != nil {
			return nil, err
		}
		r = r.with(table, column, d)
	}
	return r, nil
}

// each calls f for every row where the conditions hold and returns how many.
func (tx *txn) each(o operation, f func(ovsdb.UUID, row) error) (int, error) {
	n := 0
	for id, r := range maps.Clone(tx.after[o.Table]) {
		ok, err := tx.matches(o.Table, id, r, o.Where)
		if err != nil {
			return 0, err
		}
		if !ok {
			continue
		}
		n++
		if err := f(id, r); err != nil {
			return 0, err
		}
	}
	return n, nil
}

func (tx *txn) update(o operation) (any, error) {
	n, err := tx.each(o, func(id ovsdb.UUID, r row) error {
		changed, err := tx.assign(o.Table, r, o.Row, false)
		if err == nil {
			tx.put(o.Table, id, changed)
		}
		return err
	})
	return counted{n}, err
}

func (tx *txn) mutateRows(o operation) (any, error) {
	n, err := tx.each(o, func(id ovsdb.UUID, r row) error {
		for _, m := range o.Mutations {
			changed, err := tx.mutate(o.Table, id, r, m)
			if err != nil {
				return err
			}
			r = changed
		}
		tx.put(o.Table, id, r)
		return nil
	})
	return counted{n}, err
}

func (tx *txn) deleteRows(o operation) (any, error) {
	n, err := tx.each(o, func(id ovsdb.UUID, _ row) error {
		tx.put(o.Table, id, nil)
		return nil
	})
	return counted{n}, err
}

func (tx *txn) selectRows(o operation) (any, error) {
	if o.Columns == nil {
		o.Columns = columnsOf(o.Table)
	}
	rows := []ovsdb.Row{}
	_, err := tx.each(o, func(id ovsdb.UUID, r row) error {
		selected := ovsdb.Row{}
		for _, column := range o.Columns {
			d, typ, err := r.read(o.Table, column, id)
			if err != nil {
				return err
			}
			selected[column] = d.wire(typ)
		}
		rows = append(rows, selected)
		return nil
	})
	return map[string]any{"rows": rows}, err
}
