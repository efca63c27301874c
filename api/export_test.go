package api

import "slices"

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
