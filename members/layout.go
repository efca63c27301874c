package members

import (
	"net/netip"
	"strings"

	"conjunct/policy"
)

// The names of what the package comment describes.
const (
	epochKey   = "conjunct:epoch"
	changesKey = "conjunct:changes"

	groupKeyPrefix  = "conjunct:{"
	groupKeyPattern = "conjunct:{*}:*"
)

// The braces make one hash slot of a group's keys. Ids match policy.NamePattern, which has no braces.
func stateKey(g policy.GroupID) string { return groupKeyPrefix + string(g) + "}:state" }
func nextKey(g policy.GroupID) string  { return groupKeyPrefix + string(g) + "}:next" }

// MemberKey names the set of a group's members of one IP version, 4 or 6.
func MemberKey(g policy.GroupID, version int) string {
	if version == 4 {
		return groupKeyPrefix + string(g) + "}:v4"
	}
	return groupKeyPrefix + string(g) + "}:v6"
}

// groupOfKey is the group that a key belongs to.
func groupOfKey(key string) (policy.GroupID, bool) {
	rest, ok := strings.CutPrefix(key, groupKeyPrefix)
	if !ok {
		return "", false
	}
	id, _, ok := strings.Cut(rest, "}:")
	return policy.GroupID(id), ok
}

// memberText is how a prefix stands in a set: an address bare, so that SISMEMBER answers for it.
func memberText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
