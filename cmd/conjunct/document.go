package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"conjunct/api"
	"conjunct/policy"
)

// node is a piece of YAML. Unlike a map it keeps the order of its fields.
type node = yamlnode.Node

// reported are the fields of wire forms that a manifest does not say: what the server gives or observes, and ids, which are
// the metadata's.
var reported = map[string]bool{
	"id": true, "revision": true, "created_at": true, "updated_at": true, "number": true, "origin": true, "removals": true,
	"state": true, "applied_revision": true, "desired_revision": true, "flows": true, "drift": true, "problems": true, "problem": true,
	"ofport": true, "hits": true, "service": true, "renumbered": true, "project_id": true,
}

// referring are the fields that hold ids, and of what. A manifest has names there.
var referring = map[string]policy.Kind{
	"instance_id": policy.KindInstance, "port_id": policy.KindPort, "subnet_id": policy.KindSubnet, "vpc_id": policy.KindVPC,
	"hypervisor_id": policy.KindHypervisor, "security_group_id": policy.KindGroup, "security_group_ids": policy.KindGroup,
	"ip_set_id": policy.KindIPSet, "profile": policy.KindProfile,
}

// chosen are the fields whose members are named by people, whatever they are called.
var chosen = map[string]bool{"tags": true, "tag": true, "limits": true}

// showDocuments prints objects as manifests; objects of kinds that have none as they are.
func (s *session) showDocuments(n *names, found []shown, single bool) error {
	if len(found) > 0 && found[0].manifest == "" {
		if single {
			_, err := s.data(found[0].object)
			return err
		}
		var items []object
		for _, f := range found {
			items = append(items, f.object)
		}
		_, err := s.data(items)
		return err
	}
	var docs []*node
	for _, f := range found {
		if n.implied(f, single) {
			continue
		}
		doc, err := n.document(f)
		if err != nil {
			return err
		}
		docs = append(docs, doc)
	}
	return s.encode(docs)
}

// encode writes YAML documents; of none nothing.
func (s *session) encode(docs []*node) error {
	if len(docs) == 0 {
		return nil
	}
	e := yamlnode.NewEncoder(s.stdout) // It writes --- between documents.
	e.SetIndent(2)
	for _, doc := range docs {
		if err := e.Encode(doc); err != nil {
			return err
		}
	}
	return e.Close()
}

// document is an object as a manifest says it, its fields in the order of the wire form.
func (n *names) document(f shown) (*node, error) {
	if set, ok := f.object.(*api.IPSet); ok { // Entries have no order; that of their prefixes makes texts comparable.
		slices.SortFunc(set.Entries, func(a, b api.Entry) int { return a.CIDR.Prefix().Compare(b.CIDR.Prefix()) })
	}
	b, err := json.Marshal(f.object)
	if err != nil {
		return nil, err
	}
	var wire node
	if err := yamlnode.Unmarshal(b, &wire); err != nil { // JSON is YAML.
		return nil, err
	}
	w := &writer{names: n}
	if f.project != nil {
		w.project = f.project(n, f.object)
	}
	if g, ok := f.object.(*api.Group); ok {
		w.sayVersions = n.versionRequired(g)
	}
	spec := w.value("", wire.Content[0])
	meta := mapping("name", text(labelOf(f.object)))
	spec.Content = without(spec.Content, "name")
	if id := f.object.Base().ID; !generated(f.noun, id) && (!f.calledByID() || id != labelOf(f.object)) {
		meta.Content = append(meta.Content, text("id"), text(id))
	}
	switch {
	case w.project != "":
		meta.Content = append(meta.Content, text("project"), text(w.reference(policy.KindProject, string(w.project))))
	case f.scoped(): // Shared by all projects, which is not the same as saying nothing.
		spec.Content = append([]*node{text("project_id"), {Kind: yamlnode.ScalarNode, Tag: "!!null", Value: "null"}}, spec.Content...)
	}
	return mapping("apiVersion", text("conjunct/v1"), "kind", text(f.manifest), "metadata", meta, "spec", spec), nil
}

// generated reports whether the server made the id up, so that it says nothing.
func generated(k policy.Kind, id string) bool {
	rest, ok := strings.CutPrefix(id, k.Prefix()+"-")
	return ok && len(rest) == len(policy.NewID(k))-len(k.Prefix())-1
}

// writer turns wire forms into what manifests say, for one object.
type writer struct {
	*names
	project policy.ProjectID // the object's
	// sayVersions is set where a rule has to say that it is for both IP versions.
	sayVersions bool
}

// versionRequired reports whether the profile that is named for a group wants ip_version in every rule.
func (n *names) versionRequired(g *api.Group) bool {
	project, profile := g.ProjectID, policy.ProfileName("")
	if o, ok := n.look(policy.KindVPC, string(g.VPCID)); ok && g.VPCID != "" {
		project, profile = o.(*api.VPC).ProjectID, o.(*api.VPC).Profile
	}
	if o, ok := n.look(policy.KindProject, string(project)); ok && profile == "" && project != "" {
		profile = o.(*api.Project).Profile
	}
	o, ok := n.all(policy.KindProfile)[string(profile)]
	return ok && o.(*api.Profile).IPVersion == policy.IPVersionRequired
}

