package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"conjunct/api"
)

// document is the served document, once.
var document = sync.OnceValues(func() (*openapi3.T, error) {
	return openapi3.NewLoader().LoadFromData(api.Document)
})

var documented = sync.OnceValues(func() (routers.Router, error) {
	d, err := document()
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(d)
})

// contract is a transport that fails the test when a request that was taken, or any answer, is not as the document says.
type contract struct{ *testing.T }

func (c contract) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		sent, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	c.check(r, sent, answer)
	return answer, nil
}

var options = func() *openapi3filter.Options {
	o := &openapi3filter.Options{
		IncludeResponseStatus: true, ExcludeReadOnlyValidations: true, MultiError: true,
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	}
	o.WithCustomSchemaErrorFunc(func(e *openapi3.SchemaError) string {
		return "/" + strings.Join(e.JSONPointer(), "/") + ": " + e.Reason
	})
	return o
}()

func (c contract) check(r *http.Request, sent []byte, answer *http.Response) {
	c.Helper()
	what := r.Method + " " + r.URL.String() + " " + string(sent) + " -> " + answer.Status
	router, err := documented()
	require.NoError(c, err)
	asked := r.Clone(context.Background())
	asked.Body = io.NopCloser(bytes.NewReader(sent))
	asked.URL.Host, asked.URL.Scheme, asked.Host = "", "", ""
	route, variables, err := router.FindRoute(asked)
	if err != nil {
		if answer.StatusCode != http.StatusNotFound && answer.StatusCode != http.StatusMethodNotAllowed {
			c.Errorf("%s: not in the document: %v", what, err)
		}
		return
	}
	in := &openapi3filter.RequestValidationInput{Request: asked, PathParams: variables, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil && answer.StatusCode < 300 {
		c.Errorf("%s: was taken and is not as the document says: %v", what, err)
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: answer.StatusCode, Header: answer.Header, Options: options}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		return // Has no end; its events are checked where they are read.
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		c.Errorf("%s: %v", what, err)
	}
	_ = answer.Body.Close()
	answer.Body = io.NopCloser(bytes.NewReader(body))
	out.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		c.Errorf("%s: %s\nis not as the document says: %v", what, body, err)
	}
}

// send sends a request through the contract.
func send(t *testing.T, r *http.Request) answer {
	t.Helper()
	got, err := (&http.Client{Transport: contract{t}}).Do(r)
	require.NoError(t, err)
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	return answer{T: t, status: got.StatusCode, header: got.Header, body: string(body)}
}

// into decodes the body.
func (a answer) into(v any) {
	a.Helper()
	require.NoError(a, json.Unmarshal([]byte(a.body), v), a.body)
}

// problem is the body of an answer that has to be a problem with the status.
func (a answer) problem(status int) *api.Problem {
	a.Helper()
	require.Equal(a, status, a.status, a.body)
	require.Equal(a, "application/problem+json", a.header.Get("Content-Type"))
	p := new(api.Problem)
	a.into(p)
	require.Equal(a, a.header.Get("X-Request-Id"), p.RequestID)
	require.Equal(a, status, p.Status)
	return p
}

func TestDocumentIsValid(t *testing.T) {
	d, err := document()
	require.NoError(t, err)
	require.NoError(t, d.Validate(context.Background()))
}

func TestEveryRouteIsInTheDocumentAndTheReverse(t *testing.T) {
	d, err := document()
	require.NoError(t, err)
	var inDocument []string
	for path, item := range d.Paths.Map() {
		for method := range item.Operations() {
			inDocument = append(inDocument, method+" "+path)
		}
	}
	served := newWorld(t).server.Routes()
	sort.Strings(inDocument)
	sort.Strings(served)
	require.Equal(t, inDocument, served)
}

// Every query parameter of a route is in the document, and the reverse.
func TestEveryParameterIsInTheDocumentAndTheReverse(t *testing.T) {
	d, err := document()
	require.NoError(t, err)
	for route, takes := range newWorld(t).server.Parameters() {
		method, path, _ := strings.Cut(route, " ")
		var inDocument []string
		for _, p := range d.Paths.Find(path).GetOperation(method).Parameters {
			if p.Value.In == "query" {
				inDocument = append(inDocument, p.Value.Name)
			}
		}
		require.ElementsMatch(t, inDocument, takes, route)
	}
}

func TestDocumentIsServed(t *testing.T) {
	w := newWorld(t)
	a := w.do(http.MethodGet, "/openapi.yaml", "", "Authorization", "")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, string(api.Document), a.body)
}
