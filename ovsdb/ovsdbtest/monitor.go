package ovsdbtest

import (
	"encoding/json"
	"slices"

	"conjunct/ovsdb"
)

// A monitor is one client's view: columns by table, and the dialect in which it hears
// of changes.
type monitor struct {
	id      json.RawMessage
	columns map[string][]string
	note    string // method of its notifications
}

// The notifications of the three dialects.
const (
	noteUpdate  = "update"
	noteUpdate2 = "update2"
	noteUpdate3 = "update3"
)

// A request for one table: an object, or an array of them.
type monitorRequest struct {
	Columns []string `json:"columns"`
}

func newMonitor(id, requests json.RawMessage, note string) (*monitor, error) {
	m := &monitor{id: id, columns: map[string][]string{}, note: note}
	var tables map[string]json.RawMessage
	if err := json.Unmarshal(requests, &tables); err != nil {
		return nil, refuse(ovsdb.KindSyntax, "monitor requests: %v", err)
	}
	for table, raw := range tables {
		typ, ok := schema[table]
		if !ok {
			return nil, refuse(ovsdb.KindSyntax, "no table named %s", table)
		}
		var list []monitorRequest
		if json.Unmarshal(raw, &list) != nil {
			list = make([]monitorRequest, 1)
			if err := json.Unmarshal(raw, &list[0]); err != nil {
				return nil, refuse(ovsdb.KindSyntax, "monitor request: %v", err)
			}
		}
		m.columns[table] = []string{}
		for _, r := range list {
			for _, column := range r.Columns {
				if _, ok := typ.columns[column]; !ok && column != "_uuid" && column != "_version" {
					return nil, refuse(ovsdb.KindSyntax, "%s is not a valid column name", column)
				}
				m.columns[table] = append(m.columns[table], column)
			}
		}
	}
	return m, nil
}

// updates is <table-updates> or <table-updates2>.
type updates map[string]map[string]any

// compare renders what changed between two states, nil if nothing that this monitor
// sees. It looks at the tables that touched names. With no state before, it is the
// first state.
func (m *monitor) compare(before, after database, touched map[string]bool) updates {
	u := updates{}
	first := before == nil
	for table, columns := range m.columns {
		if !first && !touched[table] {
			continue
		}
		rows := map[string]any{}
		for id, old := range before[table] {
			if _, ok := after[table][id]; !ok {
				rows[id.String()] = m.deleted(table, columns, old)
			}
		}
		for id, r := range after[table] {
			old, known := before[table][id]
			if !known {
				rows[id.String()] = m.inserted(table, columns, r, first)
			} else if change := m.modified(table, columns, old, r); change != nil {
				rows[id.String()] = change
			}
		}
		if len(rows) > 0 {
			u[table] = rows
		}
	}
	if len(u) == 0 && !first {
		return nil
	}
	return u
}

func (m *monitor) deleted(table string, columns []string, old row) any {
	if m.note == noteUpdate {
		return map[string]any{"old": whole(table, columns, old, true)}
	}
	return map[string]any{"delete": nil}
}

func (m *monitor) inserted(table string, columns []string, r row, first bool) any {
	switch {
	case m.note == noteUpdate:
		return map[string]any{"new": whole(table, columns, r, true)}
	case first:
		return map[string]any{"initial": whole(table, columns, r, false)}
	}
	return map[string]any{"insert": whole(table, columns, r, false)}
}

// modified is nil if no monitored column has changed.
func (m *monitor) modified(table string, columns []string, old, r row) any {
	was, diff := ovsdb.Row{}, ovsdb.Row{}
	for _, column := range columns {
		typ, ok := schema[table].columns[column]
		if !ok { // _uuid never changes
			continue
		}
		from, to := old.get(table, column), r.get(table, column)
		if from.equal(to) {
			continue
		}
		was[column] = from.wire(typ)
		diff[column] = from.diff(to, typ).wire(typ)
	}
	switch {
	case len(diff) == 0:
		return nil
	case m.note == noteUpdate:
		return map[string]any{"old": was, "new": whole(table, columns, r, true)}
	}
	return map[string]any{"modify": diff}
}

// whole is a row's columns; update2 leaves out those at their default.
func whole(table string, columns []string, r row, defaults bool) ovsdb.Row {
	w := ovsdb.Row{}
	for _, column := range slices.Compact(slices.Sorted(slices.Values(columns))) {
		typ, ok := schema[table].columns[column]
		if !ok {
			continue
		}
		if _, set := r[column]; set || defaults {
			w[column] = r.get(table, column).wire(typ)
		}
	}
	return w
}

// notification is the update as parameters of the monitor's method.
func (m *monitor) notification(u updates) map[string]any {
	params := []any{m.id, u}
	if m.note == noteUpdate3 {
		params = []any{m.id, ovsdb.UUID{}.String(), u}
	}
	return map[string]any{"method": m.note, "params": params, "id": nil}
}
