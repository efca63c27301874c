package policy

import (
	"net/netip"
	"slices"
)

// PortView is a port with all that its verdicts depend on.
type PortView struct {
	Port     *Port
	Instance *Instance
	Subnet   *Subnet
	VPC      *VPC
	Profile  *Profile
	// Groups are the port's in attachment order. Default is the last of them where it is the profile's default group, else nil.
	Groups  []*Group
	Default *Group
	// Open tells per direction that everything passes: the profile opens ports without groups, or directions without rules.
	Open map[Direction]bool
	// SMTPGuard refuses outbound TCP 25 whatever the rules say.
	SMTPGuard bool
}

// PortView gathers a port's surroundings; false when the port or something it needs does not exist.
func (s *Snapshot) PortView(id PortID) (*PortView, bool) {
	v := &PortView{Open: make(map[Direction]bool, 2)}
	var found [4]bool
	if v.Port, found[0] = Find[*Port](s, id); !found[0] {
		return nil, false
	}
	v.Instance, found[1] = Find[*Instance](s, v.Port.InstanceID)
	if v.Subnet, found[2] = Find[*Subnet](s, v.Port.SubnetID); found[2] {
		v.VPC, found[3] = Find[*VPC](s, v.Subnet.VPCID)
	}
	if found != [4]bool{true, true, true, true} {
		return nil, false
	}
	v.Profile = s.ProfileOf(v.VPC)
	v.Groups = s.chosenGroups(v)
	if len(v.Groups) == 0 || v.Profile.DefaultMembership == AlwaysMember {
		if g, ok := s.DefaultGroupOf(v); ok {
			v.Groups, v.Default = append(v.Groups, g), g
		}
	}
	for _, d := range Directions {
		v.Open[d] = s.isOpen(v, d)
	}
	if v.Profile.SMTPGuard {
		project, ok := Find[*Project](s, v.Instance.ProjectID)
		v.SMTPGuard = !ok || !project.SMTPAllowed
	}
	return v, true
}

// Chosen are the groups that somebody gave the port, in attachment order.
func (v *PortView) Chosen() []*Group {
	if v.Default != nil {
		return v.Groups[:len(v.Groups)-1]
	}
	return v.Groups
}

// isOpen is policy.md 1.4: open by having no group, or by having no rule in the direction.
func (s *Snapshot) isOpen(v *PortView, d Direction) bool {
	if len(v.Groups) == 0 {
		return v.Profile.WhenNoGroups == NoGroupsAllow
	}
	if v.Profile.DirectionWithoutRules != UnruledAllow {
		return false
	}
	for _, g := range v.Groups {
		for _, r := range s.RulesOf(GroupID(g.ID)) {
			if r.Direction == d {
				return false
			}
		}
	}
	return true
}

// chosenGroups are the groups that somebody gave the port, in attachment order: its instance's, its own, then by creation
// those attached to its subnet, to a CIDR that holds one of its addresses, or to a tag of its instance.
func (s *Snapshot) chosenGroups(v *PortView) (out []*Group) {
	ids := slices.Concat(v.Instance.SecurityGroupIDs, v.Port.SecurityGroupIDs)
	attachments := List(s, func(a *Attachment) bool { return a.Target.Holds(v) })
	slices.SortFunc(attachments, func(a, b *Attachment) int { return int(int64(a.Number) - int64(b.Number)) })
	for _, a := range attachments {
		ids = append(ids, a.GroupID)
	}
	for i, id := range ids {
		if g, ok := Find[*Group](s, id); ok && g.protects(v) && !slices.Contains(ids[:i], id) {
			out = append(out, g)
		}
	}
	return out
}

// Holds reports whether the target means the port.
func (t Target) Holds(v *PortView) bool {
	switch {
	case t.InstanceID != "":
		return string(t.InstanceID) == v.Instance.ID
	case t.PortID != "":
		return string(t.PortID) == v.Port.ID
	case t.SubnetID != "":
		return string(t.SubnetID) == v.Subnet.ID
	case t.CIDR != nil:
		return string(t.VPCID) == v.VPC.ID && slices.ContainsFunc(v.Port.Addresses, t.CIDR.Prefix().Contains)
	}
	for key, value := range t.Tag {
		if has, ok := v.Instance.Tags[key]; ok && has == value {
			return true
		}
	}
	return false
}

// Member is one address of a group: which port has it, and in which VPC it means that port.
type Member struct {
	Prefix netip.Prefix `json:"address"`
	PortID PortID       `json:"port_id"`
	VPCID  VPCID        `json:"vpc_id"`
}

// MembersOf lists a group's members over all VPCs: the addresses and pairs of every port that has the group.
func (s *Snapshot) MembersOf(id GroupID) (out []Member) {
	for _, p := range List[*Port](s, nil) {
		v, ok := s.PortView(PortID(p.ID))
		if !ok || !slices.ContainsFunc(v.Groups, func(g *Group) bool { return g.ID == string(id) }) {
			continue
		}
		for _, prefix := range p.MemberPrefixes() {
			out = append(out, Member{Prefix: prefix, PortID: PortID(p.ID), VPCID: VPCID(v.VPC.ID)})
		}
	}
	return out
}

// View is what one hypervisor needs to know.
type View struct {
	Host HostID
	// Ports are those that are to be programmed there, by id.
	Ports []*PortView
	// Rules are those of the groups that the ports have, by group.
	Rules map[GroupID][]*Rule
	// Groups and Sets are the remotes that the rules name: members by VPC, and entries.
	Groups  map[GroupID][]Member
	Sets    map[IPSetID][]netip.Prefix
	Subnets map[SubnetID]*Subnet
}

// Resolve gathers what the host needs to protect the given ports, whichever of them the snapshot holds.
func Resolve(s *Snapshot, host HostID, ports []PortID) *View {
	out := &View{
		Host: host, Rules: make(map[GroupID][]*Rule), Groups: make(map[GroupID][]Member),
		Sets: make(map[IPSetID][]netip.Prefix), Subnets: make(map[SubnetID]*Subnet),
	}
	for _, id := range ports {
		v, ok := s.PortView(id)
		if !ok {
			continue
		}
		out.Ports = append(out.Ports, v)
		out.Subnets[SubnetID(v.Subnet.ID)] = v.Subnet
		for _, g := range v.Groups {
			out.Rules[GroupID(g.ID)] = s.RulesOf(GroupID(g.ID))
		}
	}
	for _, rules := range out.Rules {
		for _, r := range rules {
			out.addRemote(s, r.Remote)
		}
	}
	slices.SortFunc(out.Ports, func(a, b *PortView) int {
		if a.Port.ID < b.Port.ID {
			return -1
		}
		return 1
	})
	return out
}

func (v *View) addRemote(s *Snapshot, r Remote) {
	if r.GroupID != "" && v.Groups[r.GroupID] == nil {
		v.Groups[r.GroupID] = s.MembersOf(r.GroupID)
	}
	if r.IPSetID != "" && v.Sets[r.IPSetID] == nil {
		for _, e := range s.EntriesOf(r.IPSetID) {
			v.Sets[r.IPSetID] = append(v.Sets[r.IPSetID], e.CIDR.Prefix())
		}
	}
	if sub, ok := Find[*Subnet](s, r.SubnetID); ok {
		v.Subnets[r.SubnetID] = sub
	}
}
