package api

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"

	"conjunct/policy"
)

// Sizes of a page.
const (
	defaultPageSize = 100
	maxPageSize     = 1000
)

// pageOf cuts the page that the query asks for out of items, which are ordered by key. The token is the key of the last
// item of the page before, so that what is created or deleted in between moves nothing.
func pageOf[T any](c *call, items []T, key func(T) string) (*Page[T], error) {
	size := defaultPageSize
	if text := c.query.Get("page_size"); c.query.Has("page_size") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPageSize {
			return nil, badParameter("page_size", "page_size is a number from 1 to %d, not %q", maxPageSize, text)
		}
		size = n
	}
	if token := c.query.Get("page_token"); token != "" {
		after, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, badParameter("page_token", "%q is not a page_token that was given here", token)
		}
		i := slices.IndexFunc(items, func(t T) bool { return key(t) > string(after) })
		if i < 0 {
			i = len(items)
		}
		items = items[i:]
	}
	out := &Page[T]{Items: items}
	if out.Items == nil {
		out.Items = []T{}
	}
	if len(items) > size {
		out.Items = items[:size]
		out.NextPageToken = base64.RawURLEncoding.EncodeToString([]byte(key(items[size-1])))
	}
	return out, nil
}

// listObjects answers GET of a collection: the objects that pass all filters, by id.
func (c *call) listObjects(rs *resource) error {
	var page *Page[any]
	var err error
	c.Objects.View(func(s *policy.Snapshot) {
		rd := &reader{snapshot: s, inspector: c.Inspector}
		var views []any
		for _, o := range sorted(s, rs.kind) {
			if v := rs.view(rd, o); c.passes(rs, v) {
				views = append(views, v)
			}
		}
		page, err = pageOf(c, views, idOf)
		c.setRevision(s.Revision)
	})
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, page)
}

func idOf(v any) string { return v.(interface{ Base() *policy.Meta }).Base().ID }

func sorted(s *policy.Snapshot, k policy.Kind) []policy.Object {
	out := slices.Collect(s.All(k))
	slices.SortFunc(out, func(a, b policy.Object) int {
		if a.Base().ID < b.Base().ID {
			return -1
		}
		return 1
	})
	return out
}

// passes reports whether the wire form has what the query's filters ask for.
func (c *call) passes(rs *resource, v any) bool {
	for name, get := range rs.filter {
		if c.query.Has(name) && !slices.Contains(get(v), c.query.Get(name)) {
			return false
		}
	}
	return true
}

// listBelow answers GET of a collection below an object that has to exist.
func listBelow[T any](c *call, owner policy.Kind, list func(*reader, string) []T, key func(T) string) error {
	var page *Page[T]
	var err error
	id := c.variable("id")
	c.Objects.View(func(s *policy.Snapshot) {
		c.setRevision(s.Revision)
		if _, ok := s.Get(owner, id); !ok {
			err = &policy.NotFound{Kind: owner, ID: id}
			return
		}
		items := list(&reader{snapshot: s, inspector: c.Inspector}, id)
		slices.SortFunc(items, func(a, b T) int {
			if key(a) < key(b) {
				return -1
			}
			return 1
		})
		page, err = pageOf(c, items, key)
	})
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, page)
}
