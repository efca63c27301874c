package api

import (
	"cmp"
	"errors"
	"reflect"
	"slices"

	"conjunct/policy"
)

// placed is a document whose object is known: by its id, and by the project in which its names are looked up.
type placed struct {
	*document
	id, project string
	before      state // as it was
}

// applyDocuments makes what the documents say so. Names are found out first, for all documents, so that they may refer to
// each other in any order; then the objects are written, whose references the store judges once all are there. What is wrong with
// the documents is told at once, so that the others are judged as far as they can be.
func (c *change) applyDocuments(documents []*document, project string) (*ManifestResult, error) {
	n := newNaming(c.Snapshot(), project)
	n.bound = c.sight.Project
	readable := n.setAside(documents)
	all := n.placeAll(readable)
	wires := make([]any, len(all))
	for i, p := range all {
		wires[i] = n.resolved(p)
	}
	n.listed(all, wires)
	for i := range all {
		all[i].before = stateOf(c.Snapshot(), all[i], wires[i])
	}
	for _, save := range []func(placed, any) error{c.saveDocument, c.attachDocument, c.adoptDocument(all)} {
		for i, p := range all {
			if n.homeless(p) {
				continue
			}
			c.base, c.anyVersion = p.pointer()+"/spec", p.anyVersion
			var bad *policy.Invalid
			switch err := c.locate(save(p, wires[i]), c.base); {
			case errors.As(err, &bad):
				n.Findings = append(n.Findings, bad.Findings...)
			case err != nil && len(n.Findings) == 0:
				return nil, err
			}
		}
	}
	c.base, c.anyVersion = "", nil
	if len(n.Findings) > 0 {
		return nil, c.refused(n.Findings)
	}
	out := &ManifestResult{Documents: make([]DocumentResult, len(documents))}
	for i, p := range all {
		after := stateOf(c.Snapshot(), p, wires[i])
		out.Documents[p.index] = p.result(outcomeOfChange(p.before, after))
		out.Documents[p.index].Changes = p.before.changes(after)
	}
	return out, nil
}

func (p *placed) result(o Outcome) DocumentResult {
	return DocumentResult{Index: p.index, Kind: p.Kind, Name: p.Metadata.Name, ID: p.id, Result: o}
}

// placeAll finds out every document's object, in the order of their kinds.
func (n *naming) placeAll(documents []*document) []placed {
	out := make([]placed, 0, len(documents))
	type target struct{ kind, id string }
	first := make(map[target]*document)
	for _, d := range inOrder(documents) {
		p := n.place(d)
		t := target{string(d.kind.object), p.id}
		if d.kind.isMachine() {
			t.kind = d.kind.name
		}
		if other, ok := first[t]; ok && p.id != "" {
			n.add(d.pointer()+"/metadata/name", "document-repeated", "document %d is of the same object", other.index+1)
		}
		first[t] = d
		out = append(out, p)
	}
	return out
}

// inOrder sorts documents so that each comes after those that its names are looked up in.
func inOrder(documents []*document) []*document {
	out := slices.Clone(documents)
	slices.SortStableFunc(out, func(a, b *document) int { return cmp.Compare(a.kind.rank(), b.kind.rank()) })
	return out
}

// home is the project in which a document's names are looked up, and where its own name is unique.
func (n *naming) home(d *document) (project, scope string) {
	switch w := d.wire.(type) {
	case *Profile, *Project: // The request may mean a project that its documents make.
		return "", ""
	case *VPC:
		project = n.project(d, w.ProjectID)
	case *Group:
		project = n.project(d, w.ProjectID)
		vpc, _ := n.find(policy.KindVPC, string(w.VPCID), project, "")
		return project, groupScope(policy.ProjectID(project), policy.VPCID(vpc))
	case *IPSet:
		project = n.project(d, w.ProjectID)
	case *Instance:
		project = n.project(d, w.ProjectID)
	case *machine:
		project = n.project(d, "")
	case *Subnet:
		project = n.projectIfSaid(d)
		scope, _ = n.find(policy.KindVPC, string(w.VPCID), project, "")
		return project, scope
	default:
		return n.projectIfSaid(d), ""
	}
	return project, project
}

