package members

import (
	"net/netip"
	"strings"

	"conjunct/policy"
)

// What is in Redis:
//
//	conjunct:epoch          string  the epoch whose groups are all there; absent or another: incomplete, ask the API
//	conjunct:{GROUP}:v4     set     members: 10.0.0.7, or a CIDR where a port may use more than one address
//	conjunct:{GROUP}:v6     set     likewise
//	conjunct:{GROUP}:state  hash    epoch, revision, v4, v6: the store's revision of both sets, and how many are in each
//	conjunct:changes        stream  kind, group, epoch, revision, added, removed
//
// A group's three keys change together, so that whoever reads them in one MULTI sees one revision of the group. An address is in
// the set while any VPC has it as a member. A set without members is absent, as everywhere in Redis; a group that does
// not exist has no state either.
//
// The stream tells what changed: kind change with the members that came and left, space-separated; reset when there is too much to
// tell or what was there was not known, which asks for reading the sets; remove when the group is gone. A reader takes the
// stream's last id, reads the sets, follows from that id, and passes over entries whose revision its sets have reached.
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
