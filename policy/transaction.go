package policy

// Tx is one change to the store, as the code that makes it sees it: the state before it with its own writes applied. All
// writes of a Tx become durable together at one revision, or none does. The store decides uniqueness, references and
// numbers when it commits; what it refuses comes back as *Invalid, *Conflict, *NotFound, ErrStale or ErrUnavailable. The
// function that gets a Tx may run more than once and must have no other effect.
type Tx interface {
	// Snapshot is the state with the writes so far. It is only valid during the transaction and must not be changed.
	Snapshot() *Snapshot
	// Put creates or replaces the object of this kind and id. Number and CreatedAt of an existing object are kept, numbers of
	// fresh ones are given by the store. A Revision other than 0 must be the object's current one, else ErrStale.
	Put(Object) error
	// Delete removes an object; *NotFound when it does not exist. What refers to it must go in the same transaction.
	Delete(k Kind, id string) error
}

// Change is what one transaction changed: an object after the write, or what is gone.
type Change struct {
	Kind   Kind
	ID     string
	Object Object // nil when the object was deleted
	Before Object // nil when the object was created
}

// Batch is all that one revision of the store changed.
type Batch struct {
	Revision int64
	Changes  []Change
}
