package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"conjunct/policy"
)

// placed is a document whose object is known: by its id, and by the project in which its names are looked up.
type placed struct {
	*document
	id, project string
	before      string // the object with its parts, as it was; "" when it did not exist
}

// applyDocuments makes what the documents say so. Names are found out first, for all documents, so that they may refer to
// each other in any order; then the objects are written, whose references the store judges once all are there.
func (c *change) applyDocuments(documents []*document, project string) (*ManifestResult, error) {
	n := newNaming(c.Snapshot(), project)
	n.bound = c.sight.Project
	all := n.placeAll(documents)
	wires := make([]any, len(all))
	for i, p := range all {
		wires[i] = n.resolved(p)
	}
	if len(n.Findings) > 0 {
		return nil, &n.Invalid
	}
	for i := range all {
		all[i].before = stateOf(c.Snapshot(), all[i], wires[i])
	}
	for i, p := range all {
		c.base = p.pointer() + "/spec"
		if err := c.locate(c.saveDocument(p, wires[i]), c.base); err != nil {
			return nil, err
		}
	}
	c.base = ""
	out := &ManifestResult{Documents: make([]DocumentResult, len(documents))}
	for i, p := range all {
		out.Documents[p.index] = p.result(outcomeOfChange(p.before, stateOf(c.Snapshot(), p, wires[i])))
	}
	return out, nil
}

func (p *placed) result(o Outcome) DocumentResult {
	return DocumentResult{Index: p.index, Kind: p.Kind, Name: p.Metadata.Name, ID: p.id, Result: o}
}

func outcomeOfChange(before, after string) Outcome {
	switch before {
	case "":
		return Created
	case after:
		return Unchanged
	}
	return Changed
}

// stateOf is what a document speaks of as text, to tell whether something changed: an object and what belongs to it.
func stateOf(s *policy.Snapshot, p placed, wire any) string {
	if a, ok := wire.(*Attachment); ok {
		if o, ok := attachedAt(s, a); ok {
			return string(o.Kind()) + "/" + o.Base().ID
		}
		return ""
	}
	o, ok := s.Get(p.kind.object, p.id)
	if !ok {
		return ""
	}
	all := []policy.Object{o}
	switch o.(type) {
	case *policy.Group:
		for _, r := range s.RulesOf(policy.GroupID(p.id)) {
			all = append(all, r)
		}
	case *policy.IPSet:
		for _, e := range s.EntriesOf(policy.IPSetID(p.id)) {
			all = append(all, e)
		}
	}
	b, err := json.Marshal(all)
	if err != nil { // Objects of the store marshal.
		return err.Error()
	}
	return string(b)
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
			n.add(d.pointer()+"/metadata/name", "reference-missing",
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

// resolved is the document's wire form with ids in place of names. The document keeps its own: it may be applied again, to
// another state.
func (n *naming) resolved(p placed) any {
	at := p.pointer() + "/spec"
	switch w := p.wire.(type) {
	case *Profile:
		return w.Clone()
	case *Project:
		o := w.Clone().(*Project)
		o.Profile = policy.ProfileName(n.resolve(policy.KindProfile, string(w.Profile), at+"/profile", ""))
		return o
	case *VPC:
		o := w.Clone().(*VPC)
		o.Profile = policy.ProfileName(n.resolve(policy.KindProfile, string(w.Profile), at+"/profile", ""))
		o.ProjectID = policy.ProjectID(p.project)
		return o
	case *Subnet:
		o := w.Clone().(*Subnet)
		o.VPCID = policy.VPCID(n.resolve(policy.KindVPC, string(w.VPCID), at+"/vpc_id", p.project, ""))
		return o
	case *Hypervisor:
		return &Hypervisor{Hypervisor: *w.Clone().(*policy.Hypervisor)}
	case *Instance:
		o := w.Clone().(*Instance)
		o.ProjectID = policy.ProjectID(p.project)
		o.SecurityGroupIDs = n.groups(w.SecurityGroupIDs, p.project, at+"/security_group_ids/%d")
		return o
	case *Port:
		o := w.Clone().(*policy.Port)
		o.InstanceID = policy.InstanceID(n.resolve(policy.KindInstance, string(w.InstanceID), at+"/instance_id", p.project))
		o.SubnetID = policy.SubnetID(n.subnet(string(w.SubnetID), p.project, at+"/subnet_id"))
		o.HypervisorID = policy.HostID(n.resolve(policy.KindHypervisor, string(w.HypervisorID), at+"/hypervisor_id", ""))
		o.SecurityGroupIDs = n.groups(w.SecurityGroupIDs, p.project, at+"/security_group_ids/%d")
		return &Port{Port: *o}
	case *Group:
		return n.resolvedGroup(w, p, at)
	case *IPSet:
		o := &IPSet{IPSet: *w.Clone().(*policy.IPSet), Entries: w.Entries}
		o.ProjectID = policy.ProjectID(p.project)
		return o
	case *Attachment:
		o := w.Clone().(*Attachment)
		o.GroupID = policy.GroupID(n.resolve(policy.KindGroup, string(w.GroupID), at+"/security_group_id", p.project, ""))
		o.Target.InstanceID = policy.InstanceID(n.resolve(policy.KindInstance, string(w.Target.InstanceID), at+"/target/instance_id", p.project))
		o.Target.PortID = policy.PortID(n.resolve(policy.KindPort, string(w.Target.PortID), at+"/target/port_id", ""))
		o.Target.SubnetID = policy.SubnetID(n.subnet(string(w.Target.SubnetID), p.project, at+"/target/subnet_id"))
		o.Target.VPCID = policy.VPCID(n.resolve(policy.KindVPC, string(w.Target.VPCID), at+"/target/vpc_id", p.project, ""))
		return o
	case *machine:
		return &machine{groups: n.groups(w.groups, p.project, at+"/networking/securityGroups/securityGroupMemberships/%d/name")}
	}
	panic(fmt.Sprintf("api: no manifest is made of %T", p.wire)) // The table of kinds and this switch have the same rows.
}

func (n *naming) resolvedGroup(w *Group, p placed, at string) *Group {
	o := &Group{Group: *w.Clone().(*policy.Group)}
	o.ProjectID = policy.ProjectID(p.project)
	if w.Rules != nil {
		o.Rules = []Rule{}
	}
	for i := range w.Rules {
		r := w.Rules[i].Clone().(*policy.Rule)
		remote := fmt.Sprintf("%s/rules/%d/remote", at, i)
		r.Remote.GroupID = policy.GroupID(n.resolve(policy.KindGroup, string(r.Remote.GroupID), remote+"/security_group_id", p.project, ""))
		r.Remote.IPSetID = policy.IPSetID(n.resolve(policy.KindIPSet, string(r.Remote.IPSetID), remote+"/ip_set_id", p.project, ""))
		r.Remote.SubnetID = policy.SubnetID(n.subnet(string(r.Remote.SubnetID), p.project, remote+"/subnet_id"))
		o.Rules = append(o.Rules, Rule{Rule: *r})
	}
	return o
}

// groups resolves a list of groups; nil stays nil. The pointer has one %d.
func (n *naming) groups(words []policy.GroupID, project, at string) []policy.GroupID {
	if words == nil {
		return nil
	}
	out := make([]policy.GroupID, len(words))
	for i, word := range words {
		out[i] = policy.GroupID(n.resolve(policy.KindGroup, string(word), fmt.Sprintf(at, i), project, ""))
	}
	return out
}
