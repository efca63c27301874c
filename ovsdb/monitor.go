package ovsdb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// A dialect is one of the ways to monitor, best first. Servers before 2.12 lack the
// first, before 2.6 the first two.
type dialect struct {
	call string // request
	note string // the notification that belongs to it
	// lastTxn: the request ends with a transaction id and reply and notification carry one.
	lastTxn bool
	// v2: rows are <row-update2>, with differences, else <row-update>.
	v2 bool
}

var dialects = []dialect{
	{call: "monitor_cond_since", note: "update3", lastTxn: true, v2: true}, // ovsdb-server(7) 4.1.15
	{call: "monitor_cond", note: "update2", v2: true},                      // ovsdb-server(7) 4.1.12
	{call: "monitor", note: "update"},                                      // RFC 7047 4.1.5
}

// monitorID is the <json-value> by which notifications name our monitor.
const monitorID = "conjunct"

// databaseUpdates is what changed: by table, by row.
type databaseUpdates map[string]map[UUID]rowUpdate

var (
	errCanceled  = errors.New("ovsdb: the server dropped the database")
	errNoDialect = errors.New("ovsdb: the server knows no way to monitor")
)

// monitor asks for the tables and hands apply the first state, then each update, in
// the order of the wire, from the connection's reader. It returns after the first
// state was applied.
func (c *Conn) monitor(ctx context.Context, tables []rowTable, apply func(databaseUpdates) error) error {
	requests := make(map[string]any, len(tables))
	for _, t := range tables {
		requests[t.name()] = []any{map[string]any{"columns": t.columns()}}
	}
	c.onNotification("monitor_canceled", func(json.RawMessage) error { return errCanceled })
	for _, d := range dialects {
		err := c.monitorIn(ctx, d, requests, apply)
		if !IsKind(err, KindUnknownMethod) {
			return err
		}
	}
	return errNoDialect
}

func (c *Conn) monitorIn(ctx context.Context, d dialect, requests map[string]any, apply func(databaseUpdates) error) error {
	c.onNotification(d.note, func(params json.RawMessage) error {
		u, err := d.decodeNote(params)
		if err != nil {
			return fmt.Errorf("%w: %s: %w", errFrame, d.note, err)
		}
		return apply(u)
	})
	params := []any{Database, monitorID, requests}
	if d.lastTxn {
		params = append(params, UUID{}.String())
	}
	first := make(chan error, 1)
	_, err := c.request(ctx, d.call, params, func(m message, err error) {
		if err == nil {
			err = m.refusal(d.call)
		}
		if err == nil {
			err = d.first(m.Result, apply)
		}
		first <- err
	})
	if err != nil {
		return err
	}
	select {
	case err := <-first:
		return err
	case <-ctx.Done():
		return fmt.Errorf("ovsdb: %s: %w", d.call, context.Cause(ctx))
	}
}

func (d dialect) first(result json.RawMessage, apply func(databaseUpdates) error) error {
	u, err := d.decodeFirst(result)
	if err != nil {
		return fmt.Errorf("%w: result of %s: %w", errFrame, d.call, err)
	}
	return apply(u)
}

// decodeFirst reads the reply: <table-updates>, <table-updates2>, or
// [<found>, <last-txn-id>, <table-updates2>].
func (d dialect) decodeFirst(result json.RawMessage) (databaseUpdates, error) {
	if !d.lastTxn {
		return d.decodeUpdates(result)
	}
	parts, err := array(result, 3)
	if err != nil {
		return nil, err
	}
	return d.decodeUpdates(parts[2])
}

// decodeNote reads the parameters of the notification.
func (d dialect) decodeNote(params json.RawMessage) (databaseUpdates, error) {
	n := 2
	if d.lastTxn {
		n = 3
	}
	parts, err := array(params, n)
	if err != nil {
		return nil, err
	}
	var id string
	if err := json.Unmarshal(parts[0], &id); err != nil || id != monitorID {
		return nil, fmt.Errorf("unknown monitor %.40s", parts[0])
	}
	return d.decodeUpdates(parts[n-1])
}

func (d dialect) decodeUpdates(raw json.RawMessage) (databaseUpdates, error) {
	var tables map[string]map[string]json.RawMessage
	if err := json.Unmarshal(raw, &tables); err != nil {
		return nil, err
	}
	if tables == nil {
		return nil, errNullResult
	}
	updates := make(databaseUpdates, len(tables))
	for table, rows := range tables {
		updates[table] = make(map[UUID]rowUpdate, len(rows))
		for text, raw := range rows {
			id, err := ParseUUID(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", table, err)
			}
			decode := decodeRowUpdate
			if d.v2 {
				decode = decodeRowUpdate2
			}
			if updates[table][id], err = decode(raw); err != nil {
				return nil, fmt.Errorf("%s %v: %w", table, id, err)
			}
		}
	}
	return updates, nil
}

// decodeRowUpdate reads <row-update>: "new" is the whole row, "old" only tells what
// it was, and no "new" means that it is gone.
func decodeRowUpdate(raw json.RawMessage) (rowUpdate, error) {
	var u struct{ Old, New *Row }
	if err := strict(raw, &u); err != nil {
		return rowUpdate{}, err
	}
	switch {
	case u.New != nil:
		return rowUpdate{rowWhole, *u.New}, nil
	case u.Old != nil:
		return rowUpdate{kind: rowDelete}, nil
	}
	return rowUpdate{}, errors.New("neither old nor new")
}

// decodeRowUpdate2 reads <row-update2>: exactly one of the four members.
func decodeRowUpdate2(raw json.RawMessage) (rowUpdate, error) {
	var u map[string]json.RawMessage
	if err := json.Unmarshal(raw, &u); err != nil {
		return rowUpdate{}, err
	}
	if len(u) != 1 {
		return rowUpdate{}, fmt.Errorf("%d members, want 1", len(u))
	}
	for member, raw := range u {
		kind, ok := rowKinds2[member]
		if !ok {
			return rowUpdate{}, fmt.Errorf("unknown member %.40q", member)
		}
		if kind == rowDelete {
			return rowUpdate{kind: rowDelete}, nil
		}
		var row Row
		if err := json.Unmarshal(raw, &row); err != nil {
			return rowUpdate{}, err
		}
		if row == nil {
			return rowUpdate{}, errors.New("null row")
		}
		return rowUpdate{kind, row}, nil
	}
	panic("unreachable: the map has one member")
}

var rowKinds2 = map[string]rowKind{
	"initial": rowWhole,
	"insert":  rowWhole,
	"modify":  rowDiff,
	"delete":  rowDelete,
}

// strict decodes into a struct whose members are all there may be.
func strict(raw json.RawMessage, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}
