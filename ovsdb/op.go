package ovsdb

import "encoding/json"

// An Op is one operation of a transaction (RFC 7047 section 5.2): [Insert],
// [Select], [Update], [Mutate], [Delete] or [Wait]. Operations are plain values;
// their JSON is a function of the value, with columns in sorted order.
type Op interface {
	json.Marshaler
	// describe names the operation and its table, for errors.
	describe() (op, table string)
}

type (
	// Insert creates a row. Columns left out get their default. Other operations of
	// the transaction refer to the row as NamedUUID(UUIDName), if that is set.
	Insert struct {
		Table    string
		Row      Row
		UUIDName string
	}
	// Select reads columns (all if none are given) of the rows where every condition holds.
	Select struct {
		Table   string
		Where   []Condition
		Columns []string
	}
	// Update replaces the given columns of the rows where every condition holds.
	Update struct {
		Table string
		Where []Condition
		Row   Row
	}
	// Mutate changes columns in place, one mutation after the other, of the rows
	// where every condition holds. It is how to touch one key of a map and no other.
	Mutate struct {
		Table     string
		Where     []Condition
		Mutations []Mutation
	}
	// Delete removes the rows where every condition holds. Rows of Bridge, Port,
	// Interface and Controller need no Delete: they go when nothing refers to them.
	Delete struct {
		Table string
		Where []Condition
	}
	// Wait fails the whole transaction ("timed out", see [IsGuardFailed]) unless the
	// rows where every condition holds, seen through Columns, are (Until "==") or are
	// not ("!=") exactly Rows. It never waits: as a guard it has a timeout of 0.
	Wait struct {
		Table   string
		Where   []Condition
		Columns []string
		Until   string
		Rows    []Row
	}
)

// A Condition restricts an operation to some rows (RFC 7047 section 5.1,
// <condition>). Function is "==", "!=", "includes", "excludes", "<", "<=", ">" or ">=".
type Condition struct {
	Column   string
	Function string
	Value    Value
}

// A Mutation changes one column (RFC 7047 section 5.1, <mutation>). Mutator is
// "insert" or "delete" for sets and maps, or "+=", "-=", "*=", "/=", "%=".
// Deleting a [Set] from a map deletes by key.
type Mutation struct {
	Column  string
	Mutator string
	Value   Value
}

// Equal is the condition column == value.
func Equal(column string, value Value) Condition { return Condition{column, "==", value} }

// Includes is the condition that a set or map column has all elements of value.
func Includes(column string, value Value) Condition { return Condition{column, "includes", value} }

// ByUUID is the condition that selects one row.
func ByUUID(id UUID) []Condition { return []Condition{Equal("_uuid", id)} }

func (c Condition) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{c.Column, c.Function, c.Value})
}

func (m Mutation) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{m.Column, m.Mutator, m.Value})
}

func (o Insert) describe() (string, string) { return "insert", o.Table }
func (o Select) describe() (string, string) { return "select", o.Table }
func (o Update) describe() (string, string) { return "update", o.Table }
func (o Mutate) describe() (string, string) { return "mutate", o.Table }
func (o Delete) describe() (string, string) { return "delete", o.Table }
func (o Wait) describe() (string, string)   { return "wait", o.Table }

func (o Insert) MarshalJSON() ([]byte, error) {
	m := map[string]any{"op": "insert", "table": o.Table, "row": present(o.Row)}
	if o.UUIDName != "" {
		m["uuid-name"] = o.UUIDName
	}
	return json.Marshal(m)
}

func (o Select) MarshalJSON() ([]byte, error) {
	m := map[string]any{"op": "select", "table": o.Table, "where": list(o.Where)}
	if o.Columns != nil {
		m["columns"] = o.Columns
	}
	return json.Marshal(m)
}

func (o Update) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{
		"op": "update", "table": o.Table, "where": list(o.Where), "row": present(o.Row)})
}

func (o Mutate) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{
		"op": "mutate", "table": o.Table, "where": list(o.Where), "mutations": list(o.Mutations)})
}

func (o Delete) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"op": "delete", "table": o.Table, "where": list(o.Where)})
}

func (o Wait) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{
		"op": "wait", "table": o.Table, "where": list(o.Where), "columns": list(o.Columns),
		"until": o.Until, "rows": list(o.Rows), "timeout": 0})
}

// list makes nil an empty JSON array, which is what the server demands.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func present(r Row) Row {
	if r == nil {
		return Row{}
	}
	return r
}
