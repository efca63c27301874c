package policy

import "slices"

// DefaultGroupOf finds the group that ports of the project without another group get under the profile.
func (s *Snapshot) DefaultGroupOf(project ProjectID, profile *Profile) (*Group, bool) {
	if profile.Default == nil {
		return nil, false
	}
	for g := range Referrers[*Group](s, KindProject, string(project)) {
		if g.Origin == OriginDefault && g.Name == profile.Default.Name { // Names are unique in a project.
			return g, true
		}
	}
	return nil, false
}

// EnsureDefaults creates the default groups that writing o makes necessary: a project's own, and those of the projects
// whose ports a VPC's or a port's profile judges. It is part of the transaction that writes o and does nothing where
// the groups exist.
func EnsureDefaults(tx Tx, o Object) error {
	s := tx.Snapshot()
	type need struct {
		project ProjectID
		profile *Profile
	}
	var needs []need
	ofPort := func(p *Port) {
		ins, ok := Find[*Instance](s, p.InstanceID)
		sub, ok2 := Find[*Subnet](s, p.SubnetID)
		if !ok || !ok2 {
			return
		}
		if vpc, ok := Find[*VPC](s, sub.VPCID); ok {
			needs = append(needs, need{ins.ProjectID, s.ProfileOf(vpc)})
		}
	}
	switch o := o.(type) {
	case *Project:
		needs = append(needs, need{ProjectID(o.ID), s.ProfileOfProject(ProjectID(o.ID))})
	case *Port:
		ofPort(o)
	}
	switch o.(type) {
	case *Project, *VPC, *Profile: // A change of profile reaches the ports that exist.
		for _, p := range List[*Port](s, nil) {
			ofPort(p)
		}
	}
	for i, n := range needs {
		if n.project == "" || slices.Contains(needs[:i], n) {
			continue
		}
		if err := ensureDefaultGroup(tx, n.project, n.profile); err != nil {
			return err
		}
	}
	return nil
}

func ensureDefaultGroup(tx Tx, project ProjectID, profile *Profile) error {
	if profile.Default == nil {
		return nil
	}
	if _, ok := tx.Snapshot().DefaultGroupOf(project, profile); ok {
		return nil
	}
	g := &Group{
		Meta: Meta{ID: NewID(KindGroup)}, Name: profile.Default.Name, ProjectID: project, Evaluation: Union, Origin: OriginDefault,
		Description: "For ports without another group (profile " + profile.Name + ")",
	}
	if err := tx.Put(g); err != nil {
		return err
	}
	for _, template := range profile.Default.Rules {
		r := template.Rule()
		r.Meta = Meta{ID: NewID(KindRule)}
		r.GroupID = GroupID(g.ID)
		if err := tx.Put(r); err != nil {
			return err
		}
	}
	return nil
}
