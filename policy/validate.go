package policy

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// Normalize brings an object into the form that is stored: what the user may leave out is filled in, sets of prefixes are
// masked where the contract says so. It changes the object.
func Normalize(o Object, s *Snapshot) {
	switch o := o.(type) {
	case *Group:
		if o.Evaluation == "" {
			o.Evaluation = Union
		}
	case *Rule:
		normalizeRule(o)
	case *Profile:
		normalizeProfile(o)
	case *Port:
		if o.IfaceID == "" {
			o.IfaceID = o.ID
		}
		if o.SecurityGroupIDs == nil {
			o.SecurityGroupIDs = []GroupID{}
		}
	case *Entry:
		o.CIDR = CIDR(o.CIDR.Prefix().Masked())
	case *Instance:
		if o.SecurityGroupIDs == nil {
			o.SecurityGroupIDs = []GroupID{}
		}
	case *Hypervisor:
		if o.Name == "" {
			o.Name = o.ID
		}
	}
}

func normalizeRule(r *Rule) {
	orElse(&r.Action, Allow)
	if r.Remote.Kind() == RemoteAny {
		r.Remote = Remote{Any: true}
	}
	if r.PortMin != nil && r.PortMax == nil {
		r.PortMax = r.PortMin
	}
	if r.PortMax != nil && r.PortMin == nil {
		r.PortMin = r.PortMax
	}
}

// Validate lists all that is wrong with an object in the state s, which holds the object's surroundings (and may hold the
// object). References to objects that do not exist are findings too; uniqueness is the store's to decide.
func Validate(o Object, s *Snapshot) []Finding {
	var f findings
	if !ValidName(o.Base().ID) {
		f.add("/id", "id-invalid", "%q does not match %s", o.Base().ID, NamePattern)
	}
	for _, r := range o.References() {
		if _, ok := s.Get(r.Kind, r.ID); !ok {
			f.add(r.Field, "reference-missing", "%s %q does not exist", r.Kind, r.ID)
		}
	}
	switch o := o.(type) {
	case *Project:
		f.name(o.Name)
		f.limits(o.Limits)
	case *VPC:
		f.name(o.Name)
	case *Subnet:
		f.subnet(o, s)
	case *Hypervisor:
		f.name(o.Name)
	case *Instance:
		f.name(o.Name)
		f.groups(o.SecurityGroupIDs, o.ProjectID, s)
	case *Port:
		f.port(o, s)
	case *Group:
		f.name(o.Name)
		if v, ok := Find[*VPC](s, o.VPCID); ok {
			f.scope("/vpc_id", v, v.ProjectID, o.ProjectID)
		}
		if o.Evaluation != Union && o.Evaluation != Ordered {
			f.add("/evaluation", "evaluation-invalid", "%q is not an evaluation; use union or ordered", o.Evaluation)
		}
	case *Rule:
		f.rule(o, s)
	case *Attachment:
		f.target(o, s)
	case *IPSet:
		f.name(o.Name)
		if o.IPVersion != 4 && o.IPVersion != 6 {
			f.add("/ip_version", "ip-version-invalid", "%d is not an IP version; use 4 or 6", o.IPVersion)
		}
	case *Entry:
		f.entry(o, s)
	case *Profile:
		f.profile(o)
	case *Token:
		f.token(o)
	}
	return f
}

// limits refuses names that limit nothing: a mistyped one would be no limit at all.
func (f *findings) limits(limits map[string]int) {
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		switch n := limits[name]; {
		case name != LimitGroups:
			f.add("/limits/"+name, "limit-unknown", "%q is not a limit; there is %s", name, LimitGroups)
		case n < 1:
			f.add("/limits/"+name, "limit-range", "%d is below 1", n)
		}
	}
}

func (f *findings) name(name string) {
	switch {
	case name == "":
		f.add("/name", "required", "a name is required")
	case !ValidName(name):
		f.add("/name", "name-invalid", "%q does not match %s", name, NamePattern)
	}
}

func (f *findings) required(pointer, value, what string) {
	if value == "" {
		f.add(pointer, "required", "%s is required", what)
	}
}

// groups checks a list of group ids: no group twice, none of another project, none that ports get by themselves.
func (f *findings) groups(ids []GroupID, owner ProjectID, s *Snapshot) {
	for i, id := range ids {
		pointer := fmt.Sprintf("/security_group_ids/%d", i)
		if slices.Contains(ids[:i], id) {
			f.add(pointer, "duplicate", "security group %q is listed twice", id)
		}
		if g, ok := Find[*Group](s, id); ok {
			f.scope(pointer, g, g.ProjectID, owner)
			f.chosen(pointer, g)
		}
	}
}

