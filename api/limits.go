package api

import (
	"conjunct/policy"
)

// Limit is one limit: what it is, and where the value comes from.
type Limit struct {
	Name   string `json:"name"`
	Limit  int    `json:"limit"`
	Source string `json:"source"` // the object that sets it, such as "profile isolated"; "conjunct" for one that is the same everywhere
	// VPCID is set where the limit is that of one VPC's ports.
	VPCID policy.VPCID `json:"vpc_id,omitempty"`
	// Raise says what an administrator changes for another limit; empty for one that is the same everywhere.
	Raise string `json:"raise,omitempty"`
}

// fixedLimits are those that no object sets.
var fixedLimits = []Limit{
	{Name: "rules_per_ordered_group", Limit: policy.MaxOrderedRules},
	{Name: "position", Limit: policy.MaxPosition},
	{Name: "entries_per_request", Limit: maxEntryChanges},
	{Name: "page_size", Limit: maxPageSize},
}

// limits shows the limits that hold in a project, or in a project that sets none.
func (c *call) limits() error {
	id := policy.ProjectID(orDefault(c.query.Get("project_id"), string(c.bearer.Bearer().Project)))
	return c.showOne(func(rd *reader) (any, error) {
		s := rd.snapshot
		if _, ok := policy.Find[*policy.Project](s, id); !ok && id != "" {
			return nil, &policy.NotFound{Kind: policy.KindProject, ID: string(id)}
		}
		own := groupLimit(s, id, s.ProfileOfProject(id))
		items := []Limit{own}
		for _, v := range policy.List(s, func(v *policy.VPC) bool { return v.Profile != "" && (v.ProjectID == id || v.ProjectID == "") }) {
			if l := groupLimit(s, id, s.ProfileOf(v)); l.Limit != own.Limit {
				l.VPCID = policy.VPCID(v.ID)
				items = append(items, l)
			}
		}
		for _, l := range append(fixedLimits[:len(fixedLimits):len(fixedLimits)], Limit{Name: "body_bytes", Limit: int(c.BodyLimit)}) {
			l.Source = "conjunct"
			items = append(items, l)
		}
		return Page[Limit]{Items: items}, nil
	})
}

func groupLimit(s *policy.Snapshot, id policy.ProjectID, p *policy.Profile) Limit {
	l := s.GroupLimitOf(id, p)
	return Limit{Name: policy.LimitGroups, Limit: l.Max, Source: l.Source(), Raise: l.Raise()}
}
