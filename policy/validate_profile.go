package policy

import (
	"fmt"
	"slices"
)

// profile checks every switch, what the switches mean together, and every group that the profile would make.
func (f *findings) profile(o *Profile) {
	f.name(o.Name)
	oneOf(f, "/when_no_groups", o.WhenNoGroups, NoGroupsAllow, NoGroupsDeny, NoGroupsDefault)
	oneOf(f, "/direction_without_rules", o.DirectionWithoutRules, UnruledAllow, UnruledDeny)
	oneOf(f, "/default_group_edit", o.DefaultEdit, DefaultFree, DefaultWarn, DefaultLocked)
	oneOf(f, "/default_group_membership", o.DefaultMembership, UntilFirstChosen, AlwaysMember)
	oneOf(f, "/evaluation", o.Evaluation, Union, Ordered)
	oneOf(f, "/group_delete", o.GroupDelete, DeleteDetach, DeleteRefuseIfAttached, DeleteRequireNoRules)
	oneOf(f, "/ip_version", o.IPVersion, IPVersionRequired, IPVersionDerived)
	if o.MaxGroups < 1 {
		f.add("/max_groups_per_instance", "limit-range", "%d is below 1", o.MaxGroups)
	}
	switch {
	case o.WhenNoGroups == NoGroupsDefault && o.Default == nil:
		f.add("/default_group", "required", "when_no_groups is %s, so a default group is required", NoGroupsDefault)
	case o.WhenNoGroups != NoGroupsDefault && o.Default != nil:
		f.add("/default_group", "switches-contradict", "no port would have the default group %q, because when_no_groups is %s; leave it out or make that %s",
			o.Default.Name, o.WhenNoGroups, NoGroupsDefault)
	case o.Default == nil && o.DefaultMembership == AlwaysMember:
		f.add("/default_group_membership", "switches-contradict", "%s needs a default group", AlwaysMember)
	}
	if o.Default != nil {
		oneOf(f, "/default_group/scope", o.Default.Scope, DefaultPerProject, DefaultPerVPC)
		f.template("/default_group", o.Default.Name, o.Default.Rules, o)
	}
	for i, g := range o.Starters {
		pointer := fmt.Sprintf("/starter_groups/%d", i)
		f.template(pointer, g.Name, g.Rules, o)
		taken := o.Default != nil && o.Default.Scope == DefaultPerProject && o.Default.Name == g.Name
		if taken || slices.ContainsFunc(o.Starters[:i], func(other StarterGroup) bool { return other.Name == g.Name }) {
			f.add(pointer+"/name", "duplicate", "the profile has another group %q; names are unique in a project", g.Name)
		}
	}
}

// template checks a group that a profile makes: its name, and each rule as if it stood in the group.
func (f *findings) template(pointer, name string, rules []RuleTemplate, p *Profile) {
	var own findings
	own.name(name)
	for i, t := range rules {
		at := fmt.Sprintf("/rules/%d", i)
		r := t.Rule()
		own.within(at, func(g *findings) { g.templateRule(r, name, p) })
		for j := range rules[:i] {
			other := rules[j].Rule()
			if other.Identity() == r.Identity() {
				own.add(at, "rule-exists", "the same as rule %d of the group", j)
			}
			if r.Name != "" && other.Name == r.Name {
				own.add(at+"/name", "duplicate", "rule %d of the group is called %q too", j, r.Name)
			}
		}
	}
	f.within(pointer, func(g *findings) { *g = own })
}

func (f *findings) templateRule(r *Rule, group string, p *Profile) {
	f.ruleItself(r)
	for _, ref := range r.References() {
		f.add(ref.Field, "remote-not-in-template", "%s %q belongs to one project, and a profile serves many; name cidrs or own_subnet instead", ref.Kind, ref.ID)
	}
	f.families(r, nil)
	f.ruleUnder(r, p.Evaluation, group)
	if p.IPVersion == IPVersionRequired && r.IPVersion == nil {
		f.add("/ip_version", "required", "the profile wants ip_version 4 or 6 in every rule")
	}
}
