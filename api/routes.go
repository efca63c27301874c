package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"conjunct/policy"
)

// route is one row of what may be asked.
type route struct {
	method string
	path   string // template, as in openapi.yaml
	access access
	params []string // query parameters; a mutation has those of mutationParams too
	handle func(*call) error
}

// mutationParams are the query parameters that every change takes.
var mutationParams = []string{"dry_run", "wait", "timeout"}

// mutates reports whether the route changes something; questions are asked by POST too.
func (rt *route) mutates() bool {
	return rt.method != http.MethodGet && rt.path != "/v1/explain"
}

// namesOne reports whether the path names an object of the route's kind that has to exist.
func (rt *route) namesOne() bool {
	switch rt.method {
	case http.MethodGet, http.MethodPatch, http.MethodDelete:
		return rt.access.kind != "" && strings.Count(rt.path, "{") == 1
	}
	return false
}

func (rt *route) takes(param string) bool {
	return slices.Contains(rt.params, param) || rt.mutates() && slices.Contains(mutationParams, param)
}

// routes lists everything that may be asked: the special rows below and those of the resources.
func routes() []route {
	out := []route{
		{http.MethodGet, "/healthz", public, []string{"verbose"}, (*call).healthz},
		{http.MethodGet, "/readyz", public, []string{"verbose"}, (*call).readyz},
		{http.MethodGet, "/metrics", public, nil, (*call).serveMetrics},
		{http.MethodGet, "/openapi.yaml", public, nil, (*call).openapi},

		{http.MethodGet, "/v1/status", asking(policy.AskStatus), nil, (*call).status},
		{http.MethodGet, "/v1/watch", asking(policy.AskWatch), []string{"since", "kinds"}, (*call).watch},
		{http.MethodPost, "/v1/explain", asking(policy.AskExplain), []string{"source"}, (*call).explain},
		{http.MethodPost, "/v1/apply", asking(policy.AskApply), nil, (*call).apply},
		{http.MethodPost, "/v1/delete", asking(policy.AskApply), groupRemovalParams, (*call).deleteManifests},
		{http.MethodGet, "/v1/limits", asking(policy.AskLimits), []string{"project_id"}, (*call).limits},
		{http.MethodGet, "/v1/platform-rules", asking(policy.AskPlatform), nil, (*call).platformRules},
		{http.MethodGet, "/v1/audit", asking(policy.AskAudit), append([]string{"page_size", "page_token"}, auditFilters...), (*call).audit},

		{http.MethodGet, "/v1/hypervisors/{id}/flows", on(policy.KindHypervisor, policy.MaySee), nil, (*call).hostFlows},
		{http.MethodGet, "/v1/hypervisors/{id}/diff", on(policy.KindHypervisor, policy.MaySee), nil, (*call).hostDiff},
		{http.MethodGet, "/v1/ports/{id}/effective-rules", on(policy.KindPort, policy.MaySee), nil, (*call).effectiveRules},

		{http.MethodGet, "/v1/security-groups/{id}/rules", on(policy.KindRule, policy.MaySee), []string{"page_size", "page_token"}, (*call).listRules},
		{http.MethodPost, "/v1/security-groups/{id}/rules", on(policy.KindRule, policy.MayCreate), []string{"before", "after"}, (*call).createRule},
		{http.MethodPut, "/v1/security-groups/{id}/rules", on(policy.KindRule, policy.MayCreate), nil, (*call).replaceRules},
		{http.MethodGet, "/v1/security-groups/{id}/members", on(policy.KindGroup, policy.MaySee), []string{"page_size", "page_token", "vpc_id"}, (*call).listMembers},
		{http.MethodGet, "/v1/security-groups/{id}/attachments", on(policy.KindAttachment, policy.MaySee), []string{"page_size", "page_token"}, (*call).listAttachments},
		{http.MethodPost, "/v1/security-groups/{id}/attachments", on(policy.KindGroup, policy.MayAttach), nil, (*call).createAttachment},
		{http.MethodPut, "/v1/security-groups/{id}/attachments", on(policy.KindGroup, policy.MayAttach), nil, (*call).replaceAttachments},
		{http.MethodPost, "/v1/security-groups/{id}/attachments:remove", on(policy.KindGroup, policy.MayAttach), nil, (*call).removeAttachments},
		{http.MethodGet, "/v1/security-groups/{id}/attachments/{attachment}", on(policy.KindAttachment, policy.MaySee), nil, (*call).getAttachment},
		{http.MethodDelete, "/v1/security-groups/{id}/attachments/{attachment}", on(policy.KindGroup, policy.MayAttach), nil, (*call).deleteAttachment},

		{http.MethodGet, "/v1/ip-sets/{id}/entries", on(policy.KindEntry, policy.MaySee), []string{"page_size", "page_token"}, (*call).listEntries},
		{http.MethodPost, "/v1/ip-sets/{id}/entries", on(policy.KindEntry, policy.MayCreate), nil, (*call).createEntry},
		{http.MethodPost, "/v1/ip-sets/{id}/entries:bulk", on(policy.KindEntry, policy.MayCreate), nil, (*call).bulkEntries},
		{http.MethodPost, "/v1/ip-sets/{id}/entries:remove", on(policy.KindEntry, policy.MayDelete), nil, (*call).removeEntries},
		{http.MethodGet, "/v1/ip-sets/{id}/entries/{entry}", on(policy.KindEntry, policy.MaySee), nil, (*call).getEntry},
		{http.MethodDelete, "/v1/ip-sets/{id}/entries/{entry}", on(policy.KindEntry, policy.MayDelete), nil, (*call).deleteEntry},
	}
	for i := range resources {
		out = append(out, resources[i].routes()...)
	}
	return out
}

// newRouter turns the table into mux's routes, with problems for what is not in it.
func (s *Server) newRouter() *mux.Router {
	m := mux.NewRouter()
	m.UseEncodedPath()
	all := routes()
	for i := range all {
		rt := &all[i]
		m.HandleFunc(rt.path, s.handle(rt)).Methods(rt.method)
	}
	nowhere := &route{path: "none", access: public, handle: func(c *call) error {
		return fail(http.StatusNotFound, "", "%s is not a path of this API; /openapi.yaml lists them", c.r.URL.Path)
	}}
	m.NotFoundHandler = s.handleAny(nowhere)
	m.MethodNotAllowedHandler = s.handleAny(&route{path: "none", access: public, handle: func(c *call) error {
		allowed := allowedMethods(m, c.r)
		c.w.Header().Set("Allow", strings.Join(allowed, ", "))
		return fail(http.StatusMethodNotAllowed, "", "%s does not take %s; it takes %s", c.r.URL.Path, c.r.Method, strings.Join(allowed, ", "))
	}})
	return m
}

// handleAny answers for paths that are nobody's, whatever the query says.
func (s *Server) handleAny(rt *route) http.Handler {
	h := s.handle(rt)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		clone := r.Clone(r.Context())
		clone.URL.RawQuery = ""
		h(w, clone)
	})
}

// allowedMethods tries which methods the path takes.
func allowedMethods(m *mux.Router, r *http.Request) (out []string) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if match := new(mux.RouteMatch); m.Match(probe, match) && match.MatchErr == nil {
			out = append(out, method)
		}
	}
	return out
}
