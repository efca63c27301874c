package ovsdb

import (
	"encoding/json"
	"errors"
	"fmt"
)

var (
	// ErrClosed is (wrapped in) the error of every call on a connection that has
	// ended, and of every call that was pending when it did. Whether a pending
	// transaction took place is unknown.
	ErrClosed = errors.New("ovsdb: connection closed")

	// ErrNoRoot is returned where the Open_vSwitch row is needed and the database
	// has none: ovs-vswitchd has never run there ("ovs-vsctl init").
	ErrNoRoot = errors.New("ovsdb: the database has no Open_vSwitch row")

	// ErrContended is returned by an operation whose guard failed again and again
	// because others kept changing the same rows.
	ErrContended = errors.New("ovsdb: others keep changing the same rows")
)

// Kinds of [Error] that callers may tell apart (RFC 7047 sections 3.1, 4.1.3 and 5.2).
const (
	KindConstraint      = "constraint violation"
	KindReferential     = "referential integrity violation"
	KindTimedOut        = "timed out"
	KindAborted         = "aborted"
	KindUnknownMethod   = "unknown method"
	KindUnknownDB       = "unknown database"
	KindUnknownColumn   = "unknown column"
	KindUnknownFunction = "unknown function"
	KindDomain          = "domain error"
	KindDuplicateName   = "duplicate uuid-name"
	KindNotSupported    = "not supported"
	KindSyntax          = "syntax error"
)

// An Error is the server's refusal of a call or of one operation.
type Error struct {
	Op    string // operation ("insert"), "commit" for the transaction as a whole, or the method called
	Table string // "" where no single table is meant
	Index int    // of the operation in its transaction, else -1

	Kind    string // the RFC's <error> string, such as KindConstraint
	Details string
}

func (e *Error) Error() string {
	s := "ovsdb: " + e.Op
	if e.Table != "" {
		s += " " + e.Table
	}
	if e.Index >= 0 {
		s += fmt.Sprintf(" (operation %d)", e.Index)
	}
	s += ": " + e.Kind
	if e.Details != "" {
		s += ": " + e.Details
	}
	return s
}

// IsKind tells whether err is, or wraps, an [Error] of that kind.
func IsKind(err error, kind string) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// IsGuardFailed tells whether a transaction was refused because a [Wait] in it did
// not hold: somebody else was faster.
func IsGuardFailed(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == KindTimedOut && e.Op == "wait"
}

// wireError is <error> as it stands in a reply: an object, or, from ovsdb-server
// for a method it does not know, a bare string.
type wireError struct {
	Kind    string `json:"error"`
	Details string `json:"details"`
}

func (w *wireError) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &w.Kind)
	}
	type plain wireError
	if err := json.Unmarshal(data, (*plain)(w)); err != nil {
		return err
	}
	if w.Kind == "" {
		return errors.New("ovsdb: error without a name")
	}
	return nil
}
