package policy

import "slices"

// NoGroups says what holds for a port that has no group.
type NoGroups string

const (
	NoGroupsAllow   NoGroups = "allow"         // everything passes, both ways
	NoGroupsDeny    NoGroups = "deny"          // nothing passes
	NoGroupsDefault NoGroups = "default_group" // the profile's default group applies
)

// DefaultScope says what a profile's default group belongs to.
type DefaultScope string

const (
	DefaultPerProject DefaultScope = "project"
	DefaultPerVPC     DefaultScope = "vpc"
)

// DefaultGroup is the group that ports without another one get.
type DefaultGroup struct {
	Name  string       `json:"name"`
	Scope DefaultScope `json:"scope"`
	// Rules are the group's at creation; a subnet remote is written as SubnetOfPort.
	Rules []Rule `json:"rules"`
}

// GroupDelete says what happens to a group that is deleted while ports have it or rules are in it.
type GroupDelete string

const (
	DeleteDetach           GroupDelete = "detach"
	DeleteRefuseIfAttached GroupDelete = "refuse_if_attached"
	DeleteRequireNoRules   GroupDelete = "require_no_rules"
)

// Profile says how a VPC reads groups. A port is judged by its VPC's profile, else the project's of the VPC, else the
// installation's.
type Profile struct {
	Meta
	Name                  string        `json:"name"`
	WhenNoGroups          NoGroups      `json:"when_no_groups"`
	DirectionWithoutRules Action        `json:"direction_without_rules"` // for a direction in which no group of a port has a rule
	Default               *DefaultGroup `json:"default_group,omitempty"`
	Evaluation            Evaluation    `json:"evaluation"` // of groups created without one
	GroupDelete           GroupDelete   `json:"group_delete"`
	SMTPGuard             bool          `json:"smtp_guard"`
	IPVersionRequired     bool          `json:"ip_version_required"`
	MaxGroups             int           `json:"max_groups_per_instance"`
}

func (p *Profile) Kind() Kind        { return KindProfile }
func (p *Profile) Label() string     { return labelOr(p.Name, p.ID) }
func (p *Profile) References() []Ref { return nil }
func (p *Profile) Clone() Object {
	c := *p
	if p.Default != nil {
		d := *p.Default
		d.Rules = slices.Clone(p.Default.Rules)
		c.Default = &d
	}
	return &c
}

// The presets that ship.
const (
	ProfileIsolated       ProfileName = "isolated"
	ProfileOpenUntilRuled ProfileName = "open-until-ruled"
)

// DefaultMaxGroups is how many groups an instance may have where nothing else is said.
const DefaultMaxGroups = 10

var presets = []Profile{
	{
		Name:         string(ProfileIsolated),
		WhenNoGroups: NoGroupsDefault, DirectionWithoutRules: Drop,
		Default: &DefaultGroup{
			Name: "default-allow-egress", Scope: DefaultPerProject,
			Rules: []Rule{{Name: "allow-all-outbound", Direction: Egress, Protocol: All, Remote: Remote{Any: true}, Action: Allow}},
		},
		Evaluation: Union, GroupDelete: DeleteRefuseIfAttached, MaxGroups: DefaultMaxGroups,
	},
	{
		Name:         string(ProfileOpenUntilRuled),
		WhenNoGroups: NoGroupsAllow, DirectionWithoutRules: Allow,
		Evaluation: Union, GroupDelete: DeleteDetach, SMTPGuard: true, IPVersionRequired: true, MaxGroups: DefaultMaxGroups,
	},
}

// Presets returns the profiles that ship, each with its name as its id.
func Presets() []*Profile {
	out := make([]*Profile, 0, len(presets))
	for i := range presets {
		p := presets[i].Clone().(*Profile)
		p.ID = p.Name
		out = append(out, p)
	}
	return out
}

// Preset returns the shipped profile of the name.
func Preset(name ProfileName) (*Profile, bool) {
	for _, p := range Presets() {
		if p.Name == string(name) {
			return p, true
		}
	}
	return nil, false
}
