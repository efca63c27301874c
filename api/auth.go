package api

import (
	"net/http"
	"slices"
	"strings"

	"conjunct/policy"
)

// access says who may use a route.
type access string

const (
	public     access = "public"    // everyone, without a token
	reading    access = "read"      // whoever has a token
	provision  access = "provision" // who makes VPCs, subnets, instances and ports
	governing  access = "govern"    // who makes groups, rules, IP sets and attachments
	administer access = "administer"
)

// mayUse is the table of who may use what; a role that a row does not name may not. Roles beside admin, provisioner and
// viewer are not given out.
var mayUse = map[access][]policy.Role{
	reading:    {policy.RoleAdmin, policy.RoleProvisioner, policy.RoleViewer},
	provision:  {policy.RoleAdmin, policy.RoleProvisioner},
	governing:  {policy.RoleAdmin},
	administer: {policy.RoleAdmin},
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
	if !slices.Contains(mayUse[c.route.access], token.Role) {
		return &policy.Forbidden{Code: "role", Message: "role " + string(token.Role) + " may not " + string(c.route.access) +
			"; roles that may: " + roleWords(mayUse[c.route.access])}
	}
	return nil
}

func roleWords(roles []policy.Role) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	return strings.Join(words, ", ")
}
