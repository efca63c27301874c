package policy

import (
	"fmt"
	"iter"
	"slices"
)

// DefaultGroupOf finds the group that the port's profile gives it without anyone choosing it.
func (s *Snapshot) DefaultGroupOf(v *PortView) (*Group, bool) {
	if v.Profile.WhenNoGroups != NoGroupsDefault || v.Profile.Default == nil {
		return nil, false
	}
	at := v.Profile.Default.home(v.Instance.ProjectID, v.VPC)
	return s.groupAt(at, v.Profile.Default.Name, OriginDefault)
}

// home is where a group lives: in a VPC, or in a project where the VPC is empty.
type home struct {
	project ProjectID
	vpc     VPCID
}

// home is where the template's group for ports of the project in the VPC lives.
func (d *DefaultGroup) home(project ProjectID, vpc *VPC) home {
	if d.Scope == DefaultPerVPC {
		return home{vpc.ProjectID, VPCID(vpc.ID)}
	}
	return home{project: project}
}

// groupAt finds the group of the name, which is the only one of it there; it counts where it has one of the origins.
func (s *Snapshot) groupAt(at home, name string, origins ...Origin) (*Group, bool) {
	kind, id := KindProject, string(at.project)
	if at.vpc != "" {
		kind, id = KindVPC, string(at.vpc)
	}
	for g := range Referrers[*Group](s, kind, id) {
		if g.Name == name && g.VPCID == at.vpc {
			return g, slices.Contains(origins, g.Origin)
		}
	}
	return nil, false
}

// MadeFor says for what a profile would make a group of this name in this place, and with which rules; "" when none would.
func (s *Snapshot) MadeFor(g *Group) (Origin, []RuleTemplate) {
	if by := s.giversOf(g); len(by) > 0 {
		return OriginDefault, by[0].profile.Default.Rules
	}
	if _, ok := Find[*Project](s, g.ProjectID); !ok || g.VPCID != "" {
		return "", nil
	}
	for _, t := range s.ProfileOfProject(g.ProjectID).Starters {
		if t.Name == g.Name {
			return OriginStarter, t.Rules
		}
	}
	return "", nil
}

// EnsureDefaults makes the groups that a write calls for: a project's starter groups and default group when it comes or gets
// another profile, a VPC's default group when it comes or gets another profile, whatever the ports need that a profile now
// gives another default group, and what a port needs in a VPC that several projects share. It is part of the transaction that
// turned before into after (nil for one that is created), and looks only at what the write can have changed.
//
// A default group that exists keeps its rules, whatever the template says by then. A starter group is made where the name
// is free, and never again after that until the project gets another profile; an edited profile gives none to projects that it
// judges already. A default group whose name a group of somebody's has is a *Conflict.
func EnsureDefaults(tx Tx, before, after Object) error {
	after, ok := tx.Snapshot().Get(after.Kind(), after.Base().ID) // as it is stored
	if !ok {
		return nil
	}
	d := defaults{tx, tx.Snapshot()}
	switch o := after.(type) {
	case *Project:
		if was, ok := before.(*Project); ok && was.Profile == o.Profile {
			return nil
		}
		if err := d.ofProject(o); err != nil {
			return err
		}
		return d.starters(o)
	case *VPC:
		if was, ok := before.(*VPC); ok && was.Profile == o.Profile {
			return nil
		}
		return d.ofVPC(o)
	case *Port:
		if was, ok := before.(*Port); ok && was.InstanceID == o.InstanceID && was.SubnetID == o.SubnetID {
			return nil
		}
		return d.ofPort(o)
	case *Profile:
		if was, ok := before.(*Profile); ok && was.Default.sameHome(o.Default) {
			return nil
		}
		return d.ofProfile(o)
	}
	return nil
}

// RestoreDefaults makes every default group that is missing, as after a start with another profile for the installation.
func RestoreDefaults(tx Tx) error {
	d := defaults{tx, tx.Snapshot()}
	if err := each(slices.Values(List[*Project](d.s, nil)), d.ofProject); err != nil {
		return err
	}
	return each(slices.Values(List(d.s, func(v *VPC) bool { return v.Profile != "" || v.ProjectID == "" })), d.ofVPC)
}

// sameHome reports whether two templates, nil for none, mean the same groups.
func (d *DefaultGroup) sameHome(other *DefaultGroup) bool {
	if d == nil || other == nil {
		return d == other
	}
	return d.Name == other.Name && d.Scope == other.Scope
}

