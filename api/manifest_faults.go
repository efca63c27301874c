package api

import (
	"slices"
	"strings"

	"conjunct/policy"
)

// setAside keeps the documents that can be read. The faults of the others are findings.
func (n *naming) setAside(documents []*document) (readable []*document) {
	for _, d := range documents {
		if len(d.faults) == 0 {
			readable = append(readable, d)
			continue
		}
		n.unread = append(n.unread, d)
		n.Findings = append(n.Findings, d.faults...)
	}
	return readable
}

// homeless reports whether it is not known which object a document is of, or whose: what it says can't be judged then.
func (n *naming) homeless(d placed) bool {
	return d.project != "" && !n.exists(policy.KindProject, d.project) || slices.ContainsFunc(n.Findings, func(f policy.Finding) bool {
		in, ok := strings.CutPrefix(f.Pointer, d.pointer()+"/")
		return ok && (strings.HasPrefix(in, "metadata/") || in == "spec/project_id") || f.Pointer == "/project"
	})
}

// refused is what was found, and what else is wrong with what was written. References are left out of that: the names are found out,
// and what they mean may be in a document that can't be read.
func (c *change) refused(found []policy.Finding) error {
	for _, f := range append(c.unversionedRules(), c.invalidObjects()...) {
		if f.Pointer = c.pointer(f.Pointer); f.Code != "reference-missing" && !slices.Contains(found, f) {
			found = append(found, f)
		}
	}
	clear(c.origin) // All of it is where the request has it.
	return &policy.Invalid{Findings: found}
}
