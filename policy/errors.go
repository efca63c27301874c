package policy

import (
	"errors"
	"fmt"
	"strings"
)

// Finding is one thing that is wrong with one field of an object.
type Finding struct {
	Pointer string `json:"pointer"` // JSON pointer of the field, such as /rules/0/port_min
	Code    string `json:"code"`    // stable, for programs, such as port-range
	Message string `json:"message"` // names the value and the remedy
}

// Invalid reports all findings of an object at once.
type Invalid struct {
	Findings []Finding
}

func (e *Invalid) Error() string {
	msgs := make([]string, 0, len(e.Findings))
	for _, f := range e.Findings {
		msgs = append(msgs, fmt.Sprintf("%s: %s", f.Pointer, f.Message))
	}
	return strings.Join(msgs, "; ")
}

// Holder is an object that stands in the way of a change.
type Holder struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

// HolderOf names an object.
func HolderOf(o Object) Holder { return Holder{Kind: o.Kind(), ID: o.Base().ID, Name: o.Label()} }

// Conflict reports that a change contradicts what the store holds: something is in use, taken, frozen or at its limit.
type Conflict struct {
	Code    string // stable, such as rule-exists
	Message string
	Holders []Holder

	// Object is the one whose write was refused, and Pointer the field of it, where one can be named. The store fills them in.
	Object  Holder
	Pointer string
}

func (e *Conflict) Error() string { return e.Message }

// NotFound reports that an object does not exist, or that the caller may not see it.
type NotFound struct {
	Kind Kind
	ID   string
}

func (e *NotFound) Error() string { return fmt.Sprintf("%s %q does not exist", e.Kind, e.ID) }

// Forbidden reports that what the caller sees may not be changed by the caller, or by anyone.
type Forbidden struct {
	Code    string
	Message string
}

func (e *Forbidden) Error() string { return e.Message }

// ErrStale reports that an object has another revision than the one that a change was made for.
var ErrStale = errors.New("the object has changed since it was read")

// ErrUnavailable reports that the store can't be written at the moment; nothing was changed.
var ErrUnavailable = errors.New("the store is not available")

// findings collects what is wrong while an object is checked.
type findings []Finding

// within collects findings about a part of the object, whose pointers begin at the part.
func (f *findings) within(pointer string, check func(*findings)) {
	var part findings
	check(&part)
	for _, found := range part {
		found.Pointer = pointer + found.Pointer
		*f = append(*f, found)
	}
}

func (f *findings) add(pointer, code, format string, args ...any) {
	*f = append(*f, Finding{Pointer: pointer, Code: code, Message: fmt.Sprintf(format, args...)})
}
