package api

import (
	"fmt"
	"net/http"
	"strings"

	"conjunct/policy"
)

// access says what a route takes: nothing, the right to ask a question, or some right to objects of a kind. Which roles have it
// is in policy's tables.
type access struct {
	question policy.Question
	kind     policy.Kind
	rights   policy.Rights // one of them is enough to be heard; what may be done to the very object is judged with the change
}

// public routes need no token.
var public = access{}

func asking(q policy.Question) access               { return access{question: q} }
func on(k policy.Kind, rights policy.Rights) access { return access{kind: k, rights: rights} }

func (a access) allows(r policy.Role) bool {
	if a.question != "" {
		return r.MayAsk(a.question)
	}
	return r.Ever(a.kind)&a.rights != 0
}

func (a access) String() string {
	if a.question != "" {
		return "ask for " + string(a.question)
	}
	var words []string
	for _, v := range policy.Verbs() {
		if a.rights.Has(v) {
			words = append(words, v.String())
		}
	}
	return strings.Join(words, " or ") + " objects of kind " + string(a.kind)
}

// authenticate finds the token that the request bears and checks that its role may use the route. The secret names its
// token, so that finding it is one look into a map; a token that is deleted or has expired ends at once.
func (c *call) authenticate() error {
	scheme, secret, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return fail(http.StatusUnauthorized, "", "send Authorization: Bearer TOKEN")
	}
	id, _ := policy.TokenIDOf(strings.TrimSpace(secret))
	var token *policy.Token
	c.Objects.View(func(s *policy.Snapshot) { token, _ = policy.Find[*policy.Token](s, id) })
	if token == nil || !token.Matches(strings.TrimSpace(secret)) {
		return fail(http.StatusUnauthorized, "", "the token is not known here")
	}
	if token.Expired(c.Clock()) {
		return fail(http.StatusUnauthorized, "token-expired", "token %q has expired; ask for another", token.Name)
	}
	c.bearer = token
	return c.authorize()
}

// authorize refuses the route to roles that could do nothing with it. Where the path names an object that who asks may not see, the
// answer is that it does not exist.
func (c *call) authorize() error {
	a, role := c.route.access, c.bearer.Role
	if a.allows(role) {
		return nil
	}
	if c.route.namesOne() {
		id, seen := c.variable("id"), false
		c.Objects.View(func(s *policy.Snapshot) { _, seen = c.reader(s).snapshot.Get(a.kind, id) })
		if !seen {
			return &policy.NotFound{Kind: a.kind, ID: id}
		}
	}
	return &policy.Forbidden{Code: "role", Message: fmt.Sprintf("role %s may not %s; roles that may: %s", role, a, a.roles())}
}

func (a access) roles() string {
	var words []string
	for _, r := range policy.Roles {
		if a.allows(r) {
			words = append(words, string(r))
		}
	}
	return strings.Join(words, ", ")
}

// alive refuses to go on for a token that was deleted or has expired since it was looked at.
func (c *call) alive() error {
	var token *policy.Token
	c.Objects.View(func(s *policy.Snapshot) { token, _ = policy.Find[*policy.Token](s, c.bearer.ID) })
	if token == nil || token.Digest != c.bearer.Digest || token.Expired(c.Clock()) {
		return fail(http.StatusUnauthorized, "token-ended", "token %q ended while the request was under way", c.bearer.Name)
	}
	return nil
}
