package ovsdb

import (
	"fmt"
	"maps"
)

// A rowUpdate is one row of a monitor's update, in any of the three dialects.
type rowUpdate struct {
	kind rowKind
	row  Row
}

type rowKind int

const (
	rowWhole  rowKind = iota + 1 // row holds every column that isn't at its default
	rowDiff                      // row holds differences to the row as known
	rowDelete                    // the row is gone
)

// A rowTable is one cached table, whatever its row type.
type rowTable interface {
	name() string
	columns() []string
	apply(id UUID, u rowUpdate) error
}

// A table caches rows as pointers to values that never change: an update puts another
// pointer, so that snapshots are shallow copies of rows.
type table[T any] struct {
	title string
	cols  []column[T]
	named map[string]func(*T, Value, bool) error
	setID func(*T, UUID)
	rows  map[UUID]*T
}

func newTable[T any](title string, cols []column[T], setID func(*T, UUID)) *table[T] {
	named := make(map[string]func(*T, Value, bool) error, len(cols))
	for _, c := range cols {
		named[c.name] = c.put
	}
	return &table[T]{title, cols, named, setID, make(map[UUID]*T)}
}

func (t *table[T]) name() string { return t.title }

func (t *table[T]) columns() []string {
	names := make([]string, len(t.cols))
	for i, c := range t.cols {
		names[i] = c.name
	}
	return names
}

func (t *table[T]) apply(id UUID, u rowUpdate) error {
	row := new(T)
	old, known := t.rows[id]
	switch {
	case u.kind == rowDelete:
		delete(t.rows, id)
		return nil
	case u.kind == rowDiff && !known:
		return fmt.Errorf("ovsdb: %s %v is modified but was never seen", t.title, id)
	case u.kind == rowDiff:
		*row = *old
	}
	t.setID(row, id)
	for name, v := range u.row {
		put := t.named[name]
		if put == nil {
			return fmt.Errorf("ovsdb: %s %v: column %q was not asked for", t.title, id, name)
		}
		if err := put(row, v, u.kind == rowDiff); err != nil {
			return fmt.Errorf("ovsdb: %s %v: column %q: %w", t.title, id, name, err)
		}
	}
	t.rows[id] = row
	return nil
}

func (t *table[T]) snapshot() map[UUID]*T { return maps.Clone(t.rows) }
