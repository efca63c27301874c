package ovsdbtest

import (
	"conjunct/ovsdb"
)

// commit checks what holds between rows, after dropping what nothing refers to.
func (tx *txn) commit() error {
	if len(tx.copied) == 0 {
		return nil
	}
	if err := tx.collect(); err != nil {
		return err
	}
	for table, typ := range schema {
		if typ.maxRows > 0 && len(tx.after[table]) > typ.maxRows {
			return refuse(ovsdb.KindConstraint, "transaction causes \"%s\" table to contain %d rows, "+
				"greater than the schema-defined limit of %d row(s)", table, len(tx.after[table]), typ.maxRows)
		}
		for _, column := range typ.index {
			if err := tx.unique(table, column); err != nil {
				return err
			}
		}
	}
	return nil
}

// collect deletes rows of non-root tables that cannot be reached from a root, and
// refuses references to rows that aren't there. Nothing in this schema refers in a
// circle, so reachability is what counting references comes to.
func (tx *txn) collect() error {
	reached := map[ovsdb.RowRef]bool{}
	var queue []ovsdb.RowRef
	for table, typ := range schema {
		if !typ.root {
			continue
		}
		for id := range tx.after[table] {
			queue = append(queue, ovsdb.RowRef{Table: table, UUID: id})
		}
	}
	for len(queue) > 0 {
		ref := queue[0]
		queue = queue[1:]
		if reached[ref] {
			continue
		}
		reached[ref] = true
		r := tx.after[ref.Table][ref.UUID]
		for column, typ := range schema[ref.Table].columns {
			if typ.ref == "" {
				continue
			}
			for _, a := range r[column].keys {
				to := ovsdb.RowRef{Table: typ.ref, UUID: a.(ovsdb.UUID)}
				if _, ok := tx.after[to.Table][to.UUID]; !ok {
					return refuse(ovsdb.KindReferential, "Table %s column %s row %v references nonexistent row %v in table %s.",
						ref.Table, column, ref.UUID, to.UUID, to.Table)
				}
				queue = append(queue, to)
			}
		}
	}
	for table, rows := range tx.after {
		for id := range rows {
			if !reached[ovsdb.RowRef{Table: table, UUID: id}] {
				tx.put(table, id, nil)
			}
		}
	}
	return nil
}

func (tx *txn) unique(table, column string) error {
	if !tx.copied[table] {
		return nil
	}
	seen := make(map[string]ovsdb.UUID, len(tx.after[table]))
	for id, r := range tx.after[table] {
		text := r.get(table, column).text()
		if other, twice := seen[text]; twice {
			return refuse(ovsdb.KindConstraint, "Transaction causes multiple rows in \"%s\" table to have identical "+
				"values (%s) for index on column \"%s\": %v and %v.", table, text, column, other, id)
		}
		seen[text] = id
	}
	return nil
}
