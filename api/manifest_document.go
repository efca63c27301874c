package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"conjunct/policy"
)

// apiVersions of documents.
const (
	versionOwn     = "conjunct/v1"
	versionNetwork = "networking.evroclabs.net/v1alpha1"
	versionCompute = "compute.evroclabs.net/v1alpha1"
)

// document is one document of a manifest, read but not yet understood: names in it may be those of documents that follow.
type document struct {
	index int
	kind  *manifestKind

	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   metadata        `json:"metadata"`
	Spec       json.RawMessage `json:"spec"`

	wire any             // the spec as the kind's wire form, with names where ids will be
	has  map[string]bool // the fields of the spec

	anyVersion func(pointer string) bool // as change has it

	// faults are why the document can't be read, with pointers into the request. Nothing is done then, but the other documents are
	// judged all the same.
	faults []policy.Finding
}

type metadata struct {
	Name    string `json:"name"`
	ID      string `json:"id"`
	Project string `json:"project"`
}

// mayBe reports whether a document with the metadata may be of what others call so.
func (m metadata) mayBe(word string) bool { return m.Name == "" || m.Name == word || m.ID == word }

func (d *document) String() string  { return fmt.Sprintf("%s %q", d.Kind, d.Metadata.Name) }
func (d *document) pointer() string { return fmt.Sprintf("/documents/%d", d.index) }

// says puts a message into the document's mouth.
func (d *document) says(message string) string {
	return fmt.Sprintf("document %d, %s: %s", d.index+1, d, message)
}

// manifestKind is a kind of document.
type manifestKind struct {
	version, name string
	object        policy.Kind
	// read makes a wire form of the spec. Own kinds have the REST body as their spec.
	read func(*document) (any, error)
	// fields translates the ends of pointers into the wire form to what the document calls the field.
	fields []renamed
}

type renamed struct{ from, to string }

// manifestKinds is the table of what may be applied, in the order in which names are found out: each kind after those that
// its names are looked up in.
var manifestKinds = []manifestKind{
	{version: versionOwn, name: "Profile", object: policy.KindProfile, read: readAs(func() any { return new(Profile) })},
	{version: versionOwn, name: "Project", object: policy.KindProject, read: readAs(func() any { return new(Project) })},
	{version: versionOwn, name: "VPC", object: policy.KindVPC, read: readAs(func() any { return new(VPC) })},
	{version: versionOwn, name: "Subnet", object: policy.KindSubnet, read: readAs(func() any { return new(Subnet) })},
	{version: versionOwn, name: "Hypervisor", object: policy.KindHypervisor, read: readAs(func() any { return new(Hypervisor) })},
	{version: versionOwn, name: "IPSet", object: policy.KindIPSet, read: readAs(func() any { return new(IPSet) })},
	{version: versionOwn, name: "SecurityGroup", object: policy.KindGroup, read: readAs(func() any { return new(Group) })},
	{version: versionNetwork, name: "SecurityGroup", object: policy.KindGroup, read: readEvrocGroup, fields: evrocFields},
	{version: versionOwn, name: "Instance", object: policy.KindInstance, read: readAs(func() any { return new(Instance) })},
	{version: versionOwn, name: "Port", object: policy.KindPort, read: readAs(func() any { return new(Port) })},
	{version: versionOwn, name: "Attachment", object: policy.KindAttachment, read: readAs(func() any { return new(Attachment) })},
	{version: versionCompute, name: "VirtualMachine", object: policy.KindInstance, read: readEvrocMachine, fields: evrocFields},
}

func (k *manifestKind) rank() int {
	return slices.IndexFunc(manifestKinds, func(row manifestKind) bool { return row.name == k.name && row.version == k.version })
}

// isMachine reports whether the kind only says which groups an instance has that exists.
func (k *manifestKind) isMachine() bool { return k.version == versionCompute }

func kindOf(version, name string) *manifestKind {
	i := slices.IndexFunc(manifestKinds, func(k manifestKind) bool { return k.version == version && k.name == name })
	if i < 0 {
		return nil
	}
	return &manifestKinds[i]
}

// field is what the document calls the field that a pointer into the wire form means.
func (d *document) field(pointer string) string {
	rest, ok := strings.CutPrefix(pointer, "/spec")
	if !ok {
		return pointer
	}
	switch rest {
	case "/name", "/id":
		return "/metadata" + rest
	}
	for _, r := range d.kind.fields {
		if before, ok := strings.CutSuffix(rest, r.from); ok {
			return "/spec" + before + r.to
		}
	}
	return pointer
}

