package api

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"conjunct/policy"
)

// call is one request on its way to an answer.
type call struct {
	*Server
	w      http.ResponseWriter
	r      *http.Request
	route  *route
	id     string        // of the request
	bearer *policy.Token // who asks; nil on public routes
	query  url.Values
}

// Headers of the contract.
const (
	headerRevision  = "Conjunct-Revision" // the store's revision that the answer holds for
	headerRequestID = "X-Request-Id"
)

var requestID = regexp.MustCompile(`^[A-Za-z0-9._:/+=-]{1,128}$`)

// requestIDOf takes over the caller's id of the request when it is one that can stand in a header and a log.
func requestIDOf(r *http.Request) string {
	if id := r.Header.Get(headerRequestID); requestID.MatchString(id) {
		return id
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails.
	return hex.EncodeToString(b[:])
}

// statusHungUp is how a request is counted whose caller went away before the answer (nginx's 499).
const statusHungUp = 499

// answered is a ResponseWriter that knows its status.
type answered struct {
	http.ResponseWriter
	status int
}

func (a *answered) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answered) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// handle is the one way in: it gives the request an id, finds out who asks, lets the route answer and turns an error or a
// panic into a problem. It logs once.
func (s *Server) handle(rt *route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		began := s.Clock()
		a := &answered{ResponseWriter: w}
		c := &call{Server: s, w: a, r: r, route: rt, id: requestIDOf(r)}
		a.Header().Set(headerRequestID, c.id)
		a.Header().Set("X-Content-Type-Options", "nosniff")
		a.Header().Set("Cache-Control", "no-store")
		err := c.run()
		switch {
		case err == nil || a.status != 0:
		case r.Context().Err() != nil:
			a.status = statusHungUp // Nobody is left to be answered.
		default:
			p := problemOf(err)
			p.RequestID = c.id
			if p.Status == http.StatusUnauthorized {
				a.Header().Set("WWW-Authenticate", `Bearer realm="conjunct"`)
			}
			p.write(a)
		}
		took := s.Clock().Sub(began)
		s.metrics.observe(rt.path, r.Method, a.status, took)
		level := slog.LevelDebug
		switch {
		case a.status >= http.StatusInternalServerError:
			level = slog.LevelError
		case rt.mutates() && (a.status == http.StatusUnauthorized || a.status == http.StatusForbidden):
			level = slog.LevelWarn // Nothing changed, so that the audit log does not have it.
		}
		s.Log.Log(r.Context(), level, "request", "method", r.Method, "path", r.URL.Path, "status", a.status,
			"took", took, "request_id", c.id, "token", c.bearerName(), "remote", r.RemoteAddr, "err", err)
	}
}

func (c *call) run() (err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // The contract of net/http.
				panic(p)
			}
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, c.BodyLimit)
	if c.query, err = url.ParseQuery(c.r.URL.RawQuery); err != nil {
		return fail(http.StatusBadRequest, "", "the query can't be read: %s", err)
	}
	if c.route.access != public {
		if err := c.authenticate(); err != nil {
			return err
		}
	}
	if err := c.checkQuery(); err != nil {
		return err
	}
	return c.route.handle(c)
}

// checkQuery refuses parameters that the route does not have: a mistyped dry_run must not become a change.
func (c *call) checkQuery() error {
	var findings []policy.Finding
	for name, values := range c.query {
		switch {
		case !c.route.takes(name):
			findings = append(findings, policy.Finding{Pointer: "?" + name, Code: "unknown-parameter",
				Message: fmt.Sprintf("%q is not a parameter of %s %s", name, c.route.method, c.route.path)})
		case len(values) > 1:
			findings = append(findings, policy.Finding{Pointer: "?" + name, Code: "repeated-parameter",
				Message: fmt.Sprintf("%q is given more than once", name)})
		}
	}
	if len(findings) == 0 {
		return nil
	}
	p := fail(http.StatusBadRequest, findings[0].Code, "%s", findings[0].Message)
	p.Errors = findings
	return p
}

// badParameter refuses the value of a query parameter.
func badParameter(name, format string, args ...any) error {
	p := fail(http.StatusBadRequest, "parameter-invalid", format, args...)
	p.Errors = []policy.Finding{{Pointer: "?" + name, Code: p.Code, Message: p.Detail}}
	return p
}

// flag reads a parameter that is true or false; its name alone is true.
func (c *call) flag(name string) (bool, error) {
	v := c.query.Get(name)
	if !c.query.Has(name) || v == "" {
		return c.query.Has(name), nil
	}
	on, err := strconv.ParseBool(v)
	if err != nil {
		return false, badParameter(name, "%s is true or false, not %q", name, v)
	}
	return on, nil
}

// variable is a part of the path.
func (c *call) variable(name string) string {
	encoded := mux.Vars(c.r)[name]
	if plain, err := url.PathUnescape(encoded); err == nil {
		return plain
	}
	return encoded
}

func (c *call) bearerName() string {
	if c.bearer == nil {
		return ""
	}
	return c.bearer.Name
}

// reply sends a JSON body.
func (c *call) reply(status int, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(append(b, '\n')) // Who hung up needs no answer.
	return nil
}

func (c *call) setRevision(revision int64) {
	c.w.Header().Set(headerRevision, strconv.FormatInt(revision, 10))
}

// body reads the request's body, which must be of one of the media types; the first is meant where none is named.
func (c *call) body(types ...string) (doc []byte, mediaType string, err error) {
	mediaType, err = mediaTypeOf(c.r, types)
	if err != nil {
		return nil, "", err
	}
	conn := http.NewResponseController(c.w)
	_ = conn.SetReadDeadline(time.Now().Add(bodyTimeout)) // Where there is no deadline, the caller's proxy has one.
	doc, err = readBody(c.r)
	_ = conn.SetReadDeadline(time.Time{})
	return doc, mediaType, err
}
