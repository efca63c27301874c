package api

import (
	"fmt"

	"conjunct/policy"
)

// versioned refuses rules without ip_version where the profile requires one. It is the request that has to say it: a rule that
// is stored without one, by a form that has no word for it or before the profile asked, stays valid and may be changed
// otherwise. What else is wrong with what was written comes along, because the store is not asked then.
func (c *change) versioned() error {
	s := c.Tx.Snapshot()
	var bad policy.Invalid
	report := func(o policy.Object, findings ...policy.Finding) {
		for _, f := range findings {
			f.Pointer = fmt.Sprintf("/%s/%s%s", o.Kind(), o.Base().ID, f.Pointer)
			bad.Findings = append(bad.Findings, f)
		}
	}
	for o, w := range c.stored {
		if p, required := requiresVersion(s, o); required && !w.anyVersion && !unversioned(w.before) {
			report(o, policy.Finding{Pointer: "/ip_version", Code: "required",
				Message: fmt.Sprintf("profile %q wants ip_version 4 or 6 in every rule", p.Name)})
		}
	}
	if len(bad.Findings) == 0 {
		return nil
	}
	for o := range c.stored {
		report(o, policy.Validate(o, s)...)
	}
	return &bad
}

// stored goes over what was written and is still there, as it is now and with what was written first.
func (c *change) stored(yield func(policy.Object, written) bool) {
	seen := make(map[policy.Object]bool)
	for _, w := range c.wrote {
		o, ok := c.Tx.Snapshot().Get(w.after.Kind(), w.after.Base().ID)
		if !ok || seen[o] {
			continue
		}
		if seen[o] = true; !yield(o, w) {
			return
		}
	}
}

// requiresVersion reports whether the object is a rule without ip_version of a group whose profile wants one.
func requiresVersion(s *policy.Snapshot, o policy.Object) (*policy.Profile, bool) {
	if !unversioned(o) {
		return nil, false
	}
	g, ok := policy.Find[*policy.Group](s, o.(*policy.Rule).GroupID)
	if !ok {
		return nil, false
	}
	p := s.ProfileOfGroup(g)
	return p, p.IPVersion == policy.IPVersionRequired
}

func unversioned(o policy.Object) bool {
	r, ok := o.(*policy.Rule)
	return ok && r.IPVersion == nil
}