// readDocuments reads all documents; each has its own faults.
func readDocuments(raw []json.RawMessage) ([]*document, error) {
	out := make([]*document, len(raw))
	for i, r := range raw {
		d, err := readDocument(i, r)
		out[i] = d
		var bad policy.Invalid
		if err := gather(&bad, err, d.pointer()); err != nil {
			return out, err
		}
		d.faults = bad.Findings
	}
	return out, nil
}

// gather collects the findings of an error below a pointer; an error of another kind is returned.
func gather(all *policy.Invalid, err error, below string) error {
	if err == nil {
		return nil
	}
	bad, ok := err.(*policy.Invalid) //nolint:errorlint // Findings are not wrapped here.
	if !ok {
		return err
	}
	for _, f := range bad.Findings {
		f.Pointer = below + f.Pointer
		all.Findings = append(all.Findings, f)
	}
	return nil
}

// readDocument reads one. What is found out until something is wrong with it is in the document.
func readDocument(index int, raw json.RawMessage) (*document, error) {
	d := &document{index: index, kind: new(manifestKind)}
	if err := decodeStrict(raw, d); err != nil {
		return d, err
	}
	kind := kindOf(d.APIVersion, d.Kind)
	if kind == nil {
		return d, kindUnknown(d)
	}
	d.kind = kind
	if d.Metadata.Name == "" {
		return d, invalid("/metadata/name", "required", "a name is required")
	}
	if len(d.Spec) == 0 {
		d.Spec = json.RawMessage("{}")
	}
	all, ok := members(d.Spec)
	if !ok {
		return d, invalid("/spec", "wrong-type", "an object is required, found %s", typeOfJSON(d.Spec))
	}
	d.has = make(map[string]bool, len(all))
	for _, m := range all {
		d.has[m.name] = true
	}
	wire, err := d.kind.read(d)
	if err != nil {
		var bad policy.Invalid
		if err := gather(&bad, err, "/spec"); err != nil {
			return d, err
		}
		return d, &bad
	}
	d.wire, d.anyVersion = wire, anyVersionIn(d)
	return d, nil
}

// anyVersionIn is change.anyVersion for a document. Those of evroc clouds have no field for the version; in our own, a rule with
// ip_version: null says that it is for both.
func anyVersionIn(d *document) func(string) bool {
	if d.kind.version != versionOwn {
		return func(string) bool { return true }
	}
	var in struct {
		Rules []map[string]json.RawMessage `json:"rules"`
	}
	if d.kind.object != policy.KindGroup || json.Unmarshal(d.Spec, &in) != nil { // What is wrong with the spec is found elsewhere.
		return nil
	}
	both := make(map[string]bool)
	for i, r := range in.Rules {
		both[fmt.Sprintf("/rules/%d", i)] = string(r["ip_version"]) == "null"
	}
	return func(pointer string) bool { return both[pointer] }
}

// readAs reads a spec that is the body of a REST request. The name and the id are in the metadata.
func readAs(blank func() any) func(*document) (any, error) {
	return func(d *document) (any, error) {
		wire := blank()
		var bad policy.Invalid
		if err := gather(&bad, decodeStrict(d.Spec, wire), ""); err != nil {
			return nil, err
		}
		for _, field := range []string{"name", "id"} {
			if d.has[field] {
				bad.Findings = append(bad.Findings, policy.Finding{
					Pointer: "/" + field, Code: "misplaced", Message: fmt.Sprintf("the %s belongs into metadata.%s", field, field),
				})
			}
		}
		if len(bad.Findings) > 0 {
			return nil, &bad
		}
		setName(wire, d.Metadata.Name)
		return wire, nil
	}
}

// setName gives the wire form the name of the metadata, where the kind has names.
func setName(wire any, name string) {
	switch o := wire.(type) {
	case *Profile:
		o.Name = name
	case *Project:
		o.Name = name
	case *VPC:
		o.Name = name
	case *Subnet:
		o.Name = name
	case *Hypervisor:
		o.Name = name
	case *Instance:
		o.Name = name
	case *Group:
		o.Name = name
	case *IPSet:
		o.Name = name
	}
}
