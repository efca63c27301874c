package main

import (
	"context"
	"fmt"
	"net/http"

	"conjunct/api"
	"conjunct/policy"
)

// object is a wire form of any kind.
type object interface{ Base() *policy.Meta }

// collection is what can be done with the objects of a kind.
type collection interface {
	list(context.Context, *api.Client, ...api.Option) ([]object, error)
	get(ctx context.Context, c *api.Client, id string, options ...api.Option) (object, error)
	remove(ctx context.Context, c *api.Client, id string, options ...api.Option) (*api.Removal, error)
}

// typed is a collection of the API's client.
type typed[T any, P interface {
	*T
	object
}] func(*api.Client) api.Collection[T]

func (open typed[T, P]) list(ctx context.Context, c *api.Client, options ...api.Option) ([]object, error) {
	all, err := open(c).List(ctx, options...)
	out := make([]object, len(all))
	for i := range all {
		out[i] = P(&all[i])
	}
	return out, err
}

func (open typed[T, P]) get(ctx context.Context, c *api.Client, id string, options ...api.Option) (object, error) {
	o, err := open(c).Get(ctx, id, options...)
	return P(o), err
}

func (open typed[T, P]) remove(ctx context.Context, c *api.Client, id string, options ...api.Option) (*api.Removal, error) {
	return open(c).Remove(ctx, id, options...)
}

// parts is a collection whose objects belong to those of another: attachments to groups, entries to IP sets.
type parts[T any, P interface {
	*T
	object
}] struct {
	owners collection
	of     func(c *api.Client, owner string) api.Collection[T]
}

// list lists the parts of all owners.
func (p parts[T, P]) list(ctx context.Context, c *api.Client, options ...api.Option) ([]object, error) {
	owners, err := p.owners.list(ctx, c, api.Query("page_size", "1000"))
	if err != nil {
		return nil, err
	}
	var out []object
	for _, o := range owners {
		one, err := p.below(o.Base().ID).list(ctx, c, options...)
		if err != nil {
			return nil, err
		}
		out = append(out, one...)
	}
	return out, nil
}

// below is the collection of one owner.
func (p parts[T, P]) below(owner string) collection {
	return typed[T, P](func(c *api.Client) api.Collection[T] { return p.of(c, owner) })
}

// find is the owner of the part with the id.
func (p parts[T, P]) find(ctx context.Context, c *api.Client, id string) (collection, error) {
	owners, err := p.owners.list(ctx, c, api.Query("page_size", "1000"))
	if err != nil {
		return nil, err
	}
	var found []collection
	for _, o := range owners {
		below := p.below(o.Base().ID)
		switch _, err := below.get(ctx, c, id); {
		case err == nil:
			found = append(found, below)
		case !hasStatus(http.StatusNotFound)(err):
			return nil, err
		}
	}
	switch len(found) {
	case 0:
		return nil, &api.Problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("%q does not exist", id)}
	case 1:
		return found[0], nil
	}
	return nil, usage("%d objects have something with the id %q; say which with --of", len(found), id)
}

func (p parts[T, P]) get(ctx context.Context, c *api.Client, id string, options ...api.Option) (object, error) {
	below, err := p.find(ctx, c, id)
	if err != nil {
		return nil, err
	}
	return below.get(ctx, c, id, options...)
}

func (p parts[T, P]) remove(ctx context.Context, c *api.Client, id string, options ...api.Option) (*api.Removal, error) {
	below, err := p.find(ctx, c, id)
	if err != nil {
		return nil, err
	}
	return below.remove(ctx, c, id, options...)
}

// listedFrom is a collection that lists only a part of itself.
type listedFrom struct {
	collection
	part collection
}

func (l listedFrom) list(ctx context.Context, c *api.Client, options ...api.Option) ([]object, error) {
	return l.part.list(ctx, c, options...)
}
