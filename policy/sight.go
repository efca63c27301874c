package policy

// Bearer is who asks, as far as rights go: a role, and the project that it is bound to. The zero Bearer may nothing.
type Bearer struct {
	Role    Role
	Project ProjectID // of a user; empty for the other roles
}

// Bearer is whom the token stands for.
func (t *Token) Bearer() Bearer { return Bearer{t.Role, t.ProjectID} }

// IsBound reports whether the bearer has one project and no say beyond it.
func (b Bearer) IsBound() bool { return b.Role == RoleUser }

// Lookup finds an object by kind and id.
type Lookup func(Kind, string) (Object, bool)

// ProjectOf is the project that the object belongs to by itself or by what it is part of, empty for what is global. It is false
// when what the object is part of is not found.
func ProjectOf(o Object, lookup Lookup) (ProjectID, bool) {
	within := func(k Kind, id string) (ProjectID, bool) {
		if parent, ok := lookup(k, id); ok {
			return ProjectOf(parent, lookup)
		}
		return "", false
	}
	switch o := o.(type) {
	case *Project:
		return ProjectID(o.ID), true
	case *VPC:
		return o.ProjectID, true
	case *Instance:
		return o.ProjectID, true
	case *Group:
		return o.ProjectID, true
	case *IPSet:
		return o.ProjectID, true
	case *Subnet:
		return within(KindVPC, string(o.VPCID))
	case *Port:
		return within(KindInstance, string(o.InstanceID))
	case *Rule:
		return within(KindGroup, string(o.GroupID))
	case *Attachment:
		return within(KindGroup, string(o.GroupID))
	case *Entry:
		return within(KindIPSet, string(o.IPSetID))
	}
	return "", true // Of the installation.
}

// Sight is what a bearer may do with the objects of a state. What a bearer may not see does not exist for that bearer.
type Sight struct {
	Bearer
	state  *Snapshot
	lookup Lookup
}

// In is the bearer's sight of the state, which must be all of it.
func (b Bearer) In(s *Snapshot) Sight { return Sight{b, s, s.Get} }

// With is the sight of objects that may be part of something that is gone from the state: lookup is asked first.
func (x Sight) With(lookup Lookup) Sight {
	before := x.lookup
	x.lookup = func(k Kind, id string) (Object, bool) {
		if o, ok := lookup(k, id); ok {
			return o, true
		}
		return before(k, id)
	}
	return x
}

// Scope says whose the object is. What belongs to something that is not there is nobody's own.
func (x Sight) Scope(o Object) Scope {
	project, known := ProjectOf(o, x.lookup)
	switch {
	case !known:
		return ScopeOther
	case project == "":
		return ScopeGlobal
	case x.IsBound() && project == x.Project:
		return ScopeOwn
	}
	return ScopeOther
}

// Rights is what the bearer may do with the object.
func (x Sight) Rights(o Object) Rights {
	rights := x.Role.rightsTo(o.Kind(), x.Scope(o))
	if a, ok := o.(*Attachment); ok && x.IsBound() && !x.concerned(a) {
		return none
	}
	return rights
}

// Sees reports whether the object exists for the bearer.
func (x Sight) Sees(o Object) bool { return x.Rights(o).Has(MaySee) }

// concerned reports whether an attachment speaks of nothing that is hidden: a global group may be attached to what is another
// project's.
func (x Sight) concerned(a *Attachment) bool {
	for _, r := range a.References() {
		if r.Kind == KindGroup {
			continue
		}
		if target, ok := x.lookup(r.Kind, r.ID); ok && !x.Sees(target) {
			return false
		}
	}
	if len(a.Target.Tag) == 0 || x.Scope(a) != ScopeGlobal {
		return true
	}
	for i := range Referrers[*Instance](x.state, KindProject, string(x.Project)) {
		for key, value := range a.Target.Tag {
			if has, ok := i.Tags[key]; ok && has == value {
				return true
			}
		}
	}
	return false
}

// Snapshot is the state as the bearer sees it. Like the state it is read only, and advances with it.
func (x Sight) Snapshot() *Snapshot {
	hidden := false
	for _, row := range AccessTable {
		hidden = hidden || !row.Of(x.Role).Has(MaySee)
	}
	if !hidden {
		return x.state
	}
	s := *x.state
	s.shown = func(o Object) bool { return x.state.shows(o) && x.Sees(o) }
	return &s
}
