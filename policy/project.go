package policy

import "maps"

// Project owns groups, IP sets, instances and VPCs.
type Project struct {
	Meta
	Name string `json:"name"`
	// Profile judges the ports of the project's VPCs that name none; empty means the installation's.
	Profile ProfileName `json:"profile"`
	// SMTPAllowed lifts the guard on outbound TCP 25 that some profiles set.
	SMTPAllowed bool `json:"smtp_allowed"`
	// Limits overrides the installation's limits by name; see Limit.
	Limits map[string]int `json:"limits,omitempty"`
}

func (p *Project) Kind() Kind        { return KindProject }
func (p *Project) Label() string     { return labelOr(p.Name, p.ID) }
func (p *Project) References() []Ref { return refer(nil, KindProfile, p.Profile, "/profile") }
func (p *Project) Clone() Object {
	c := *p
	c.Limits = maps.Clone(p.Limits)
	return &c
}
