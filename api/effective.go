package api

import (
	"slices"

	"conjunct/policy"
)

// EffectiveRule is one line of what holds at a port, in the order in which it is tried.
type EffectiveRule struct {
	Tier policy.Tier `json:"tier"`
	// Source is what the line comes from: the platform, a group, or the profile.
	Source Source `json:"source"`
	// Because says why the port has the group; empty for the other sources.
	Because []Cause `json:"because,omitempty"`
	// Rule is the rule of a group.
	Rule *Rule `json:"rule,omitempty"`
	// Platform is the rule of the platform.
	Platform *PlatformRule `json:"platform,omitempty"`
	// Direction and Action hold for every line, so that the list can be read without looking further.
	Direction   policy.Direction `json:"direction"`
	Action      policy.Action    `json:"action"`
	Description string           `json:"description,omitempty"`
	// Reason says why the line holds here, where that is not so at every port: a switch of the profile, the project, the lack of chosen groups.
	Reason string `json:"reason,omitempty"`
}

// LiftedRule is a platform rule that the profile has and the port is excepted from.
type LiftedRule struct {
	Platform *PlatformRule `json:"platform"`
	Reason   string        `json:"reason"`
}

// Source names where a rule comes from.
type Source struct {
	Kind string `json:"kind"` // platform, security-group or profile
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Cause is why a port has a group: something has it, or nothing has another one.
type Cause struct {
	By string `json:"by"` // instance, port, subnet, cidr, tag or default
	ID string `json:"id"` // of the instance, the port, the attachment or the profile
}

// EffectiveRules is the merged list of a port.
type EffectiveRules struct {
	PortID  policy.PortID   `json:"port_id"`
	Profile string          `json:"profile"`
	Items   []EffectiveRule `json:"items"`
	Lifted  []LiftedRule    `json:"lifted"`
}

func (c *call) effectiveRules() error {
	id := policy.PortID(c.variable("id"))
	return c.showOne(func(rd *reader) (any, error) {
		v, ok := rd.portView(id)
		if !ok {
			return nil, &policy.NotFound{Kind: policy.KindPort, ID: string(id)}
		}
		return rd.effective(v), nil
	})
}

// effective lists what holds at the port: the platform's rules that apply, ordered groups and then unions as policy.Decide
// tries them, and what the profile opens.
func (rd *reader) effective(v *policy.PortView) *EffectiveRules {
	out := &EffectiveRules{PortID: policy.PortID(v.Port.ID), Profile: v.Profile.Name, Items: []EffectiveRule{}, Lifted: []LiftedRule{}}
	for i := range policy.PlatformRules {
		r := &policy.PlatformRules[i]
		reason := rd.state.SwitchReason(r, v)
		switch {
		case r.AppliesTo(v):
			out.Items = append(out.Items, rd.platformLine(r, reason))
		case reason != "":
			out.Lifted = append(out.Lifted, LiftedRule{Platform: rd.platform(r), Reason: reason})
		}
	}
	for _, tier := range []struct {
		evaluation policy.Evaluation
		tier       policy.Tier
	}{{policy.Ordered, policy.TierOrdered}, {policy.Union, policy.TierUnion}} {
		for _, g := range v.Groups {
			if g.Evaluation != tier.evaluation {
				continue
			}
			because, reason := rd.causes(v, g), ""
			if v.Default == g {
				reason = membershipWords[v.Profile.DefaultMembership]
			}
			for _, r := range rd.rulesOf(g) {
				out.Items = append(out.Items, EffectiveRule{
					Tier: tier.tier, Source: sourceOf(g), Because: because, Rule: rd.rule(r),
					Direction: r.Direction, Action: r.Action, Description: r.Description, Reason: reason,
				})
			}
		}
	}
	for _, d := range policy.Directions {
		if v.Open[d] {
			out.Items = append(out.Items, EffectiveRule{
				Tier: policy.TierProfile, Source: Source{Kind: string(policy.KindProfile), ID: v.Profile.ID, Name: v.Profile.Name},
				Direction: d, Action: policy.Allow, Description: openWords(v, d),
			})
		}
	}
	return out
}

func openWords(v *policy.PortView, d policy.Direction) string {
	if len(v.Groups) == 0 {
		return "the port has no security group, and the profile opens such ports"
	}
	return "none of the port's security groups has a rule for " + string(d) + ", and the profile opens such directions"
}

func sourceOf(g *policy.Group) Source {
	return Source{Kind: string(policy.KindGroup), ID: g.ID, Name: g.Label()}
}

// membershipWords say how long a port has its default group.
var membershipWords = map[policy.DefaultMembership]string{
	policy.UntilFirstChosen: "default group: leaves at the first chosen group",
	policy.AlwaysMember:     "default group: stays beside chosen groups, after them",
}

func (rd *reader) platformLine(r *policy.PlatformRule, reason string) EffectiveRule {
	return EffectiveRule{
		Tier: policy.TierPlatform, Source: Source{Kind: "platform", ID: r.Name, Name: r.Name}, Platform: rd.platform(r),
		Direction: r.Direction, Action: r.Action, Description: r.Description, Reason: reason,
	}
}

// causes says why the port has the group.
func (rd *reader) causes(v *policy.PortView, g *policy.Group) []Cause {
	if v.Default != nil && v.Default.ID == g.ID {
		return []Cause{{By: "default", ID: v.Profile.ID}}
	}
	id := policy.GroupID(g.ID)
	var out []Cause
	if slices.Contains(v.Instance.SecurityGroupIDs, id) {
		out = append(out, Cause{By: "instance", ID: v.Instance.ID})
	}
	if slices.Contains(v.Port.SecurityGroupIDs, id) {
		out = append(out, Cause{By: "port", ID: v.Port.ID})
	}
	for _, a := range referring[*policy.Attachment](rd.state, policy.KindGroup, g.ID) {
		if a.Target.Holds(v) {
			out = append(out, Cause{By: targetWord(a.Target), ID: a.ID})
		}
	}
	return out
}

func targetWord(t policy.Target) string {
	switch {
	case t.InstanceID != "":
		return "instance"
	case t.PortID != "":
		return "port"
	case t.SubnetID != "":
		return "subnet"
	case t.CIDR != nil:
		return "cidr"
	}
	return "tag"
}