// place finds out the id of a document's object, and makes it known to the documents that follow.
func (n *naming) place(d *document) placed {
	project, scope := n.home(d)
	p := placed{document: d, project: project}
	k := d.kind.object
	known, ok := n.named(k, d.Metadata.Name, scope)
	if d.kind.isMachine() {
		if p.id = known; d.Metadata.ID != "" {
			p.id, ok = d.Metadata.ID, n.exists(k, d.Metadata.ID)
		}
		if !ok {
			n.missing(d.Metadata.Name, d.pointer()+"/metadata/name",
				"instance %q does not exist in the project; a VirtualMachine sets the groups of an instance that exists or is in the documents", d.Metadata.Name)
		}
		return p
	}
	switch {
	case d.Metadata.ID != "":
		p.id = d.Metadata.ID
	case ok:
		p.id = known
	default:
		p.id = policy.NewID(k)
	}
	n.declare(k, scope, d.Metadata.Name, p.id)
	return p
}

// projectIfSaid is the project of documents whose object has none but whose names may be a project's; "" is no mistake.
func (n *naming) projectIfSaid(d *document) string {
	if d.Metadata.Project == "" && n.fallback == "" && len(n.names(policy.KindProject)) != 1 {
		return ""
	}
	return n.project(&document{index: d.index, Metadata: d.Metadata}, "")
}

// saveDocument writes what one document says; the wire form has ids.
func (c *change) saveDocument(p placed, wire any) error {
	s := c.Snapshot()
	switch w := wire.(type) {
	case *machine:
		return c.setGroups(policy.InstanceID(p.id), w.groups)
	case *Attachment:
		return c.attachAs(p.id, w)
	case *Group: // Its attachments come once what they are to is there.
		o := *w
		o.Attachments = nil
		return saveGroup(c, p.id, &o)
	case *Instance:
		if before, ok := policy.Find[*policy.Instance](s, p.id); ok && !p.has["security_group_ids"] {
			w.SecurityGroupIDs = before.SecurityGroupIDs
		}
	case *Port:
		if before, ok := policy.Find[*policy.Port](s, p.id); ok && !p.has["security_group_ids"] {
			w.SecurityGroupIDs = before.SecurityGroupIDs
		}
	}
	return resourceOf(p.kind.object).save(c, p.id, wire)
}

// setGroups makes the list the instance's groups; nil leaves them.
func (c *change) setGroups(id policy.InstanceID, groups []policy.GroupID) error {
	ins, err := find[*policy.Instance](c, id)
	if err != nil || groups == nil {
		return err
	}
	o := ins.Clone().(*policy.Instance)
	o.SecurityGroupIDs = groups
	return c.put(o, "")
}

// attachAs makes an attachment of a document so. Attaching what is attached changes nothing.
func (c *change) attachAs(id string, a *Attachment) error {
	if _, ok := attachedAt(c.Snapshot(), a); ok {
		return nil
	}
	_, err := c.attach(id, a.GroupID, a.Target, "")
	return err
}

// attachedAt finds what has the attachment's group at its target.
func attachedAt(s *policy.Snapshot, a *Attachment) (policy.Object, bool) {
	for _, o := range attachedTo(s, a.GroupID) {
		if reflect.DeepEqual(attachmentOf(a.GroupID, o).Target, a.Target) {
			return o, true
		}
	}
	return nil, false
}

// attachDocument makes the attachments that a group's document lists all that has the group.
func (c *change) attachDocument(p placed, wire any) error {
	g, ok := wire.(*Group)
	if !ok || g.Attachments == nil {
		return nil
	}
	ids := make([]string, len(g.Attachments))
	for i := range ids {
		ids[i] = policy.NewID(policy.KindAttachment)
	}
	return c.replaceAttachments(policy.GroupID(p.id), g.Attachments, ids, "/attachments")
}

// adoptDocument makes the groups that documents create the ones that profiles would make under their names: the default group of
// a project or a VPC, and what a project begins with when the documents make it. A document that says no rules has those of the
// profile.
func (c *change) adoptDocument(all []placed) func(placed, any) error {
	begins := make(map[string]bool) // the projects that the documents make
	for _, p := range all {
		begins[p.id] = begins[p.id] || p.kind.object == policy.KindProject && p.before.text == ""
	}
	return func(p placed, wire any) error {
		w, ok := wire.(*Group)
		if !ok || p.before.text != "" {
			return nil
		}
		g, err := find[*policy.Group](c, p.id)
		if err != nil {
			return err
		}
		origin, rules := c.Tx.Snapshot().MadeFor(g)
		if origin == "" || origin == policy.OriginStarter && !begins[string(g.ProjectID)] {
			return nil
		}
		o := g.Clone().(*policy.Group)
		o.Origin = origin
		if err := c.put(o, ""); err != nil || w.Rules != nil {
			return err
		}
		list := make([]*policy.Rule, len(rules))
		for i, t := range rules {
			list[i] = t.Rule()
		}
		return c.replaceRules(o, list, "/rules")
	}
}
