package api

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

// Media types of bodies.
const (
	typeJSON       = "application/json"
	typeMergePatch = "application/merge-patch+json"
	typeText       = "text/plain"
)

// mediaTypeOf is the type of a request's body, which must be one of those allowed; the first where none is named.
func mediaTypeOf(r *http.Request, allowed []string) (string, error) {
	header := r.Header.Get("Content-Type")
	if header == "" {
		return allowed[0], nil
	}
	got, params, err := mime.ParseMediaType(header)
	charset := strings.ToLower(params["charset"])
	if err != nil || !slices.Contains(allowed, got) || (charset != "" && charset != "utf-8" && charset != "us-ascii") {
		return "", fail(http.StatusUnsupportedMediaType, "", "a body of type %q is not read here; send %s", header, strings.Join(allowed, " or "))
	}
	return got, nil
}
