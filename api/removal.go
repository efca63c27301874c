package api

import (
	"fmt"
	"net/url"

	"conjunct/policy"
)

// Removal says what went along with something that was deleted. A deletion that took nothing along has none.
type Removal struct {
	// Detached is what had the group: instances, ports, and attachments, whose name says what they were to.
	Detached []policy.Holder `json:"detached,omitempty"`
	// RemovedRules are the rules of other groups that named the group; with rules=delete its own too.
	RemovedRules []RemovedRule `json:"removed_rules,omitempty"`
}

// RemovedRule is a rule that is gone, and the group that it was in.
type RemovedRule struct {
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	GroupID policy.GroupID `json:"security_group_id"`
}

func (r *Removal) empty() bool { return len(r.Detached) == 0 && len(r.RemovedRules) == 0 }

func (r *Removal) rule(o *policy.Rule) {
	r.RemovedRules = append(r.RemovedRules, RemovedRule{ID: o.ID, Name: o.Label(), GroupID: o.GroupID})
}

// groupRemoval is what a caller may ask for when a group is deleted, beside the deletion. What is not said is as the profile
// has it.
type groupRemoval struct {
	references bool  // remove the rules of other groups that name the group
	detach     *bool // take the group from whatever has it, or don't
	rules      bool  // delete its rules with it
}

// groupRemovalParams are the query parameters of groupRemoval.
var groupRemovalParams = []string{"references", "detach", "rules"}

func groupRemovalOf(q url.Values) (r groupRemoval, err error) {
	for _, word := range []struct {
		param, value string
		set          *bool
	}{{"references", "remove", &r.references}, {"rules", "delete", &r.rules}} {
		*word.set = q.Get(word.param) == word.value
		if q.Has(word.param) && !*word.set {
			return r, badParameter(word.param, "%s is %s or absent, not %q", word.param, word.value, q.Get(word.param))
		}
	}
	if !q.Has("detach") {
		return r, nil
	}
	detach := q.Get("detach") == "true"
	if !detach && q.Get("detach") != "false" {
		return r, badParameter("detach", "detach is true or false, not %q", q.Get("detach"))
	}
	r.detach = &detach
	return r, nil
}

// detaches reports whether the group is taken from what has it.
func (r groupRemoval) detaches(p *policy.Profile) bool {
	if r.detach != nil {
		return *r.detach
	}
	return p.GroupDelete == policy.DeleteDetach
}

// attachedHolder names what has a group. An attachment is known by what it is to.
func attachedHolder(s *policy.Snapshot, o policy.Object) policy.Holder {
	h := policy.HolderOf(o)
	a, ok := o.(*policy.Attachment)
	if !ok {
		return h
	}
	label := func(k policy.Kind, id string) string {
		if o, ok := s.Get(k, id); ok {
			id = o.Label()
		}
		return string(k) + " " + id
	}
	switch t := a.Target; {
	case t.SubnetID != "":
		h.Name = label(policy.KindSubnet, string(t.SubnetID))
	case t.CIDR != nil:
		h.Name = fmt.Sprintf("%s in %s", t.CIDR, label(policy.KindVPC, string(t.VPCID)))
	default:
		for key, value := range t.Tag {
			h.Name = "tag " + key + "=" + value
		}
	}
	return h
}
