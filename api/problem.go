package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"conjunct/policy"
)

// Problem is an error as the wire has it (RFC 9457). The server makes one of every error; the client returns it.
type Problem struct {
	Type   string `json:"type"` // urn:conjunct:problem:<code>
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Code is stable, for programs: that of the findings where they agree, else that of the kind of error.
	Code      string           `json:"code"`
	Errors    []policy.Finding `json:"errors,omitempty"`    // all of them at once
	Conflicts []policy.Holder  `json:"conflicts,omitempty"` // what stands in the way
	RequestID string           `json:"request_id,omitempty"`
}

func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Detail)
	if p.Detail == "" {
		b.WriteString(p.Title)
	}
	for _, f := range p.Errors {
		fmt.Fprintf(&b, "\n  %s: %s", orRoot(f.Pointer), f.Message)
	}
	return b.String()
}

func orRoot(pointer string) string {
	if pointer == "" {
		return "/"
	}
	return pointer
}

// Is lets errors.Is(problem, policy.ErrStale) and its like answer on the client as they do on the server.
func (p *Problem) Is(target error) bool {
	for _, o := range outcomes {
		if o.status == p.Status && o.is != nil && o.is(target) {
			return true
		}
	}
	return false
}

// outcome is a kind of error: how it is recognised on the server, and what the wire says.
type outcome struct {
	status int
	code   string
	title  string
	is     func(error) bool // nil for those that only the server itself raises
}

func isType[T error](err error) bool {
	var t T
	return errors.As(err, &t)
}

func isValue(want error) func(error) bool {
	return func(err error) bool { return errors.Is(err, want) }
}

// outcomes is the one table from errors to statuses. The server reads it from the error, the client from the status.
var outcomes = []outcome{
	{http.StatusBadRequest, "malformed", "The request can't be read", nil},
	{http.StatusUnauthorized, "unauthorized", "A valid token is required", nil},
	{http.StatusForbidden, "forbidden", "That may not be changed", isType[*policy.Forbidden]},
	{http.StatusNotFound, "not-found", "There is no such thing", isType[*policy.NotFound]},
	{http.StatusMethodNotAllowed, "method-not-allowed", "The resource does not take this method", nil},
	{http.StatusConflict, "conflict", "The present state stands against it", isType[*policy.Conflict]},
	{http.StatusGone, "gone", "That part of the history is no longer kept", nil},
	{http.StatusPreconditionFailed, "stale", "The object has changed since it was read", isValue(policy.ErrStale)},
	{http.StatusRequestEntityTooLarge, "too-large", "The request is too large", isType[*http.MaxBytesError]},
	{http.StatusUnsupportedMediaType, "unsupported-media-type", "The body's media type is not supported", nil},
	{http.StatusUnprocessableEntity, "invalid", "The request is not valid", isType[*policy.Invalid]},
	{http.StatusServiceUnavailable, "unavailable", "The service is not available at the moment", isValue(policy.ErrUnavailable)},
	{http.StatusInternalServerError, "internal", "Something went wrong inside", nil},
}

func outcomeOf(status int) outcome {
	for _, o := range outcomes {
		if o.status == status {
			return o
		}
	}
	return outcomes[len(outcomes)-1]
}

// fail makes a problem that only the server raises.
func fail(status int, code, format string, args ...any) *Problem {
	o := outcomeOf(status)
	if code == "" {
		code = o.code
	}
	return &Problem{Type: problemType(code), Title: o.title, Status: status, Code: code, Detail: fmt.Sprintf(format, args...)}
}

func problemType(code string) string { return "urn:conjunct:problem:" + code }

// invalid is an *policy.Invalid with one finding.
func invalid(pointer, code, format string, args ...any) error {
	return &policy.Invalid{Findings: []policy.Finding{{Pointer: pointer, Code: code, Message: fmt.Sprintf(format, args...)}}}
}

// problemOf turns an error into what the wire says. Errors of no known kind say nothing of the inside.
func problemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		c := *p
		return &c
	}
	for _, o := range outcomes {
		if o.is == nil || !o.is(err) {
			continue
		}
		p = fail(o.status, "", "%s", err)
		p.describe(err)
		return p
	}
	return fail(http.StatusInternalServerError, "", "the request failed; the log has the reason under this request_id")
}

// describe takes over what the errors of policy carry: codes, findings, holders.
func (p *Problem) describe(err error) {
	var bad *policy.Invalid
	var forbidden *policy.Forbidden
	switch {
	case errors.As(err, &bad):
		p.Errors = bad.Findings
		p.Detail = fmt.Sprintf("%d things are wrong", len(bad.Findings))
		if len(bad.Findings) == 1 {
			p.Detail = bad.Findings[0].Message
		}
	case errors.As(err, &forbidden):
		p.Code = orDefault(forbidden.Code, p.Code)
	default:
		for _, c := range conflictsIn(err) {
			p.Errors = append(p.Errors, policy.Finding{Pointer: c.Pointer, Code: c.Code, Message: c.Message})
			p.Conflicts = append(p.Conflicts, c.Holders...)
		}
	}
	if code := commonCode(p.Errors); code != "" {
		p.Code = code
	}
	p.Type = problemType(p.Code)
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// commonCode is the code that all findings share, or "".
func commonCode(findings []policy.Finding) string {
	code := ""
	for i, f := range findings {
		if i > 0 && f.Code != code {
			return ""
		}
		code = f.Code
	}
	return code
}

// conflictsIn finds every conflict of an error, also of joined ones.
func conflictsIn(err error) (out []*policy.Conflict) {
	switch e := err.(type) { //nolint:errorlint // The tree is walked by hand.
	case *policy.Conflict:
		return []*policy.Conflict{e}
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			out = append(out, conflictsIn(one)...)
		}
	case interface{ Unwrap() error }:
		return conflictsIn(e.Unwrap())
	}
	return out
}

// write sends the problem.
func (p *Problem) write(w http.ResponseWriter) {
	b, err := json.Marshal(p)
	if err != nil { // Strings and numbers always marshal.
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(b, '\n')) // Who hung up needs no answer.
}
