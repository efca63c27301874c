package main

import (
	"slices"

	"conjunct/api"
	"conjunct/policy"
)

// implied reports whether an object comes with another one, so that a manifest of everything need not say it.
func (n *names) implied(f shown, single bool) bool {
	if g, ok := f.object.(*api.Group); ok {
		return !single && n.untouched(g)
	}
	return listedElsewhere(f.object)
}

// listedElsewhere reports whether an object is an attachment that an instance or a port lists itself.
func listedElsewhere(o object) bool {
	a, ok := o.(*api.Attachment)
	return ok && (a.Target.InstanceID != "" || a.Target.PortID != "")
}

// isPreset reports whether an object is a profile that every installation has.
func isPreset(o object) bool {
	p, ok := o.(*api.Profile)
	if !ok {
		return false
	}
	_, ok = policy.Preset(policy.ProfileName(p.ID))
	return ok
}

// untouched reports whether a group is as any profile that has one of the name makes it: whoever applies the project or the VPC
// gets it.
func (n *names) untouched(g *api.Group) bool {
	if g.Origin == "" || len(g.Tags) > 0 {
		return false
	}
	templates, same := 0, 0
	compare := func(name, description string, rules []policy.RuleTemplate) {
		if name != g.Name {
			return
		}
		if templates++; description == g.Description && slices.EqualFunc(rules, g.Rules, sameRule) {
			same++
		}
	}
	for _, o := range n.all(policy.KindProfile) {
		p := o.(*api.Profile)
		if p.Default != nil && g.Origin == policy.OriginDefault && (p.Default.Scope == policy.DefaultPerVPC) == (g.VPCID != "") {
			compare(p.Default.Name, p.Default.Description, p.Default.Rules)
		}
		for _, t := range p.Starters {
			if g.Origin == policy.OriginStarter {
				compare(t.Name, t.Description, t.Rules)
			}
		}
	}
	return templates > 0 && same == templates
}

// sameRule compares a rule of a profile with one that was made of it.
func sameRule(template policy.RuleTemplate, made api.Rule) bool {
	of := template.Rule()
	return of.Identity() == made.Identity() && of.Name == made.Name && of.Description == made.Description
}
