package api

import (
	"conjunct/policy"
)

// Limit is one limit: what it is, and where the value comes from.
type Limit struct {
	Name   string `json:"name"`
	Limit  int    `json:"limit"`
	Source string `json:"source"` // the object that sets it, such as "profile isolated"
}

// limits shows the limits that hold in a project, or in a project that sets none.
func (c *call) limits() error {
	id := policy.ProjectID(orDefault(c.query.Get("project_id"), string(c.bearer.Bearer().Project)))
	return c.showOne(func(rd *reader) (any, error) {
		profile := rd.snapshot.ProfileOfProject(id)
		l := Limit{Name: policy.LimitGroups, Limit: profile.MaxGroups, Source: "profile " + profile.Name}
		if id != "" {
			p, ok := policy.Find[*policy.Project](rd.snapshot, id)
			if !ok {
				return nil, &policy.NotFound{Kind: policy.KindProject, ID: string(id)}
			}
			if n, ok := p.Limits[policy.LimitGroups]; ok {
				l.Limit, l.Source = n, "project "+p.Label()
			}
		}
		return Page[Limit]{Items: []Limit{l}}, nil
	})
}
