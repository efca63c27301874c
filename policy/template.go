package policy

import "slices"

// DefaultScope says what a profile's default group belongs to.
type DefaultScope string

const (
	DefaultPerProject DefaultScope = "project"
	DefaultPerVPC     DefaultScope = "vpc"
)

// DefaultGroup is the template of the group that ports get without anyone choosing it.
type DefaultGroup struct {
	Name        string         `json:"name"`
	Scope       DefaultScope   `json:"scope"`
	Description string         `json:"description,omitempty"`
	Rules       []RuleTemplate `json:"rules"` // the group's at its creation
}

// StarterGroup is the template of a group that a project begins with.
type StarterGroup struct {
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	Rules       []RuleTemplate `json:"rules"`
}

// RuleTemplate is a rule of a group that does not exist yet: the fields of a Rule that somebody writes. Its remote names no
// object, because the same template serves every project.
type RuleTemplate struct {
	Name        string    `json:"name,omitempty"`
	Direction   Direction `json:"direction"`
	Protocol    Protocol  `json:"protocol"`
	PortMin     *int      `json:"port_min,omitempty"`
	PortMax     *int      `json:"port_max,omitempty"`
	ICMPType    *int      `json:"icmp_type,omitempty"`
	ICMPCode    *int      `json:"icmp_code,omitempty"`
	IPVersion   *int      `json:"ip_version,omitempty"`
	Remote      Remote    `json:"remote"`
	LocalCIDR   *CIDR     `json:"local_cidr,omitempty"`
	Action      Action    `json:"action"`
	Position    *int      `json:"position,omitempty"`
	Description string    `json:"description,omitempty"`
}

// Rule makes a rule of the template, without id and group.
func (t RuleTemplate) Rule() *Rule {
	return (&Rule{
		Name: t.Name, Direction: t.Direction, Protocol: t.Protocol, PortMin: t.PortMin, PortMax: t.PortMax,
		ICMPType: t.ICMPType, ICMPCode: t.ICMPCode, IPVersion: t.IPVersion, Remote: t.Remote, LocalCIDR: t.LocalCIDR,
		Action: t.Action, Position: t.Position, Description: t.Description,
	}).Clone().(*Rule)
}

// TemplateOf is the template that a rule would have been made of.
func TemplateOf(r *Rule) RuleTemplate {
	return RuleTemplate{
		Name: r.Name, Direction: r.Direction, Protocol: r.Protocol, PortMin: r.PortMin, PortMax: r.PortMax,
		ICMPType: r.ICMPType, ICMPCode: r.ICMPCode, IPVersion: r.IPVersion, Remote: r.Remote, LocalCIDR: r.LocalCIDR,
		Action: r.Action, Position: r.Position, Description: r.Description,
	}
}

func cloneTemplates(ts []RuleTemplate) []RuleTemplate {
	ts = slices.Clone(ts)
	for i := range ts {
		ts[i].Remote.CIDRs = slices.Clone(ts[i].Remote.CIDRs)
	}
	return ts
}

// normalizeTemplates does for templates what Normalize does for rules.
func normalizeTemplates(ts []RuleTemplate) {
	for i := range ts {
		r := ts[i].Rule()
		normalizeRule(r)
		ts[i] = TemplateOf(r)
	}
}
