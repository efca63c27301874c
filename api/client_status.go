package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"conjunct/policy"
)

// Status tells how the whole is doing.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	out := new(Status)
	return out, c.Do(ctx, http.MethodGet, "/v1/status", nil, out)
}

// Ready tells whether the server is ready; the text says how each check went.
func (c *Client) Ready(ctx context.Context) (text string, err error) {
	err = c.Do(ctx, http.MethodGet, "/readyz", nil, &text, Query("verbose", "true"))
	return text, err
}

// Explain asks whether a connection may be opened.
func (c *Client) Explain(ctx context.Context, q *Question, options ...Option) (*Answer, error) {
	out := new(Answer)
	return out, c.Do(ctx, http.MethodPost, "/v1/explain", q, out, options...)
}

// OfBridges has a question answered also from the flows that the bridges hold.
func OfBridges() Option { return Query("source", "bridge") }

// EffectiveRules are what holds at a port.
func (c *Client) EffectiveRules(ctx context.Context, id policy.PortID) (*EffectiveRules, error) {
	out := new(EffectiveRules)
	return out, c.Do(ctx, http.MethodGet, "/v1/ports/"+url.PathEscape(string(id))+"/effective-rules", nil, out)
}

// PlatformRules are the rules above every tenant's, with what they have decided.
func (c *Client) PlatformRules(ctx context.Context) ([]PlatformRule, error) {
	var page Page[PlatformRule]
	err := c.Do(ctx, http.MethodGet, "/v1/platform-rules", nil, &page)
	return page.Items, err
}

// Flows are the flows that are wanted on a host, in ovs-ofctl syntax.
func (c *Client) Flows(ctx context.Context, id policy.HostID) (text string, err error) {
	err = c.Do(ctx, http.MethodGet, "/v1/hypervisors/"+url.PathEscape(string(id))+"/flows", nil, &text)
	return text, err
}

// Diff compares what is wanted on a host's bridge with what is installed.
func (c *Client) Diff(ctx context.Context, id policy.HostID) (*policy.FlowDiff, error) {
	out := new(policy.FlowDiff)
	return out, c.Do(ctx, http.MethodGet, "/v1/hypervisors/"+url.PathEscape(string(id))+"/diff", nil, out)
}

// Limits are those of a project; of a project that sets none when the id is empty.
func (c *Client) Limits(ctx context.Context, id policy.ProjectID) ([]Limit, error) {
	var page Page[Limit]
	var options []Option
	if id != "" {
		options = append(options, Query("project_id", string(id)))
	}
	err := c.Do(ctx, http.MethodGet, "/v1/limits", nil, &page, options...)
	return page.Items, err
}

// Audit lists who changed what, newest first; at most limit records (0: all). The options are filters (Query), such as kind, id,
// actor, since.
func (c *Client) Audit(ctx context.Context, limit int, options ...Option) ([]policy.AuditRecord, error) {
	all := []policy.AuditRecord{}
	for token := ""; ; {
		var page Page[policy.AuditRecord]
		asked := options
		if token != "" {
			asked = append(options[:len(options):len(options)], Query("page_token", token))
		}
		if err := c.Do(ctx, http.MethodGet, "/v1/audit", nil, &page, asked...); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if limit > 0 && len(all) >= limit {
			return all[:limit], nil
		}
		if token = page.NextPageToken; token == "" {
			return all, nil
		}
	}
}

// Watch yields what changes after the revision, of the kinds (none: all). It ends with the context or with an error; to
// go on, watch again from the last event's revision. A *Problem of status 410 says to list again first.
func (c *Client) Watch(ctx context.Context, since int64, kinds ...policy.Kind) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		options := []Option{Query("since", strconv.FormatInt(since, 10))}
		if len(kinds) > 0 {
			words := make([]string, len(kinds))
			for i, k := range kinds {
				words[i] = string(k)
			}
			options = append(options, Query("kinds", strings.Join(words, ",")))
		}
		r, err := c.send(ctx, http.MethodGet, "/v1/watch", nil, requestOf(options))
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer r.Body.Close()
		lines := bufio.NewScanner(r.Body)
		lines.Buffer(nil, DefaultBodyLimit)
		for lines.Scan() {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue
			}
			var e Event
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				yield(Event{}, fmt.Errorf("watch: %w", err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil && ctx.Err() == nil {
			yield(Event{}, fmt.Errorf("watch: %w", err))
		}
	}
}

// Apply makes what the documents say so, in one transaction; with DryRun it says what would change.
func (c *Client) Apply(ctx context.Context, m *Manifest, options ...Option) (*ManifestResult, error) {
	out := new(ManifestResult)
	return out, c.Do(ctx, http.MethodPost, "/v1/apply", m, out, options...)
}

// DeleteManifest deletes what the documents name, in one transaction.
func (c *Client) DeleteManifest(ctx context.Context, m *Manifest, options ...Option) (*ManifestResult, error) {
	out := new(ManifestResult)
	return out, c.Do(ctx, http.MethodPost, "/v1/delete", m, out, options...)
}
