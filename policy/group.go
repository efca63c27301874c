package policy

import "maps"

// Evaluation says how the rules of a group combine.
type Evaluation string

const (
	// Union allows what any rule allows.
	Union Evaluation = "union"
	// Ordered lets the first matching rule decide, allow or drop.
	Ordered Evaluation = "ordered"
)

// Origin says who made a group.
type Origin string

const (
	// OriginDefault marks the group that a profile gives to ports without another one. Ports get it by having no group, never by
	// naming it.
	OriginDefault Origin = "default"
	// OriginStarter marks a group that a project began with. Beyond that it is like any other.
	OriginStarter Origin = "starter"
)

// Group is a security group: a set of rules that protects every port that has it, and a set of addresses (its members')
// that rules may name as their remote.
type Group struct {
	Meta
	Name string `json:"name"`
	// ProjectID is empty for a global group.
	ProjectID ProjectID `json:"project_id"`
	// VPCID binds the group to one VPC: it protects ports of that VPC alone, whatever else has it. Empty means not bound.
	VPCID       VPCID             `json:"vpc_id"`
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Evaluation  Evaluation        `json:"evaluation"`
	// Origin is empty for a group that somebody made; else it says for what a profile made it.
	Origin Origin `json:"origin,omitempty"`
	// Removals counts the rules that were taken out of the group, so that the group itself changes when one goes.
	Removals int64  `json:"removals,omitempty"`
	Number   Number `json:"number"`
}

func (g *Group) Kind() Kind         { return KindGroup }
func (g *Group) Label() string      { return labelOr(g.Name, g.ID) }
func (g *Group) GetNumber() Number  { return g.Number }
func (g *Group) SetNumber(n Number) { g.Number = n }
func (g *Group) References() []Ref {
	out := refer(make([]Ref, 0, 2), KindProject, g.ProjectID, "/project_id")
	return refer(out, KindVPC, g.VPCID, "/vpc_id")
}
func (g *Group) Clone() Object { c := *g; c.Tags = maps.Clone(g.Tags); return &c }

// protects reports whether the group may be the port's: a subnet, a CIDR or a tag that the group is attached to may reach into
// other projects, and an instance may have ports in other VPCs, which are none of its business.
func (g *Group) protects(v *PortView) bool {
	return (g.ProjectID == "" || g.ProjectID == v.Instance.ProjectID) && (g.VPCID == "" || string(g.VPCID) == v.VPC.ID)
}

// Target says which ports an attachment gives its group to. Exactly one of InstanceID, PortID, SubnetID, CIDR (with
// VPCID) and Tag is set.
type Target struct {
	InstanceID InstanceID        `json:"instance_id,omitempty"`
	PortID     PortID            `json:"port_id,omitempty"`
	SubnetID   SubnetID          `json:"subnet_id,omitempty"`
	CIDR       *CIDR             `json:"cidr,omitempty"`
	VPCID      VPCID             `json:"vpc_id,omitempty"`
	Tag        map[string]string `json:"tag,omitempty"` // one key
}

// Attachment gives a group to the ports of a subnet, a CIDR or a tag, present and future. Attaching to an instance or a
// port writes that object's own list instead, so that there is one place to look.
type Attachment struct {
	Meta
	GroupID GroupID `json:"security_group_id"`
	Target  Target  `json:"target"`
	// Number orders attachments by creation.
	Number Number `json:"number"`
}

func (a *Attachment) Kind() Kind         { return KindAttachment }
func (a *Attachment) Label() string      { return a.ID }
func (a *Attachment) GetNumber() Number  { return a.Number }
func (a *Attachment) SetNumber(n Number) { a.Number = n }
func (a *Attachment) References() []Ref {
	out := refer(make([]Ref, 0, 2), KindGroup, a.GroupID, "/security_group_id")
	out = refer(out, KindInstance, a.Target.InstanceID, "/target/instance_id")
	out = refer(out, KindPort, a.Target.PortID, "/target/port_id")
	out = refer(out, KindSubnet, a.Target.SubnetID, "/target/subnet_id")
	return refer(out, KindVPC, a.Target.VPCID, "/target/vpc_id")
}
func (a *Attachment) Clone() Object { c := *a; c.Target.Tag = maps.Clone(a.Target.Tag); return &c }
