package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"conjunct/policy"
)

// Client asks a Server. Errors that the server answers are *Problem; those of policy are recognised in them by
// errors.Is and the like (policy.ErrStale, policy.ErrUnavailable).
type Client struct {
	// HTTP sends the requests; http.DefaultClient when nil. It needs no time-out of its own: contexts bound a call.
	HTTP *http.Client
	// Warned is told what the server advises against although it was done; nil: nobody is.
	Warned func(text string)
	server *url.URL
	token  string
}

// NewClient asks the server of the URL, such as http://127.0.0.1:8440, with the token.
func NewClient(server, token string) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(server, "/"))
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("server %q is not a URL such as http://127.0.0.1:8440", server)
	}
	return &Client{server: u, token: token}, nil
}

// Behind is the error of a wait that ran out. The change is stored, and the result is returned beside the error; the
// hosts have not confirmed it.
type Behind struct {
	Revision int64
	Hosts    []policy.HostID
}

func (e *Behind) Error() string {
	words := make([]string, len(e.Hosts))
	for i, h := range e.Hosts {
		words[i] = string(h)
	}
	return fmt.Sprintf("stored at revision %d, not yet applied on %s", e.Revision, strings.Join(words, ", "))
}

// Option changes one request.
type Option func(*clientRequest)

type clientRequest struct {
	query    url.Values
	header   http.Header
	revision *int64
	preview  *policy.Preview
}

func requestOf(options []Option) *clientRequest {
	r := &clientRequest{query: make(url.Values), header: make(http.Header)}
	for _, o := range options {
		o(r)
	}
	return r
}

// DryRun asks what a change would be answered, without making it.
func DryRun() Option { return Query("dry_run", "true") }

// Previewed is DryRun that stores what the change would do to ports.
func Previewed(preview *policy.Preview) Option {
	return func(r *clientRequest) {
		DryRun()(r)
		r.preview = preview
	}
}

// WaitApplied waits until every bridge that the change concerns has confirmed it; see Behind.
func WaitApplied(timeout time.Duration) Option {
	return func(r *clientRequest) {
		r.query.Set("wait", "applied")
		r.query.Set("timeout", timeout.String())
	}
}

// WaitActive lets Get of a port wait until it is active.
func WaitActive(timeout time.Duration) Option {
	return func(r *clientRequest) {
		r.query.Set("wait", "active")
		r.query.Set("timeout", timeout.String())
	}
}

// IfMatch lets a change fail (policy.ErrStale) unless the object still has the revision.
func IfMatch(revision int64) Option {
	return func(r *clientRequest) { r.header.Set("If-Match", etag(revision)) }
}

// RemoveReferences deletes the rules that name a group together with the group.
func RemoveReferences() Option { return Query("references", "remove") }

// Detach takes a group from whatever has it before it is deleted; Attached lets its deletion fail while something has it.
// Without either the profile decides.
func Detach() Option   { return Query("detach", "true") }
func Attached() Option { return Query("detach", "false") }

// DeleteRules deletes a group's rules with it, where the profile wants them gone first.
func DeleteRules() Option { return Query("rules", "delete") }

// Before and After say beside which rule of its ordered group a rule is to be tried that is created or changed.
func Before(rule string) Option { return Query("before", rule) }

// After is explained at Before.
func After(rule string) Option { return Query("after", rule) }

// Query adds a query parameter, such as a filter of a list.
func Query(name, value string) Option {
	return func(r *clientRequest) { r.query.Set(name, value) }
}

// RequestID names the request, in the server's log too.
func RequestID(id string) Option {
	return func(r *clientRequest) { r.header.Set(headerRequestID, id) }
}

// AtRevision stores the revision of the store that the answer holds for.
func AtRevision(revision *int64) Option {
	return func(r *clientRequest) { r.revision = revision }
}

// Do sends a request to a path such as /v1/status and decodes the answer into out, when that is not nil. A body that is an
// io.Reader is sent as text/plain, any other as JSON.
func (c *Client) Do(ctx context.Context, method, path string, body, out any, options ...Option) error {
	asked := requestOf(options)
	r, err := c.send(ctx, method, path, body, asked)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if err := decodeAnswer(r, out, asked.preview); err != nil {
		var behind *Behind
		if errors.As(err, &behind) {
			return behind
		}
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// send makes the request; an answer that is a problem is an error.
func (c *Client) send(ctx context.Context, method, path string, body any, cr *clientRequest) (*http.Response, error) {
	mediaType, reader, err := encodeBody(method, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	target := c.server.String() + path
	if len(cr.query) > 0 {
		target += "?" + cr.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, target, reader)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	r.Header = cr.header
	if mediaType != "" {
		r.Header.Set("Content-Type", mediaType)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	sender := c.HTTP
	if sender == nil {
		sender = http.DefaultClient
	}
	answer, err := sender.Do(r)
	if err != nil {
		return nil, err // *url.Error names the method and the URL.
	}
	for _, header := range answer.Header.Values(headerWarning) {
		if text, ok := warningOf(header); ok && c.Warned != nil {
			c.Warned(text)
		}
	}
	if answer.StatusCode >= http.StatusBadRequest {
		defer answer.Body.Close()
		return nil, problemFrom(answer)
	}
	if cr.revision != nil {
		if *cr.revision, err = strconv.ParseInt(answer.Header.Get(headerRevision), 10, 64); err != nil {
			*cr.revision = 0 // The answer of a route that has none.
		}
	}
	return answer, nil
}

func encodeBody(method string, body any) (mediaType string, r io.Reader, err error) {
	switch b := body.(type) {
	case nil:
		return "", nil, nil
	case io.Reader:
		return typeText, b, nil
	}
	doc, err := json.Marshal(body)
	if err != nil {
		return "", nil, err
	}
	mediaType = typeJSON
	if method == http.MethodPatch {
		mediaType = typeMergePatch
	}
	return mediaType, bytes.NewReader(doc), nil
}

// problemFrom reads the problem of an answer, or makes one of an answer that has none.
func problemFrom(r *http.Response) error {
	b, err := io.ReadAll(io.LimitReader(r.Body, DefaultBodyLimit))
	p := new(Problem)
	if err == nil && json.Unmarshal(b, p) == nil && p.Status != 0 {
		return p
	}
	p = fail(r.StatusCode, "", "the server answered %s", r.Status)
	p.Status, p.RequestID = r.StatusCode, r.Header.Get(headerRequestID)
	return p
}

// decodeAnswer reads a body into out; that of a wait that ran out too, with *Behind. What a dry run says of ports goes into preview.
func decodeAnswer(r *http.Response, out any, preview *policy.Preview) error {
	if r.StatusCode == http.StatusNoContent {
		return nil
	}
	if text, ok := out.(*string); ok {
		b, err := io.ReadAll(r.Body)
		*text = string(b)
		return err
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var pending struct {
		Revision    int64           `json:"revision"`
		HostsBehind []policy.HostID `json:"hosts_behind"`
		Result      json.RawMessage `json:"result"`
	}
	if r.StatusCode == http.StatusAccepted && json.Unmarshal(b, &pending) == nil && pending.HostsBehind != nil {
		behind := &Behind{Revision: pending.Revision, Hosts: pending.HostsBehind}
		if out != nil && pending.Result != nil {
			return errors.Join(json.Unmarshal(pending.Result, out), behind)
		}
		return behind
	}
	if preview != nil {
		beside := struct {
			Preview *policy.Preview `json:"preview"`
		}{preview}
		if err := json.Unmarshal(b, &beside); err != nil {
			return fmt.Errorf("read the preview: %w", err)
		}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}