// chosen refuses a profile's default group where somebody chooses groups.
func (f *findings) chosen(pointer string, g *Group) {
	if g.Origin == OriginDefault {
		f.add(pointer, "default-group", "security group %q is its profile's default: ports have it by having no other, so it can't be attached; leave a port without groups to give it this one, or attach a group of your own with the same rules", g.Label())
	}
}

// scope refuses what belongs to another project; global objects (no project) may be referred to by everyone.
func (f *findings) scope(pointer string, o Object, owner, user ProjectID) {
	if owner != "" && owner != user {
		f.add(pointer, "reference-out-of-scope", "%s %q belongs to project %q, not to %q; use one of the same project or a global one",
			o.Kind(), o.Label(), owner, projectWord(user))
	}
}

// bound refuses a group of one VPC where another is concerned.
func (f *findings) bound(pointer string, g *Group, vpc VPCID) {
	if g.VPCID != "" && g.VPCID != vpc {
		f.add(pointer, "reference-out-of-scope", "security group %q belongs to VPC %q and not to %q; use one of the same VPC or one that is bound to none",
			g.Label(), g.VPCID, vpc)
	}
}

func projectWord(p ProjectID) string {
	if p == "" {
		return "global"
	}
	return string(p)
}

func (f *findings) hostBits(pointer string, p netip.Prefix) {
	if !p.IsValid() {
		f.add(pointer, "cidr-invalid", "a CIDR such as 10.0.0.0/8 or 2001:db8::/32 is required")
		return
	}
	if HasHostBits(p) {
		f.add(pointer, "cidr-host-bits", "%s has host bits set; did you mean %s or %s?", p, p.Masked(), HostPrefix(p.Addr()))
	}
}

func (f *findings) target(o *Attachment, s *Snapshot) {
	set := 0
	for _, given := range []bool{o.Target.InstanceID != "", o.Target.PortID != "", o.Target.SubnetID != "", o.Target.CIDR != nil, len(o.Target.Tag) > 0} {
		if given {
			set++
		}
	}
	if set != 1 {
		f.add("/target", "target-not-exclusive", "give exactly one of instance_id, port_id, subnet_id, cidr with vpc_id, tag")
	}
	if o.Target.CIDR != nil {
		f.hostBits("/target/cidr", o.Target.CIDR.Prefix())
	}
	if (o.Target.CIDR != nil) != (o.Target.VPCID != "") {
		f.add("/target/vpc_id", "required", "cidr and vpc_id go together: an address means something only inside a VPC")
	}
	if len(o.Target.Tag) > 1 {
		f.add("/target/tag", "tag-invalid", "give one tag")
	}
	g, ok := Find[*Group](s, o.GroupID)
	if !ok {
		return
	}
	f.chosen("/security_group_id", g)
	if ins, ok := Find[*Instance](s, o.Target.InstanceID); ok {
		f.scope("/security_group_id", g, g.ProjectID, ins.ProjectID)
	}
	if o.Target.CIDR != nil {
		f.bound("/target/vpc_id", g, o.Target.VPCID)
	}
	if sub, ok := Find[*Subnet](s, o.Target.SubnetID); ok {
		f.bound("/target/subnet_id", g, sub.VPCID)
	}
	if p, ok := Find[*Port](s, o.Target.PortID); ok {
		if sub, ok := Find[*Subnet](s, p.SubnetID); ok {
			f.bound("/target/port_id", g, sub.VPCID)
		}
		if ins, ok := Find[*Instance](s, p.InstanceID); ok {
			f.scope("/security_group_id", g, g.ProjectID, ins.ProjectID)
		}
	}
}

func (f *findings) entry(o *Entry, s *Snapshot) {
	if !o.CIDR.Prefix().IsValid() {
		f.add("/cidr", "cidr-invalid", "an address or a CIDR is required")
		return
	}
	if set, ok := Find[*IPSet](s, o.IPSetID); ok && set.IPVersion != o.CIDR.version() {
		f.add("/cidr", "family-mismatch", "%s is IPv%d but the IP set %q is for IPv%d", o.CIDR, o.CIDR.version(), set.Label(), set.IPVersion)
	}
}

func oneOf[T ~string](f *findings, pointer string, value T, allowed ...T) {
	if !slices.Contains(allowed, value) {
		f.add(pointer, "value-invalid", "%q is not one of %v", value, allowed)
	}
}
