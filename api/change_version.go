package api

import (
	"fmt"

	"conjunct/policy"
)

// versioned refuses rules without ip_version where the profile requires one. What else is wrong with what was written comes along,
// because the store is not asked then.
func (c *change) versioned() error {
	bad := c.unversionedRules()
	if len(bad) == 0 {
		return nil
	}
	return &policy.Invalid{Findings: append(bad, c.invalidObjects()...)}
}

// unversionedRules finds the rules that have to say a version. It is the request that has to: a rule that is stored without one, by a
// form that has no word for it or before the profile asked, stays valid and may be changed otherwise.
func (c *change) unversionedRules() (out []policy.Finding) {
	for o, w := range c.stored {
		if p, required := requiresVersion(c.Tx.Snapshot(), o); required && !w.anyVersion && !unversioned(w.before) {
			out = append(out, policy.Finding{
				Pointer: pointerTo(o) + "/ip_version", Code: "required", Message: fmt.Sprintf("profile %q wants ip_version 4 or 6 in every rule", p.Name),
			})
		}
	}
	return out
}

// invalidObjects are the findings of everything that was written, as the store would have them if there were nothing but what who
// asks may see.
func (c *change) invalidObjects() (out []policy.Finding) {
	for o := range c.stored {
		for _, f := range policy.Validate(o, c.seen) {
			f.Pointer = pointerTo(o) + f.Pointer
			out = append(out, f)
		}
	}
	return out
}

func pointerTo(o policy.Object) string { return fmt.Sprintf("/%s/%s", o.Kind(), o.Base().ID) }

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
