package policy

import (
	"slices"
)

// Profile says how a VPC reads groups. A port is judged by its VPC's profile, else the project's of the VPC, else the
// installation's. What a request leaves out is filled in as Normalize says.
type Profile struct {
	Meta
	Name         string   `json:"name"`
	WhenNoGroups NoGroups `json:"when_no_groups"`
	// DirectionWithoutRules is for a direction in which no group of a port has a rule.
	DirectionWithoutRules Unruled `json:"direction_without_rules"`
	// Default is the group of ports without another one; nil unless WhenNoGroups is NoGroupsDefault.
	Default           *DefaultGroup     `json:"default_group,omitempty"`
	DefaultEdit       DefaultEdit       `json:"default_group_edit"`
	DefaultMembership DefaultMembership `json:"default_group_membership"`
	// Starters are made once for a project, and are its own from then on.
	Starters []StarterGroup `json:"starter_groups,omitempty"`
	// Evaluation is that of groups created without one, the profile's own templates included.
	Evaluation  Evaluation  `json:"evaluation"`
	GroupDelete GroupDelete `json:"group_delete"`
	// SMTPGuard refuses outbound TCP 25 unless the project has SMTPAllowed.
	SMTPGuard bool      `json:"smtp_guard"`
	IPVersion IPVersion `json:"ip_version"`
	// MetadataRules lets VMs reach the metadata service whatever their groups say.
	MetadataRules bool `json:"metadata_rules"`
	MaxGroups     int  `json:"max_groups_per_instance"`
}

func (p *Profile) Kind() Kind        { return KindProfile }
func (p *Profile) Label() string     { return labelOr(p.Name, p.ID) }
func (p *Profile) References() []Ref { return nil }
func (p *Profile) Clone() Object {
	c := *p
	if p.Default != nil {
		d := *p.Default
		d.Rules = cloneTemplates(d.Rules)
		c.Default = &d
	}
	c.Starters = slices.Clone(p.Starters)
	for i := range c.Starters {
		c.Starters[i].Rules = cloneTemplates(c.Starters[i].Rules)
	}
	return &c
}

// NoGroups says what holds for a port that has no group.
type NoGroups string

const (
	NoGroupsAllow   NoGroups = "allow"         // everything passes, both ways
	NoGroupsDeny    NoGroups = "deny"          // nothing passes
	NoGroupsDefault NoGroups = "default_group" // the profile's default group applies
)

// Unruled says what holds for a direction of a port in which none of its groups has any rule.
type Unruled string

const (
	UnruledAllow Unruled = "allow"
	UnruledDeny  Unruled = "deny"
)

// DefaultEdit says what becomes of a change to a default group's rules.
type DefaultEdit string

const (
	DefaultFree   DefaultEdit = "free"
	DefaultWarn   DefaultEdit = "warn"   // it is made, and the answer advises against it
	DefaultLocked DefaultEdit = "locked" // it is refused
)

// DefaultMembership says how long a port has its default group.
type DefaultMembership string

const (
	UntilFirstChosen DefaultMembership = "until_first_chosen" // while nobody chose a group for the port
	AlwaysMember     DefaultMembership = "always"             // beside the chosen groups, after them
)

// GroupDelete says what happens to a group that is deleted while ports have it or rules are in it.
type GroupDelete string

const (
	DeleteDetach           GroupDelete = "detach"
	DeleteRefuseIfAttached GroupDelete = "refuse_if_attached"
	DeleteRequireNoRules   GroupDelete = "require_no_rules"
)

// IPVersion says whether rules have to name their IP version.
type IPVersion string

const (
	IPVersionRequired IPVersion = "required"
	IPVersionDerived  IPVersion = "derived" // as Rule.Families says
)

// DefaultMaxGroups is how many groups an instance may have where nothing else is said.
const DefaultMaxGroups = 10

// normalizeProfile gives every switch that was left out the value that lets least happen unseen: nothing passes at a port
// without groups unless a default group is given, and no direction is open for want of a rule.
func normalizeProfile(p *Profile) {
	if p.WhenNoGroups == "" {
		p.WhenNoGroups = NoGroupsDeny
		if p.Default != nil {
			p.WhenNoGroups = NoGroupsDefault
		}
	}
	orElse(&p.DirectionWithoutRules, UnruledDeny)
	orElse(&p.DefaultEdit, DefaultWarn)
	orElse(&p.DefaultMembership, UntilFirstChosen)
	orElse(&p.Evaluation, Union)
	orElse(&p.GroupDelete, DeleteRefuseIfAttached)
	orElse(&p.IPVersion, IPVersionDerived)
	orElse(&p.MaxGroups, DefaultMaxGroups)
	if p.Default != nil {
		orElse(&p.Default.Scope, DefaultPerProject)
		normalizeTemplates(p.Default.Rules)
	}
	for i := range p.Starters {
		normalizeTemplates(p.Starters[i].Rules)
	}
}

func orElse[T comparable](field *T, value T) {
	var none T
	if *field == none {
		*field = value
	}
}
