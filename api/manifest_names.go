package api

import (
	"fmt"
	"slices"
	"strings"

	"conjunct/policy"
)

// naming finds out which object a name of a manifest means: one of a document, or one that exists. A name is looked up in
// the project of the document that uses it, then among what all projects share; an id is taken too.
type naming struct {
	snapshot *policy.Snapshot
	known    map[policy.Kind]map[scoped]string // names ──► ids
	ids      map[policy.Kind]map[string]bool   // of documents
	fallback string                            // the request's project
	bound    policy.ProjectID                  // the project beyond which who asks has no say; "" where there is none
	unread   []*document                       // others may mean their objects
	policy.Invalid
}

// scoped is a name where it is unique: within a project ("" for what is shared), or within a VPC.
type scoped struct{ scope, name string }

func newNaming(s *policy.Snapshot, fallback string) *naming {
	return &naming{
		snapshot: s, fallback: fallback,
		known: make(map[policy.Kind]map[scoped]string), ids: make(map[policy.Kind]map[string]bool),
	}
}

// nameless are kinds without names: their objects are found by their ids, however many exist.
var nameless = map[policy.Kind]bool{policy.KindPort: true, policy.KindAttachment: true}

// names are those of a kind, read from the snapshot when the first is asked for.
func (n *naming) names(k policy.Kind) map[scoped]string {
	if n.known[k] == nil {
		n.known[k] = make(map[scoped]string)
		if nameless[k] {
			return n.known[k]
		}
		for o := range n.snapshot.All(k) {
			n.known[k][scoped{scopeOf(o), o.Label()}] = o.Base().ID
		}
	}
	return n.known[k]
}

func scopeOf(o policy.Object) string {
	switch o := o.(type) {
	case *policy.VPC:
		return string(o.ProjectID)
	case *policy.Subnet:
		return string(o.VPCID)
	case *policy.Instance:
		return string(o.ProjectID)
	case *policy.Group:
		return groupScope(o.ProjectID, o.VPCID)
	case *policy.IPSet:
		return string(o.ProjectID)
	}
	return ""
}

// groupScope is where a group's name is unique: its project, or the project's part of the VPC that it is bound to.
func groupScope(project policy.ProjectID, vpc policy.VPCID) string {
	if vpc == "" {
		return string(project)
	}
	return string(project) + "/vpc/" + string(vpc)
}

// declare makes a document's object known by its name and its id.
func (n *naming) declare(k policy.Kind, scope, name, id string) {
	n.names(k)[scoped{scope, name}] = id
	if n.ids[k] == nil {
		n.ids[k] = make(map[string]bool)
	}
	n.ids[k][id] = true
}

func (n *naming) exists(k policy.Kind, id string) bool {
	_, ok := n.snapshot.Get(k, id)
	return ok || n.ids[k][id]
}

// named is the object that has the name in the scope. Ports, hypervisors and attachments are called by their id.
func (n *naming) named(k policy.Kind, name, scope string) (string, bool) {
	if k == policy.KindPort || k == policy.KindHypervisor || k == policy.KindAttachment {
		if id, ok := n.names(k)[scoped{scope, name}]; ok {
			return id, true
		}
		return name, true
	}
	id, ok := n.names(k)[scoped{scope, name}]
	return id, ok
}

// find is the id that a word means in the first scope that knows it.
func (n *naming) find(k policy.Kind, word string, scopes ...string) (string, bool) {
	for _, scope := range scopes {
		if id, ok := n.names(k)[scoped{scope, word}]; ok {
			return id, true
		}
	}
	return word, n.exists(k, word)
}

func (n *naming) add(at, code, format string, args ...any) {
	f := policy.Finding{Pointer: at, Code: code, Message: fmt.Sprintf(format, args...)}
	if !slices.Contains(n.Findings, f) { // What the request says once, many documents find out.
		n.Findings = append(n.Findings, f)
	}
}

// missing adds that nothing has the name, unless a document that can't be read may have it.
func (n *naming) missing(word, at, format string, args ...any) {
	name := word[strings.LastIndexByte(word, '/')+1:] // VPC/SUBNET
	if !slices.ContainsFunc(n.unread, func(d *document) bool { return d.Metadata.mayBe(word) || d.Metadata.mayBe(name) }) {
		n.add(at, "reference-missing", format, args...)
	}
}

