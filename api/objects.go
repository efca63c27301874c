package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"conjunct/policy"
)

// The handlers of every resource in the table.

func (c *call) getObject(rs *resource) error {
	wish, err := c.wish("active")
	if err != nil {
		return err
	}
	status := http.StatusOK
	if wish.forWhat != "" {
		if !c.awaitActive(policy.PortID(c.variable("id")), wish.timeout) {
			status = http.StatusAccepted
		}
		if err := c.alive(); err != nil {
			return err
		}
	}
	var body any
	c.Objects.View(func(s *policy.Snapshot) {
		c.setRevision(s.Revision)
		body, err = show(c.reader(s), rs, c.variable("id"))
	})
	if err != nil {
		return err
	}
	c.tag(body)
	if tag := c.w.Header().Get("ETag"); tag != "" && matchesTag(c.r.Header.Get("If-None-Match"), tag) {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return c.reply(status, body)
}

// show is the wire form of the object with the id.
func show(rd *reader, rs *resource, id string) (any, error) {
	o, ok := rd.snapshot.Get(rs.kind, id)
	if !ok {
		return nil, &policy.NotFound{Kind: rs.kind, ID: id}
	}
	return rs.view(rd, o), nil
}

// createObject answers POST to a collection: a new object with a generated id.
func (c *call) createObject(rs *resource) error {
	doc, _, err := c.body(typeJSON)
	if err != nil {
		return err
	}
	wire := rs.blank()
	if err := decodeStrict(doc, wire); err != nil {
		return err
	}
	id := policy.NewID(rs.kind)
	return c.mutate(mutation{
		apply: func(ch *change) error {
			if err := c.precondition(ch, nil); err != nil {
				return err
			}
			return rs.save(ch, id, wire)
		},
		answer: c.showing(rs, id),
		status: func() int { return c.created(rs, id) },
	})
}

func (c *call) showing(rs *resource, id string) func(*reader) (any, error) {
	return func(rd *reader) (any, error) { return show(rd, rs, id) }
}

func (c *call) created(rs *resource, id string) int {
	c.w.Header().Set("Location", rs.location(id))
	return http.StatusCreated
}

// putObject creates or replaces the object with the caller's id.
func (c *call) putObject(rs *resource) error {
	doc, _, err := c.body(typeJSON)
	if err != nil {
		return err
	}
	wire, err := decodeAt(rs, c.variable("id"), doc)
	if err != nil {
		return err
	}
	return c.saveAt(rs, func(*change, policy.Object) (any, error) { return wire, nil })
}

// patchObject changes an object by a JSON merge patch (RFC 7396).
func (c *call) patchObject(rs *resource) error {
	doc, _, err := c.body(typeMergePatch, typeJSON)
	if err != nil {
		return err
	}
	if !json.Valid(doc) {
		return malformed(doc)
	}
	return c.saveAt(rs, func(ch *change, before policy.Object) (any, error) {
		if before == nil {
			return nil, &policy.NotFound{Kind: rs.kind, ID: c.variable("id")}
		}
		merged, err := mergeInto(rs.view(c.reader(ch.Tx.Snapshot()), before), doc, rs.parts)
		if err != nil {
			return nil, err
		}
		return decodeAt(rs, c.variable("id"), merged)
	})
}

// saveAt writes what make makes of the object that is there (nil: none) at the path's id.
func (c *call) saveAt(rs *resource, make func(*change, policy.Object) (any, error)) error {
	id, fresh := c.variable("id"), false
	return c.mutate(mutation{
		apply: func(ch *change) error {
			before, ok := ch.Snapshot().Get(rs.kind, id)
			fresh = !ok
			if ok {
				if err := ch.may(policy.MayChange|policy.MayAttach, before); err != nil {
					return err
				}
			}
			if err := c.precondition(ch, before); err != nil {
				return err
			}
			wire, err := make(ch, before)
			if err != nil {
				return err
			}
			return rs.save(ch, id, wire)
		},
		answer: c.showing(rs, id),
		status: func() int {
			if fresh {
				return c.created(rs, id)
			}
			return http.StatusOK
		},
	})
}

// decodeAt reads a body for the path's id: an id in the body must be the same.
func decodeAt(rs *resource, id string, doc []byte) (any, error) {
	wire := rs.blank()
	if err := decodeStrict(doc, wire); err != nil {
		return nil, err
	}
	base := wire.(interface{ Base() *policy.Meta }).Base()
	if base.ID != "" && base.ID != id {
		return nil, invalid("/id", "id-mismatch", "the body says %q and the path %q", base.ID, id)
	}
	return wire, nil
}

// deleteObject answers with what went along with the object, or nothing.
func (c *call) deleteObject(rs *resource) error {
	id := c.variable("id")
	var along Removal
	return c.mutate(mutation{
		apply: func(ch *change) error {
			before, ok := ch.Snapshot().Get(rs.kind, id)
			if !ok {
				return &policy.NotFound{Kind: rs.kind, ID: id}
			}
			if err := ch.may(policy.MayDelete, before); err != nil {
				return err
			}
			if err := c.precondition(ch, before); err != nil {
				return err
			}
			err := rs.delete(ch, id, c.query)
			along = ch.removal
			return err
		},
		answer: func(*reader) (any, error) {
			if along.empty() {
				return nil, nil
			}
			return &along, nil
		},
	})
}

func (rs *resource) delete(ch *change, id string, q url.Values) error {
	if rs.remove == nil {
		return ch.Delete(rs.kind, id)
	}
	if err := rs.remove(ch, id, q); err != nil {
		return fmt.Errorf("delete %s %q: %w", rs.word(), id, err)
	}
	return nil
}
