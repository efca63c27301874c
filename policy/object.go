package policy

import "time"

// Meta is what every stored object carries. The store alone sets it: Revision is the store's revision of the last write
// (the ETag), the times are UTC.
type Meta struct {
	ID        string    `json:"id"`
	Revision  int64     `json:"revision"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Base gives access to the Meta of an object that embeds it.
func (m *Meta) Base() *Meta { return m }

// Object is a stored noun. Objects are immutable once they are in a Snapshot: whoever changes one works on a Clone.
type Object interface {
	Kind() Kind
	Base() *Meta
	// Label is the name that people know the object by; its id where it has no name.
	Label() string
	// References lists the objects that this one needs to exist.
	References() []Ref
	Clone() Object
}

// Numbered is an object to which the store gives a Number when it is created.
type Numbered interface {
	Object
	GetNumber() Number
	SetNumber(Number)
}

// Ref names an object, and the field of the referring object that names it.
type Ref struct {
	Kind  Kind
	ID    string
	Field string // JSON pointer into the referring object, such as /remote/security_group_id
}

// same reports whether both are to one object, by whatever field.
func (r Ref) same(other Ref) bool { return r.Kind == other.Kind && r.ID == other.ID }

// refer appends what a field names, if it names something. References are asked for many times for each change: theirs is one allocation.
func refer[T ~string](out []Ref, k Kind, id T, field string) []Ref {
	if id == "" {
		return out
	}
	return append(out, Ref{Kind: k, ID: string(id), Field: field})
}

func labelOr(name, id string) string {
	if name == "" {
		return id
	}
	return name
}