// resolve is find with a finding when nothing has the name. An empty word stays empty.
func (n *naming) resolve(k policy.Kind, word, at string, scopes ...string) string {
	if word == "" {
		return ""
	}
	id, ok := n.find(k, word, scopes...)
	if !ok {
		n.missing(word, at, "%s %q does not exist, neither in the documents nor in the store", k, word)
	}
	return id
}

// subnet finds a subnet among all VPCs that the project may use; vpc/subnet names one of several of the same name.
func (n *naming) subnet(word, project, at string) string {
	if word == "" || n.exists(policy.KindSubnet, word) {
		return word
	}
	vpcName, name, qualified := strings.Cut(word, "/")
	if !qualified {
		name = word
	}
	var found []string
	for key, id := range n.names(policy.KindSubnet) {
		if key.name == name && n.usable(key.scope, project) && (!qualified || n.isVPC(key.scope, vpcName, project)) {
			found = append(found, id)
		}
	}
	switch slices.Sort(found); len(found) {
	case 1:
		return found[0]
	case 0:
		n.missing(word, at, "subnet %q does not exist in a VPC of the project, neither in the documents nor in the store", word)
	default:
		n.add(at, "reference-ambiguous", "%d subnets are called %q (%s); write VPC/SUBNET or the id", len(found), word, strings.Join(found, ", "))
	}
	return word
}

// group finds a group of the project or of all, else one that is bound to a VPC; VPC/GROUP names one of several.
func (n *naming) group(word, project, at string) string {
	id, ok := n.find(policy.KindGroup, word, project, "")
	if word == "" || ok {
		return id
	}
	vpcName, name, qualified := strings.Cut(word, "/")
	if !qualified {
		name = word
	}
	var found []string
	for _, vpc := range n.names(policy.KindVPC) {
		for _, owner := range []policy.ProjectID{policy.ProjectID(project), ""} {
			id, ok := n.names(policy.KindGroup)[scoped{groupScope(owner, policy.VPCID(vpc)), name}]
			if ok && !slices.Contains(found, id) && (!qualified || n.isVPC(vpc, vpcName, project)) {
				found = append(found, id)
			}
		}
	}
	switch slices.Sort(found); len(found) {
	case 1:
		return found[0]
	case 0:
		return n.resolve(policy.KindGroup, word, at, project, "")
	default:
		n.add(at, "reference-ambiguous", "%d security groups are called %q (%s), each bound to a VPC; write VPC/GROUP or the id", len(found), word, strings.Join(found, ", "))
	}
	return word
}

// usable reports whether a VPC is the project's or shared. The names of VPCs say whose they are.
func (n *naming) usable(vpc, project string) bool {
	for key, id := range n.names(policy.KindVPC) {
		if id == vpc {
			return key.scope == "" || key.scope == project || project == ""
		}
	}
	return false
}

func (n *naming) isVPC(id, word, project string) bool {
	found, ok := n.find(policy.KindVPC, word, project, "")
	return ok && found == id
}

// project finds out whose the document's object is. What the spec says comes first, then the metadata, then the request;
// with exactly one project in existence it need not be said.
func (n *naming) project(d *document, spec policy.ProjectID) string {
	switch {
	case d.has["project_id"]: // Null too: that is what all projects share.
		if n.bound != "" && spec == "" {
			n.add(d.pointer()+"/spec/project_id", "project-not-yours", "what a user makes belongs to the user's project, %q; leave project_id out", n.bound)
		}
		return n.resolve(policy.KindProject, string(spec), d.pointer()+"/spec/project_id", "")
	case d.Metadata.Project != "":
		return n.resolve(policy.KindProject, d.Metadata.Project, d.pointer()+"/metadata/project", "")
	case n.fallback != "":
		return n.resolve(policy.KindProject, n.fallback, "/project", "")
	}
	all := n.names(policy.KindProject)
	if len(all) == 1 {
		for _, id := range all {
			return id
		}
	}
	for _, u := range n.unread {
		if u.Kind == "Project" || u.kind.name == "" {
			return u.Metadata.Name
		}
	}
	n.add(d.pointer()+"/metadata/project", "project-required",
		"%d projects exist, so say which is meant: metadata.project in the document, or project in the request (--project NAME)", len(all))
	return ""
}
