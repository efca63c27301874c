package api

import (
	"errors"
	"slices"

	"conjunct/policy"
)

// deleteDocuments deletes what the documents name, whatever their specs say; a VirtualMachine loses the groups that its
// document lists. What is not there is no mistake. Rules of the groups go first, so that groups that name each other can go
// together, unless a profile wants them deleted by somebody who says so.
func (c *change) deleteDocuments(documents []*document, project string, how groupRemoval) (*ManifestResult, error) {
	n := newNaming(c.Snapshot(), project)
	n.bound = c.sight.Project
	all := n.lookUpAll(n.setAside(documents))
	if len(n.Findings) > 0 {
		return nil, &n.Invalid
	}
	slices.Reverse(all) // What refers to others before the others.
	out := &ManifestResult{Documents: make([]DocumentResult, len(documents))}
	removals := make(map[string]*Removal) // by the group's id
	var against []error
	for _, p := range all {
		g, ok := policy.Find[*policy.Group](c.Snapshot(), p.id)
		if p.kind.object != policy.KindGroup || !ok {
			continue
		}
		if goesAlong(g, all) {
			if err := c.dropRules(g); err != nil {
				return nil, err
			}
			continue
		}
		against = append(against, hasRules(c.Snapshot(), g, how)...)
		removals[p.id] = new(Removal)
		for _, r := range c.Snapshot().RulesOf(policy.GroupID(p.id)) {
			if how.rules {
				removals[p.id].rule(r)
			}
			if err := c.Delete(policy.KindRule, r.ID); err != nil {
				return nil, err
			}
		}
	}
	if len(against) > 0 {
		return nil, errors.Join(against...)
	}
	for _, p := range all {
		c.removal = Removal{}
		if r, ok := removals[p.id]; ok && p.kind.object == policy.KindGroup {
			c.removal = *r
		}
		if g, ok := policy.Find[*policy.Group](c.Snapshot(), p.id); ok && p.kind.object == policy.KindGroup && goesAlong(g, all) {
			out.Documents[p.index] = p.result(Deleted)
			continue
		}
		result, err := c.deleteDocument(n, p, how)
		if err != nil {
			return nil, err
		}
		out.Documents[p.index] = p.result(result)
		out.Documents[p.index].Removal = c.removal
	}
	return out, nil
}

// goesAlong reports whether a group is one that the profile made for a project or a VPC that the documents delete, which takes it
// along.
func goesAlong(g *policy.Group, all []placed) bool {
	kind, owner := policy.KindProject, string(g.ProjectID)
	if g.VPCID != "" {
		kind, owner = policy.KindVPC, string(g.VPCID)
	}
	return g.Origin != "" && slices.ContainsFunc(all, func(p placed) bool { return p.kind.object == kind && p.id == owner })
}

// dropRules takes the rules of a group that goes along with what it belongs to. That needs no right to them.
func (c *change) dropRules(g *policy.Group) error {
	for _, r := range c.Tx.Snapshot().RulesOf(policy.GroupID(g.ID)) {
		if err := c.Tx.Delete(policy.KindRule, r.ID); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) deleteDocument(n *naming, p placed, how groupRemoval) (Outcome, error) {
	switch w := p.wire.(type) {
	case *Attachment:
		a := n.resolved(p).(*Attachment) // What does not exist has nothing attached.
		if o, ok := attachedAt(c.Snapshot(), a); ok {
			return Deleted, c.detach(a.GroupID, o)
		}
		return Absent, nil
	case *machine:
		return c.leaveGroups(n, p, w)
	}
	switch {
	case p.id == "":
		return Absent, nil
	case p.kind.object == policy.KindGroup:
		return Deleted, c.removeGroup(policy.GroupID(p.id), how)
	}
	return Deleted, resourceOf(p.kind.object).delete(c, p.id, nil)
}

// leaveGroups takes the groups that the document lists from the instance.
func (c *change) leaveGroups(n *naming, p placed, m *machine) (Outcome, error) {
	ins, ok := policy.Find[*policy.Instance](c.Snapshot(), p.id)
	if !ok { // Deleted by another of the documents.
		return Absent, nil
	}
	o := ins.Clone().(*policy.Instance)
	o.SecurityGroupIDs = slices.DeleteFunc(o.SecurityGroupIDs, func(id policy.GroupID) bool {
		return slices.ContainsFunc(m.groups, func(word policy.GroupID) bool {
			return n.group(string(word), p.project, "") == string(id) // What does not exist nobody has.
		})
	})
	if len(o.SecurityGroupIDs) == len(ins.SecurityGroupIDs) {
		return Unchanged, nil
	}
	return Changed, c.put(o, "")
}

// lookUpAll finds out every document's object; those that do not exist have no id. Nothing is in a project that the documents name
// and that is gone.
func (n *naming) lookUpAll(documents []*document) []placed {
	out := make([]placed, 0, len(documents))
	for _, d := range inOrder(documents) {
		project, scope := n.home(d)
		p := placed{document: d, project: project}
		k := d.kind.object
		id, _ := n.named(k, d.Metadata.Name, scope)
		if id = orDefault(d.Metadata.ID, id); n.exists(k, id) {
			p.id = id
		} else if k == policy.KindProject {
			n.names(k)[scoped{scope, d.Metadata.Name}] = policy.NewID(k)
		}
		out = append(out, p)
	}
	return out
}