// defaults makes groups in a transaction, whose state is s.
type defaults struct {
	tx Tx
	s  *Snapshot
}

func each[T any](all iter.Seq[T], do func(T) error) error {
	for o := range all {
		if err := do(o); err != nil {
			return err
		}
	}
	return nil
}

func sorted[T Object](all iter.Seq[T]) iter.Seq[T] {
	return slices.Values(slices.SortedFunc(all, byID))
}

// ofProfile is for all that the profile judges.
func (d defaults) ofProfile(p *Profile) error {
	if err := each(sorted(Referrers[*VPC](d.s, KindProfile, p.ID)), d.ofVPC); err != nil {
		return err
	}
	if err := each(sorted(Referrers[*Project](d.s, KindProfile, p.ID)), d.ofProject); err != nil {
		return err
	}
	if p.ID != string(d.s.DefaultProfile) {
		return nil
	}
	if err := each(slices.Values(List(d.s, func(o *Project) bool { return o.Profile == "" })), d.ofProject); err != nil {
		return err
	}
	return each(slices.Values(List(d.s, func(v *VPC) bool { return v.Profile == "" && v.ProjectID == "" })), d.ofVPC)
}

// ofProject is for a project, and for its VPCs that it judges.
func (d defaults) ofProject(o *Project) error {
	p := d.s.ProfileOfProject(ProjectID(o.ID))
	if p.Default != nil && p.Default.Scope == DefaultPerProject {
		if err := d.group(home{project: ProjectID(o.ID)}, p); err != nil {
			return err
		}
	}
	return each(sorted(Referrers[*VPC](d.s, KindProject, o.ID)), func(v *VPC) error {
		if v.Profile != "" {
			return nil
		}
		return d.ofVPC(v)
	})
}

// ofVPC is for a VPC. Ports of a project's VPC are the project's; in a shared one they tell which projects need a group.
func (d defaults) ofVPC(v *VPC) error {
	p := d.s.ProfileOf(v)
	switch {
	case p.Default == nil:
		return nil
	case p.Default.Scope == DefaultPerVPC || v.ProjectID != "":
		return d.group(p.Default.home(v.ProjectID, v), p)
	}
	return each(sorted(Referrers[*Subnet](d.s, KindVPC, v.ID)), func(sub *Subnet) error {
		return each(sorted(Referrers[*Port](d.s, KindSubnet, sub.ID)), d.ofPort)
	})
}

func (d defaults) ofPort(o *Port) error {
	if v, ok := d.s.PortView(PortID(o.ID)); ok && v.Profile.Default != nil {
		return d.group(v.Profile.Default.home(v.Instance.ProjectID, v.VPC), v.Profile)
	}
	return nil
}

// group makes the profile's default group at its home, unless it is there.
func (d defaults) group(at home, p *Profile) error {
	if at == (home{}) { // An instance without a project has a default group only where the VPC has one.
		return nil
	}
	switch g, ok := d.s.groupAt(at, p.Default.Name, OriginDefault); {
	case ok:
		return nil
	case g != nil:
		return &Conflict{Code: "name-taken", Holders: []Holder{HolderOf(g)}, Message: fmt.Sprintf(
			"profile %q calls its default group %q, and security group %s has that name; rename the group, or choose another profile", p.Name, g.Name, g.ID)}
	}
	return d.make(&Group{Name: p.Default.Name, Description: p.Default.Description, Origin: OriginDefault}, at, p, p.Default.Rules)
}

// starters makes the project's starter groups whose names are free.
func (d defaults) starters(o *Project) error {
	p, at := d.s.ProfileOfProject(ProjectID(o.ID)), home{project: ProjectID(o.ID)}
	for _, t := range p.Starters {
		if g, _ := d.s.groupAt(at, t.Name); g != nil {
			continue
		}
		if err := d.make(&Group{Name: t.Name, Description: t.Description, Origin: OriginStarter}, at, p, t.Rules); err != nil {
			return err
		}
	}
	return nil
}

func (d defaults) make(g *Group, at home, p *Profile, rules []RuleTemplate) error {
	g.Meta, g.ProjectID, g.VPCID, g.Evaluation = Meta{ID: NewID(KindGroup)}, at.project, at.vpc, p.Evaluation
	if err := d.tx.Put(g); err != nil {
		return err
	}
	for _, t := range rules {
		r := t.Rule()
		r.Meta, r.GroupID = Meta{ID: NewID(KindRule)}, GroupID(g.ID)
		if err := d.tx.Put(r); err != nil {
			return err
		}
	}
	return nil
}
