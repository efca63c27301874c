package ovsdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Database is the database that every operation of this package is about.
const Database = "Open_vSwitch"

// A Result is what one operation of a committed transaction yielded.
type Result struct {
	UUID  UUID  // of the row created, for Insert
	Count int   // of rows matched, for Update, Mutate and Delete
	Rows  []Row // for Select
}

// Transact runs the operations as one transaction: all of them or none (RFC 7047
// section 4.1.3). Results are in the order of ops. If any was refused, the error is
// the first refusal as an [*Error] that names its operation and table. When ctx or the
// connection ends first, the outcome is unknown.
func (c *Conn) Transact(ctx context.Context, ops ...Op) ([]Result, error) {
	params := make([]any, 1, 1+len(ops))
	params[0] = Database
	for _, op := range ops {
		params = append(params, op)
	}
	raw, err := c.Call(ctx, "transact", params...)
	if err != nil {
		return nil, err
	}
	return DecodeResults(raw, ops)
}

// Comment makes the log of the database say who changed it: it stands in front of
// the other operations of a transaction.
type Comment string

func (o Comment) describe() (string, string) { return "comment", "" }

func (o Comment) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"op": "comment", "comment": string(o)})
}

// DecodeResults reads the result of the call "transact" with these operations: one object for each operation, null
// for those after the first refusal, and one more where the commit itself failed.
func DecodeResults(raw json.RawMessage, ops []Op) ([]Result, error) {
	var objects []json.RawMessage
	if err := json.Unmarshal(raw, &objects); err != nil {
		return nil, fmt.Errorf("%w: result of transact: %w", errFrame, err)
	}
	for i, object := range objects {
		if err := refusalOf(object, i, ops); err != nil {
			return nil, err
		}
	}
	if len(objects) != len(ops) {
		return nil, fmt.Errorf("%w: %d results of %d operations", errFrame, len(objects), len(ops))
	}
	results := make([]Result, len(ops))
	for i, object := range objects {
		r, err := decodeResult(object, ops[i])
		if err != nil {
			op, table := ops[i].describe()
			return nil, fmt.Errorf("%w: result of %s %s: %w", errFrame, op, table, err)
		}
		results[i] = r
	}
	return results, nil
}

// refusalOf returns the error in one element of the reply, if it holds one.
func refusalOf(object json.RawMessage, i int, ops []Op) error {
	var probe struct {
		Error json.RawMessage `json:"error"`
	}
	if isNull(object) {
		return nil
	}
	if err := json.Unmarshal(object, &probe); err != nil {
		return fmt.Errorf("%w: result %d of transact: %w", errFrame, i, err)
	}
	if isNull(probe.Error) {
		return nil
	}
	var w wireError
	if err := json.Unmarshal(object, &w); err != nil {
		return fmt.Errorf("%w: result %d of transact: %w", errFrame, i, err)
	}
	refusal := &Error{Op: "commit", Index: -1, Kind: w.Kind, Details: w.Details}
	if i < len(ops) {
		refusal.Op, refusal.Table = ops[i].describe()
		refusal.Index = i
	}
	return refusal
}

func decodeResult(object json.RawMessage, op Op) (Result, error) {
	if isNull(object) {
		return Result{}, errNullResult
	}
	var wire struct {
		UUID  json.RawMessage `json:"uuid"`
		Count int             `json:"count"`
		Rows  []Row           `json:"rows"`
	}
	if err := json.Unmarshal(object, &wire); err != nil {
		return Result{}, err
	}
	r := Result{Count: wire.Count, Rows: wire.Rows}
	if _, ok := op.(Insert); !ok {
		return r, nil
	}
	v, err := DecodeValue(wire.UUID)
	if err != nil {
		return Result{}, err
	}
	id, ok := v.(UUID)
	if !ok {
		return Result{}, errors.New("not a uuid")
	}
	r.UUID = id
	return r, nil
}
