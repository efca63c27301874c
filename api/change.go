package api

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"conjunct/policy"
)

// change is a policy.Tx that remembers which part of the request each object came from, so that what the store finds wrong
// with an object is reported at the place where the request says it.
type change struct {
	policy.Tx       // all of it; Snapshot shows what who asks may see
	on        int64 // revision of the state before
	sight     policy.Sight
	seen      *policy.Snapshot  // as who asks may see it
	query     url.Values        // of the request
	origin    map[string]string // "/rule/sgr-1" ──► "/rules/0"
	wrote     []written
	base      string // what pointers are below, while one document of several is applied
	// removal is what went along with what was deleted.
	removal Removal
	// warnings are sentences that go with the answer.
	warnings []string
	// anyVersion tells of a rule of the request, by its pointer, whether the request says that it is for both IP versions or has
	// no words to say for which; nil: of none.
	anyVersion func(pointer string) bool
	// renumbered are the rules that had to make room for another.
	renumbered []Renumbered
}

// written is an object that was put, and what it was before.
type written struct {
	before, after policy.Object
	anyVersion    bool // what change.anyVersion says of it
}

func (c *call) newChange(tx policy.Tx) *change {
	sight := c.bearer.Bearer().In(tx.Snapshot())
	return &change{Tx: tx, on: tx.Snapshot().Revision, sight: sight, seen: sight.Snapshot(), query: c.query, origin: make(map[string]string)}
}

// put writes an object that the request gives at the pointer. The object is as the caller wants it, not as it was read, so
// that it carries no revision to compare; If-Match is judged before.
func (c *change) put(o policy.Object, pointer string) error {
	before, exists := c.Tx.Snapshot().Get(o.Kind(), o.Base().ID)
	if exists && !c.sight.Sees(before) {
		return &policy.NotFound{Kind: o.Kind(), ID: o.Base().ID}
	}
	o.Base().Revision = 0
	key := "/" + string(o.Kind()) + "/" + o.Base().ID
	if _, ok := c.origin[key]; !ok || pointer != "" {
		c.origin[key] = c.base + pointer
	}
	c.wrote = append(c.wrote, written{before, o, c.anyVersion != nil && c.anyVersion(pointer)})
	if err := c.Put(o); err != nil {
		return c.locate(err, pointer)
	}
	after, _ := c.Tx.Snapshot().Get(o.Kind(), o.Base().ID)
	c.advise(before, after)
	return c.locate(c.permitted(before, after), pointer)
}

// tell adds to an answer what the change did beside what it was asked for.
func (c *change) tell(answer any) {
	if r, ok := answer.(*Rule); ok {
		r.Renumbered = c.renumbered
	}
}

// complete adds what the writes make necessary: the groups that projects and VPCs begin with. Everything else that has
// to hold is the store's to judge.
func (c *change) complete() error {
	if err := c.judge(); err != nil {
		return err
	}
	for _, w := range c.wrote {
		if err := policy.EnsureDefaults(c.Tx, w.before, w.after); err != nil {
			return fmt.Errorf("default groups for %s %q: %w", w.after.Kind(), w.after.Base().ID, err)
		}
	}
	if err := c.versioned(); err != nil {
		return err
	}
	c.caution()
	return nil
}

// locate moves findings to where the request has the object that they are about.
func (c *change) locate(err error, pointer string) error {
	var bad *policy.Invalid
	if !errors.As(err, &bad) || pointer == "" {
		return err
	}
	out := &policy.Invalid{Findings: make([]policy.Finding, len(bad.Findings))}
	for i, f := range bad.Findings {
		f.Pointer = pointer + f.Pointer
		out.Findings[i] = f
	}
	return out
}

// explain turns the pointers of the store's judgement, /<kind>/<id>/<field>, into those of the request. With one object in
// the transaction the store's pointers are the object's own.
func (c *change) explain(err error) error {
	for _, conflict := range conflictsIn(err) {
		if at, ok := c.origin["/"+string(conflict.Object.Kind)+"/"+conflict.Object.ID]; ok {
			conflict.Pointer = at + conflict.Pointer
		}
	}
	var bad *policy.Invalid
	if !errors.As(err, &bad) {
		return err
	}
	out := &policy.Invalid{Findings: make([]policy.Finding, len(bad.Findings))}
	for i, f := range bad.Findings {
		f.Pointer = c.pointer(f.Pointer)
		out.Findings[i] = f
	}
	return out
}

func (c *change) pointer(p string) string {
	parts := strings.SplitN(p, "/", 4) // "", kind, id, field…
	if len(parts) >= 3 && policy.Kind(parts[1]).New() != nil {
		at, ok := c.origin["/"+parts[1]+"/"+parts[2]]
		if ok && len(parts) == 4 {
			return at + "/" + parts[3]
		}
		if ok {
			return at
		}
	}
	if len(c.origin) == 1 {
		for _, at := range c.origin {
			return at + p
		}
	}
	return p
}

// find returns an object of the transaction's state, or *policy.NotFound.
func find[T policy.Object, I ~string](c *change, id I) (T, error) {
	o, ok := policy.Find[T](c.Snapshot(), id)
	if !ok {
		return o, &policy.NotFound{Kind: o.Kind(), ID: string(id)}
	}
	return o, nil
}
