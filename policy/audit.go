package policy

import (
	"context"
	"encoding/json"
	"time"
)

// Actor is who changed something: the bearer of a token, with the request, or the controller itself.
type Actor struct {
	TokenID   string    `json:"token_id,omitempty"`
	Name      string    `json:"name"` // of the token
	Role      Role      `json:"role,omitempty"`
	ProjectID ProjectID `json:"project_id"`
	RequestID string    `json:"request_id,omitempty"`
	Method    string    `json:"method,omitempty"`
	Path      string    `json:"path,omitempty"`
	Remote    string    `json:"remote,omitempty"` // address of the caller
}

// ActorController changes what nobody asked for: hypervisors that appear by themselves, the first token.
const ActorController = "conjunctd"

type actorKey struct{}

// WithActor is a context whose changes are the actor's.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf is whose the changes of the context are; the controller's where nobody is named.
func ActorOf(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a
	}
	return Actor{Name: ActorController}
}

// AuditAction is what happened to an object.
type AuditAction string

const (
	AuditCreated AuditAction = "created"
	AuditChanged AuditAction = "changed"
	AuditDeleted AuditAction = "deleted"
)

// AuditRecord is what one transaction changed, and who did it. It is written in that transaction, so that nothing changes without
// one.
type AuditRecord struct {
	ID       string        `json:"id"`       // of the record; the greater, the older
	Revision int64         `json:"revision"` // of the store, that the transaction made
	Time     time.Time     `json:"time"`
	Actor    Actor         `json:"actor"`
	Changes  []AuditChange `json:"changes"`
	// Shortened is how many of Changes come without before and after, and Omitted counts what is not in Changes at all: a
	// record has a size, and a transaction may be larger. The first changes of a transaction come in full.
	Shortened int          `json:"shortened,omitempty"`
	Omitted   []AuditCount `json:"omitted,omitempty"`
}

// AuditChange is what happened to one object. Before is null for what was created, After for what was deleted; After has
// no revision of its own, it is the record's. A token has no digest here.
type AuditChange struct {
	Kind      Kind            `json:"kind"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	ProjectID ProjectID       `json:"project_id"` // whose it is; null for what is global
	Action    AuditAction     `json:"action"`
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"`
}

// AuditCount counts changes that are not listed.
type AuditCount struct {
	Kind      Kind        `json:"kind"`
	Action    AuditAction `json:"action"`
	ProjectID ProjectID   `json:"project_id"`
	Count     int         `json:"count"`
}

// AuditQuery asks for records, newest first.
type AuditQuery struct {
	Since, Until time.Time // inclusive; zero: without bound
	Before       string    // the id of a record; only older ones
	Limit        int
	// Keep changes a record into what is shown of it, or reports false to leave it out; nil keeps all.
	Keep func(*AuditRecord) bool
}

// Shown leaves of a record what the bearer may see; it reports false when that is nothing. A user sees what was changed of
// the own project's objects, and of other people by whom.
func (b Bearer) Shown(r *AuditRecord) bool {
	sees := func(k Kind, project ProjectID) bool {
		scope := ScopeOther
		switch {
		case b.IsBound() && project == b.Project:
			scope = ScopeOwn
		case b.IsBound():
			return false
		case project == "":
			scope = ScopeGlobal
		}
		return b.Role.rightsTo(k, scope).Has(MaySee)
	}
	changes := []AuditChange{}
	for _, c := range r.Changes {
		if sees(c.Kind, c.ProjectID) {
			changes = append(changes, c)
		}
	}
	var omitted []AuditCount
	for _, c := range r.Omitted {
		if sees(c.Kind, c.ProjectID) {
			omitted = append(omitted, c)
		}
	}
	r.Changes, r.Omitted, r.Shortened = changes, omitted, 0
	for _, c := range changes {
		if c.Before == nil && c.After == nil {
			r.Shortened++
		}
	}
	if b.IsBound() && r.Actor.ProjectID != b.Project {
		r.Actor = Actor{Name: r.Actor.Name, Role: r.Actor.Role}
	}
	return len(changes)+len(omitted) > 0
}

// Audited is the form in which an object stands in the audit log: without secrets.
func Audited(o Object) (json.RawMessage, error) {
	if t, ok := o.(*Token); ok {
		return json.Marshal(struct {
			Meta
			Name      string     `json:"name"`
			Role      Role       `json:"role"`
			ProjectID ProjectID  `json:"project_id"`
			ExpiresAt *time.Time `json:"expires_at"`
		}{t.Meta, t.Name, t.Role, t.ProjectID, t.ExpiresAt})
	}
	return json.Marshal(o)
}
