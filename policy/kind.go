package policy

// Kind names a kind of object: in the store's keys, in conflicts that the API reports, in watch events.
type Kind string

// The kinds of objects. A rule, an entry and an attachment belong to a group or an IP set and are stored on their own, so
// that changing one of ten thousand writes one.
const (
	KindProject    Kind = "project"
	KindVPC        Kind = "vpc"
	KindSubnet     Kind = "subnet"
	KindHypervisor Kind = "hypervisor"
	KindInstance   Kind = "instance"
	KindPort       Kind = "port"
	KindGroup      Kind = "security-group"
	KindRule       Kind = "rule"
	KindAttachment Kind = "attachment"
	KindIPSet      Kind = "ip-set"
	KindEntry      Kind = "ip-set-entry"
	KindProfile    Kind = "profile"
	KindToken      Kind = "token"
)

// kinds is the table of what is particular to a kind.
var kinds = []struct {
	kind   Kind
	prefix string // of generated ids
	make   func() Object
}{
	{KindProject, "prj", func() Object { return new(Project) }},
	{KindVPC, "vpc", func() Object { return new(VPC) }},
	{KindSubnet, "sub", func() Object { return new(Subnet) }},
	{KindHypervisor, "hv", func() Object { return new(Hypervisor) }},
	{KindInstance, "ins", func() Object { return new(Instance) }},
	{KindPort, "prt", func() Object { return new(Port) }},
	{KindGroup, "sg", func() Object { return new(Group) }},
	{KindRule, "sgr", func() Object { return new(Rule) }},
	{KindAttachment, "att", func() Object { return new(Attachment) }},
	{KindIPSet, "ips", func() Object { return new(IPSet) }},
	{KindEntry, "ipe", func() Object { return new(Entry) }},
	{KindProfile, "prf", func() Object { return new(Profile) }},
	{KindToken, "tok", func() Object { return new(Token) }},
}

// Kinds lists every kind, an object's kind after the kinds it may refer to.
func Kinds() []Kind {
	out := make([]Kind, 0, len(kinds))
	for _, k := range kinds {
		out = append(out, k.kind)
	}
	return out
}

// Prefix is what generated ids of the kind begin with, without the dash.
func (k Kind) Prefix() string {
	for _, row := range kinds {
		if row.kind == k {
			return row.prefix
		}
	}
	return ""
}

// New returns an empty object of the kind, or nil for a kind that does not exist.
func (k Kind) New() Object {
	for _, row := range kinds {
		if row.kind == k {
			return row.make()
		}
	}
	return nil
}
