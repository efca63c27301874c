package api

import (
	"slices"

	"conjunct/policy"
)

// Routes lists what is served, as METHOD /path.
func (s *Server) Routes() []string {
	var out []string
	for _, rt := range routes() {
		out = append(out, rt.method+" "+rt.path)
	}
	return out
}

// Parameters lists the query parameters of each of Routes.
func (s *Server) Parameters() map[string][]string {
	out := make(map[string][]string)
	for _, rt := range routes() {
		takes := slices.Clone(rt.params)
		if rt.mutates() {
			takes = append(takes, mutationParams...)
		}
		out[rt.method+" "+rt.path] = takes
	}
	return out
}

// RouteAccess is what a route takes.
type RouteAccess struct {
	Kind     policy.Kind
	Question policy.Question
	access
}

// IsPublic reports whether the route needs no token.
func (a RouteAccess) IsPublic() bool { return a.access == public }

// Allows reports whether a role is heard.
func (a RouteAccess) Allows(r policy.Role) bool { return a.allows(r) }

// Access is what each of Routes takes.
func (s *Server) Access() map[string]RouteAccess {
	out := make(map[string]RouteAccess)
	for _, rt := range routes() {
		out[rt.method+" "+rt.path] = RouteAccess{rt.access.kind, rt.access.question, rt.access}
	}
	return out
}

// WarningOf is the sentence of a header.
var WarningOf = warningOf
