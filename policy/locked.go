package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Refuse says why nobody may turn before into after, where the state s is the one after the change; nil when the change may be made. Default
// groups belong to their profiles: they keep their name, go when their project or VPC goes or when no profile gives them out any
// more, and the profile may lock their rules. Nil stands for an object that does not exist.
func Refuse(before, after Object, s *Snapshot) *Forbidden {
	if g, ok := before.(*Group); ok && g.Origin == OriginDefault {
		switch now, ok := after.(*Group); {
		case !ok && s.given(g):
			return &Forbidden{Code: "default-group", Message: fmt.Sprintf("security group %q belongs to its profile and stays while that gives it out; it goes with its %s, or once another profile judges that", g.Label(), g.homeWord())}
		case ok && now.Name != g.Name:
			return &Forbidden{Code: "default-group", Message: fmt.Sprintf("security group %q belongs to its profile and can't be called %q; create a group of your own with that name", g.Label(), now.Name)}
		}
	}
	if by, ok := s.editOf(before, after, DefaultLocked); ok {
		return &Forbidden{Code: "default-group-locked", Message: fmt.Sprintf("%s locks its default group (profile %q); choose a group of your own for its ports instead", by, by.profile.Name)}
	}
	return nil
}

// homeWord is what a default group lives in.
func (g *Group) homeWord() string {
	if g.VPCID != "" {
		return "VPC"
	}
	return "project"
}

// Advise is the sentence that answers a change which the profile allows and advises against; false for any other change. The
// arguments are those of Refuse.
func Advise(before, after Object, s *Snapshot) (string, bool) {
	by, ok := s.editOf(before, after, DefaultWarn)
	if !ok {
		return "", false
	}
	return fmt.Sprintf("%s advises against changing its default group (profile %q): every port without another group has it; choose a group of your own instead",
		by, by.profile.Name), true
}

// giver is a project or a VPC whose profile gives a default group to ports.
type giver struct {
	owner   Object
	profile *Profile
}

func (g giver) String() string {
	word := "network"
	if g.owner.Kind() == KindProject {
		word = "project"
	}
	return fmt.Sprintf("%s %q", word, g.owner.Label())
}

// editOf finds who speaks of an edit of a default group's rules in this way. Making the group is no edit.
func (s *Snapshot) editOf(before, after Object, edit DefaultEdit) (giver, bool) {
	g, ok := s.editedGroup(before, after)
	if !ok || g.Origin != OriginDefault || g.Revision == 0 {
		return giver{}, false
	}
	givers := s.giversOf(g)
	i := slices.IndexFunc(givers, func(by giver) bool { return by.profile.DefaultEdit == edit })
	if i < 0 {
		return giver{}, false
	}
	return givers[i], true
}

// editedGroup is the group whose verdicts the change may turn; false when it is gone.
func (s *Snapshot) editedGroup(before, after Object) (*Group, bool) {
	o := after
	if o == nil {
		o = before
	}
	switch o := o.(type) {
	case *Rule:
		return Find[*Group](s, o.GroupID)
	case *Group:
		was, changed := before.(*Group)
		return o, after != nil && changed && was.Evaluation != o.Evaluation
	}
	return nil, false
}

// given reports whether some profile gives the default group out.
func (s *Snapshot) given(g *Group) bool { return len(s.giversOf(g)) > 0 }

// giversOf lists who gives a default group to ports: its VPC, or its project, and the VPCs in which the project has
// ports.
func (s *Snapshot) giversOf(g *Group) (out []giver) {
	add := func(owner Object, p *Profile) {
		if p.Default != nil && p.Default.Name == g.Name && (p.Default.Scope == DefaultPerVPC) == (g.VPCID != "") {
			out = append(out, giver{owner, p})
		}
	}
	if g.VPCID != "" {
		if v, ok := Find[*VPC](s, g.VPCID); ok {
			add(v, s.ProfileOf(v))
		}
		return out
	}
	project, ok := Find[*Project](s, g.ProjectID)
	if !ok {
		return nil
	}
	add(project, s.ProfileOfProject(g.ProjectID))
	seen := make(map[string]bool)
	network := func(v *VPC) {
		if !seen[v.ID] {
			seen[v.ID] = true
			add(v, s.ProfileOf(v))
		}
	}
	for v := range Referrers[*VPC](s, KindProject, string(g.ProjectID)) {
		network(v)
	}
	for i := range Referrers[*Instance](s, KindProject, string(g.ProjectID)) {
		for p := range Referrers[*Port](s, KindInstance, i.ID) {
			if sub, ok := Find[*Subnet](s, p.SubnetID); ok {
				if v, ok := Find[*VPC](s, sub.VPCID); ok {
					network(v)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b giver) int { return strings.Compare(a.owner.Base().ID, b.owner.Base().ID) })
	return out
}
