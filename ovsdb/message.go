package ovsdb

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A message is any JSON-RPC 1.0 message (RFC 7047 section 4): a request (method and
// id), a notification (method, id null) or a reply (no method).
type message struct {
	Method *string         `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
	ID     json.RawMessage `json:"id"`
}

// A request is a request or, with a nil ID, a notification.
type request struct {
	Method string `json:"method"`
	Params any    `json:"params"`
	ID     any    `json:"id"`
}

// A reply answers the request that had this ID.
type reply struct {
	Result any             `json:"result"`
	Error  any             `json:"error"`
	ID     json.RawMessage `json:"id"`
}

func decodeMessage(frame []byte) (message, error) {
	var m message
	if err := json.Unmarshal(frame, &m); err != nil {
		return message{}, fmt.Errorf("%w: %w", errFrame, err)
	}
	if m.Method == nil && m.ID == nil {
		return message{}, fmt.Errorf("%w: neither a method nor an id", errFrame)
	}
	if m.Method != nil && (len(m.Params) == 0 || m.Params[0] != '[') {
		return message{}, fmt.Errorf("%w: params of %.40q are not an array", errFrame, *m.Method)
	}
	return m, nil
}

// isNull tells whether a member is absent or null; both occur for "result" and "error".
func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// refusal is the error of a reply, or nil.
func (m message) refusal(method string) error {
	if isNull(m.Error) {
		return nil
	}
	var w wireError
	if err := json.Unmarshal(m.Error, &w); err != nil {
		return fmt.Errorf("%w: error of %s: %w", errFrame, method, err)
	}
	return &Error{Op: method, Index: -1, Kind: w.Kind, Details: w.Details}
}

// array splits a JSON array into exactly n parts.
func array(raw json.RawMessage, n int) ([]json.RawMessage, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, err
	}
	if len(parts) != n {
		return nil, fmt.Errorf("array of %d elements, want %d", len(parts), n)
	}
	return parts, nil
}

var errNullResult = errors.New("ovsdb: reply without a result")