// repeated are the fields, by what they are in, that only say whose the parts of an object are.
var repeated = map[string]string{"rules": "security_group_id", "entries": "ip_set_id"}

// value keeps what is wanted and not what is only reported, and has names for ids. in is the field that the value is in.
func (w *writer) value(in string, v *node) *node {
	v.Style = 0
	switch v.Kind {
	case yamlnode.ScalarNode:
		return quoted(v)
	case yamlnode.SequenceNode:
		for i, item := range v.Content {
			v.Content[i] = w.value(in, item)
		}
	case yamlnode.MappingNode:
		var kept []*node
		for i := 0; i < len(v.Content); i += 2 {
			key, value := v.Content[i], v.Content[i+1]
			if w.sayVersions && in == "rules" && key.Value == "ip_version" {
				kept = append(kept, text(key.Value), value)
				continue
			}
			if value.Tag == "!!null" || reported[key.Value] || repeated[in] == key.Value {
				continue
			}
			kept = append(kept, text(key.Value), w.field(key.Value, value))
		}
		v.Content = kept
	default: // JSON has no other.
	}
	return v
}

func (w *writer) field(name string, v *node) *node {
	if chosen[name] {
		return plain(v)
	}
	if k, ok := referring[name]; ok {
		w.refer(k, v)
	}
	return w.value(name, v)
}

func (w *writer) refer(k policy.Kind, v *node) {
	for _, item := range v.Content {
		w.refer(k, item)
	}
	if v.Kind == yamlnode.ScalarNode {
		v.Value = w.reference(k, v.Value)
	}
}

// reference is how a manifest of the object's project calls what has the id: by name where that means it, else by id.
func (w *writer) reference(k policy.Kind, id string) string {
	o, ok := w.all(k)[id]
	row := kindOf(k)
	if !ok || !row.named {
		return id
	}
	label := labelOf(o)
	means := w.meant(row, label)
	if len(means) == 1 && means[0] == id {
		return label
	}
	switch o := o.(type) { // One of several of the name.
	case *api.Subnet:
		if slices.Contains(means, id) {
			return w.reference(policy.KindVPC, string(o.VPCID)) + "/" + label
		}
	case *api.Group:
		if o.VPCID != "" && (o.ProjectID == w.project || o.ProjectID == "") {
			return w.reference(policy.KindVPC, string(o.VPCID)) + "/" + label
		}
	}
	return id
}

// meant lists what a name may mean in a manifest of the object's project: what the project has and, where that is nothing,
// what all projects share. Subnets are looked for in both at once, and so are groups that are bound to a VPC, where no other has
// the name.
func (w *writer) meant(row *kind, label string) (ids []string) {
	var bound []string
	for _, scope := range []policy.ProjectID{w.project, ""} {
		for _, o := range w.labelled(row.noun, label) {
			whose := policy.ProjectID("")
			if row.project != nil {
				whose = row.project(w.names, o)
			}
			switch g, ok := o.(*api.Group); {
			case whose != scope || slices.Contains(ids, o.Base().ID) || slices.Contains(bound, o.Base().ID):
			case ok && g.VPCID != "":
				bound = append(bound, o.Base().ID)
			default:
				ids = append(ids, o.Base().ID)
			}
		}
		if len(ids) > 0 && row.noun != policy.KindSubnet {
			break
		}
	}
	if len(ids) == 0 {
		return bound
	}
	return ids
}

// plain writes a value in block style, as it is.
func plain(v *node) *node {
	v.Style = 0
	for _, c := range v.Content {
		plain(c)
	}
	return quoted(v)
}

// plainText is what no reader takes for anything but a string: it is longer than the words that mean something.
var plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{5,}$`)

// quoted protects a string that the reader of manifests would take for something else.
func quoted(v *node) *node {
	if v.Kind != yamlnode.ScalarNode || v.Tag != "!!str" {
		return v
	}
	if plainText.MatchString(v.Value) {
		return v
	}
	var read any
	if err := yaml.Unmarshal([]byte(v.Value), &read); err != nil || read != v.Value {
		v.Style = yamlnode.DoubleQuotedStyle
	}
	return v
}

func text(s string) *node {
	return quoted(&node{Kind: yamlnode.ScalarNode, Tag: "!!str", Value: s})
}

// mapping makes a mapping of names and nodes, in their order.
func mapping(pairs ...any) *node {
	m := &node{Kind: yamlnode.MappingNode, Tag: "!!map"}
	for i := 0; i < len(pairs); i += 2 {
		m.Content = append(m.Content, text(pairs[i].(string)), pairs[i+1].(*node))
	}
	return m
}

// without leaves a field of a mapping out.
func without(content []*node, name string) []*node {
	for i := 0; i < len(content); i += 2 {
		if content[i].Value == name {
			return slices.Delete(content, i, i+2)
		}
	}
	return content
}
