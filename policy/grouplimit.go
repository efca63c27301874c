package policy

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// limitedInstance refuses more groups than an instance may have, in its own list and at each of its ports.
func limitedInstance(before Object, o *Instance, s *Snapshot) (out []*Conflict) {
	old, existed := before.(*Instance)
	if existed && !gains(old.SecurityGroupIDs, o.SecurityGroupIDs) && maps.Equal(old.Tags, o.Tags) {
		return nil // It had too many before the limit was lowered.
	}
	if c := overLimit("instance", o, len(slices.Compact(slices.Sorted(slices.Values(o.SecurityGroupIDs)))), s.groupLimit(o)); c != nil {
		return []*Conflict{c} // Its ports have too many for the same reason.
	}
	return limitedPorts(s, Referrers[*Port](s, KindInstance, o.ID))
}

// limitedPort refuses more groups than a port may have: its instance's, its own, and those attached to what it is in.
func limitedPort(before Object, o *Port, s *Snapshot) []*Conflict {
	old, existed := before.(*Port)
	if existed && !gains(old.SecurityGroupIDs, o.SecurityGroupIDs) && slices.Equal(old.Addresses, o.Addresses) &&
		old.SubnetID == o.SubnetID && old.InstanceID == o.InstanceID {
		return nil
	}
	return limitedPorts(s, slices.Values([]*Port{o}))
}

// limitedAttachment refuses an attachment by which a port that is there would have too many groups. A port that comes later
// is refused itself.
func limitedAttachment(before Object, o *Attachment, s *Snapshot) []*Conflict {
	if before != nil {
		return nil
	}
	return limitedPorts(s, func(yield func(*Port) bool) {
		for p := range s.All(KindPort) {
			v := &PortView{Port: p.(*Port)}
			if v.located(s) && o.Target.Holds(v) && !yield(v.Port) {
				return
			}
		}
	})
}

// located finds what targets of attachments speak of.
func (v *PortView) located(s *Snapshot) bool {
	var found [3]bool
	v.Instance, found[0] = Find[*Instance](s, v.Port.InstanceID)
	if v.Subnet, found[1] = Find[*Subnet](s, v.Port.SubnetID); found[1] {
		v.VPC, found[2] = Find[*VPC](s, v.Subnet.VPCID)
	}
	return found == [3]bool{true, true, true}
}

// limitedPorts lists the ports that have more groups than they may.
func limitedPorts(s *Snapshot, ports iter.Seq[*Port]) (out []*Conflict) {
	for p := range ports {
		v, ok := s.PortView(PortID(p.ID))
		if !ok {
			continue
		}
		if c := overLimit("port", p, len(v.Chosen()), s.groupLimit(p)); c != nil {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *Conflict) int { return cmp.Compare(a.Holders[0].ID, b.Holders[0].ID) })
	return out
}

// gains reports whether the second list has something that the first has not.
func gains(before, after []GroupID) bool {
	return slices.ContainsFunc(after, func(id GroupID) bool { return !slices.Contains(before, id) })
}

func overLimit(what string, o Object, n int, limit GroupLimit) *Conflict {
	if n <= limit.Max {
		return nil
	}
	return &Conflict{Code: "limit-groups-per-" + what, Holders: []Holder{HolderOf(o)},
		Message: fmt.Sprintf("%s %q would have %d groups, the limit is %d (%s); detach one first, or have an administrator raise %s",
			what, o.Label(), n, limit.Max, limit.Source(), limit.Raise())}
}

// LimitGroups names the limit on groups of an instance or a port in a project's limits.
const LimitGroups = "groups_per_instance"

// GroupLimit is how many groups an instance or a port may have, and what says so.
type GroupLimit struct {
	Max     int
	project *Project // that sets it, or may; nil for none
	profile *Profile // that sets it where the project does not; nil where it does
}

// Source names the object that sets the limit, such as: profile isolated.
func (l GroupLimit) Source() string {
	if l.profile != nil {
		return "profile " + l.profile.Label()
	}
	return "project " + l.project.Label()
}

// Raise says what to change for another limit.
func (l GroupLimit) Raise() string {
	if l.project != nil {
		return fmt.Sprintf("limits.%s of project %q", LimitGroups, l.project.Label())
	}
	return fmt.Sprintf("max_groups_per_instance, in a profile that takes the place of %q", l.profile.Label())
}

// GroupLimitOf is what holds in a project under a profile.
func (s *Snapshot) GroupLimitOf(project ProjectID, profile *Profile) GroupLimit {
	if p, ok := Find[*Project](s, project); ok {
		if n, ok := p.Limits[LimitGroups]; ok {
			return GroupLimit{Max: n, project: p}
		}
		return GroupLimit{profile.MaxGroups, p, profile}
	}
	return GroupLimit{Max: profile.MaxGroups, profile: profile}
}

// groupLimit is what holds for an instance, or for a port, which its VPC's profile judges.
func (s *Snapshot) groupLimit(o Object) GroupLimit {
	switch o := o.(type) {
	case *Instance:
		return s.GroupLimitOf(o.ProjectID, s.ProfileOfProject(o.ProjectID))
	case *Port:
		var project ProjectID
		if ins, ok := Find[*Instance](s, o.InstanceID); ok {
			project = ins.ProjectID
		}
		profile := s.ProfileOfProject(project)
		if sub, ok := Find[*Subnet](s, o.SubnetID); ok {
			if vpc, ok := Find[*VPC](s, sub.VPCID); ok {
				profile = s.ProfileOf(vpc)
			}
		}
		return s.GroupLimitOf(project, profile)
	}
	return s.GroupLimitOf("", s.ProfileOfProject(""))
}
