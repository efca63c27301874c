package store

import "conjunct/policy"

// owners says which field of an object names its owner, for the kinds that have one. What is owned is deleted with its
// owner, in the same transaction.
var owners = map[policy.Kind]string{
	policy.KindRule:       "/security_group_id",
	policy.KindAttachment: "/security_group_id",
	policy.KindEntry:      "/ip_set_id",
}

// owning are the kinds that others belong to.
var owning = map[policy.Kind]bool{policy.KindGroup: true, policy.KindIPSet: true}

// siblings says which field of an object names the object below which its kind is judged as a whole: subnets of a VPC
// must not overlap, and the rules of an ordered group have positions relative to each other, which no single key decides.
var siblings = map[policy.Kind]string{
	policy.KindSubnet: "/vpc_id",
	policy.KindRule:   "/security_group_id",
}

// amongSiblings reports whether the object's place depends on its siblings: rules without a position have none.
func amongSiblings(o policy.Object) bool {
	r, ok := o.(*policy.Rule)
	return !ok || r.Position != nil
}

// fieldOf is what the object refers to by the field that the table gives for its kind.
func fieldOf(o policy.Object, table map[policy.Kind]string) (key, bool) {
	field, ok := table[o.Kind()]
	if !ok {
		return key{}, false
	}
	for _, r := range o.References() {
		if r.Field == field {
			return refKey(r), true
		}
	}
	return key{}, false
}
