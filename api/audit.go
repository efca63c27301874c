package api

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"time"

	"conjunct/policy"
)

// auditFilters are the query parameters of /v1/audit beside those of a page.
var auditFilters = []string{"kind", "id", "actor", "token_id", "project_id", "since", "until", "revision"}

// audit shows what was changed and by whom, newest first.
func (c *call) audit() error {
	p, err := c.page()
	if err != nil {
		return err
	}
	q := policy.AuditQuery{Before: p.after, Limit: p.size}
	for name, at := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		text := c.query.Get(name)
		if text == "" {
			continue
		}
		if *at, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return badParameter(name, "%s is a time such as 2026-01-02T15:04:05Z, not %q", name, text)
		}
	}
	wanted, err := c.auditFilter()
	if err != nil {
		return err
	}
	bearer := c.bearer.Bearer()
	// The reader's view comes first: what is not shown is not found by a filter either.
	q.Keep = func(r *policy.AuditRecord) bool { return bearer.Shown(r) && wanted(r) }
	records, next, err := c.Objects.Audit(c.r.Context(), q)
	if err != nil {
		return err
	}
	out := &Page[policy.AuditRecord]{Items: records}
	if records == nil {
		out.Items = []policy.AuditRecord{}
	}
	if next != "" {
		out.NextPageToken = base64.RawURLEncoding.EncodeToString([]byte(next))
	}
	return c.reply(http.StatusOK, out)
}

func (c *call) auditFilter() (func(*policy.AuditRecord) bool, error) {
	var revision int64
	if text := c.query.Get("revision"); text != "" {
		var err error
		if revision, err = strconv.ParseInt(text, 10, 64); err != nil || revision < 1 {
			return nil, badParameter("revision", "revision is a number from 1 on, not %q", text)
		}
	}
	is := func(name, value string) bool { return !c.query.Has(name) || c.query.Get(name) == value }
	return func(r *policy.AuditRecord) bool {
		if revision != 0 && r.Revision != revision || !is("actor", r.Actor.Name) || !is("token_id", r.Actor.TokenID) {
			return false
		}
		named := slices.ContainsFunc(r.Changes, func(ch policy.AuditChange) bool {
			return is("kind", string(ch.Kind)) && is("id", ch.ID) && is("project_id", string(ch.ProjectID))
		})
		return named || !c.query.Has("id") && slices.ContainsFunc(r.Omitted, func(n policy.AuditCount) bool {
			return is("kind", string(n.Kind)) && is("project_id", string(n.ProjectID))
		})
	}, nil
}

// actor is whose the changes of the request are.
func (c *call) actor() policy.Actor {
	return policy.Actor{
		TokenID: c.bearer.ID, Name: c.bearer.Name, Role: c.bearer.Role, ProjectID: c.bearer.ProjectID,
		RequestID: c.id, Method: c.r.Method, Path: c.r.URL.Path, Remote: c.r.RemoteAddr,
	}
}
