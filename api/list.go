package api

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"conjunct/policy"
)

// Sizes of a page.
const (
	defaultPageSize = 100
	maxPageSize     = 1000
)

// page is what a query asks for: so many items after the one with the key.
type page struct {
	size  int
	after string
}

// page reads page_size and page_token. The token is the key of the last item of the page before, so that what is
// created or deleted in between moves nothing.
func (c *call) page() (p page, err error) {
	p.size = defaultPageSize
	if text := c.query.Get("page_size"); c.query.Has("page_size") {
		if p.size, err = strconv.Atoi(text); err != nil || p.size < 1 || p.size > maxPageSize {
			return p, badParameter("page_size", "page_size is a number from 1 to %d, not %q", maxPageSize, text)
		}
	}
	token := c.query.Get("page_token")
	after, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return p, badParameter("page_token", "%q is not a page_token that was given here", token)
	}
	p.after = string(after)
	return p, nil
}

// cut makes the page of items that come after p.after, in order; one more than the page holds says that there are more.
func cut[T any](p page, items []T, key func(T) string) *Page[T] {
	out := &Page[T]{Items: items}
	if out.Items == nil {
		out.Items = []T{}
	}
	if len(items) > p.size {
		out.Items = items[:p.size]
		out.NextPageToken = base64.RawURLEncoding.EncodeToString([]byte(key(items[p.size-1])))
	}
	return out
}

// listObjects answers GET of a collection: the objects that pass all filters, by id.
func (c *call) listObjects(rs *resource) error {
	p, err := c.page()
	if err != nil {
		return err
	}
	var views []any
	c.Objects.View(func(s *policy.Snapshot) {
		c.setRevision(s.Revision)
		rd := c.reader(s)
		for _, o := range sorted(rd.snapshot, rs.kind) {
			if len(views) > p.size {
				return
			}
			if o.Base().ID <= p.after {
				continue
			}
			if v := rs.view(rd, o); c.passes(rs, v) {
				views = append(views, v)
			}
		}
	})
	return c.reply(http.StatusOK, cut(p, views, idOf))
}

func idOf(v any) string { return v.(interface{ Base() *policy.Meta }).Base().ID }

func sorted(s *policy.Snapshot, k policy.Kind) []policy.Object {
	out := slices.Collect(s.All(k))
	slices.SortFunc(out, func(a, b policy.Object) int { return strings.Compare(a.Base().ID, b.Base().ID) })
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
	p, err := c.page()
	if err != nil {
		return err
	}
	var items []T
	id := c.variable("id")
	c.Objects.View(func(s *policy.Snapshot) {
		c.setRevision(s.Revision)
		rd := c.reader(s)
		if _, ok := rd.snapshot.Get(owner, id); !ok {
			err = &policy.NotFound{Kind: owner, ID: id}
			return
		}
		items = list(rd, id)
	})
	if err != nil {
		return err
	}
	slices.SortFunc(items, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	items = slices.DeleteFunc(items, func(t T) bool { return key(t) <= p.after })
	return c.reply(http.StatusOK, cut(p, items, key))
}
