package ovsdbtest

import (
	"conjunct/ovsdb"
)

// A row holds the columns that are not at their default. A row in a database is never
// changed: a transaction puts another in its place.
type row map[string]datum

// A database is tables of rows.
type database map[string]map[ovsdb.UUID]row

func newDatabase() database {
	db := make(database, len(schema))
	for table := range schema {
		db[table] = make(map[ovsdb.UUID]row)
	}
	return db
}

// get is a column's content, default or not.
func (r row) get(table, column string) datum {
	if d, ok := r[column]; ok {
		return d
	}
	return schema[table].columns[column].zero()
}

// with is the row with a column changed.
func (r row) with(table, column string, d datum) row {
	changed := make(row, len(r)+1)
	for c, d := range r {
		changed[c] = d
	}
	if d.equal(schema[table].columns[column].zero()) {
		delete(changed, column)
	} else {
		changed[column] = d
	}
	return changed
}

// read is a column as conditions and selects see it: _uuid is one, too.
func (r row) read(table, column string, id ovsdb.UUID) (datum, columnType, error) {
	if column == "_uuid" {
		return datum{keys: []ovsdb.Atom{id}}, scalar(uuidBase), nil
	}
	t, ok := schema[table].columns[column]
	if !ok {
		return datum{}, columnType{}, refuse(ovsdb.KindUnknownColumn, "No column %s in table %s.", column, table)
	}
	return r.get(table, column), t, nil
}

// columnsOf lists the columns of a table.
func columnsOf(table string) []string {
	names := []string{"_uuid"}
	for name := range schema[table].columns {
		names = append(names, name)
	}
	return names
}
