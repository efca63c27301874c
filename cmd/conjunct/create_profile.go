package main

import (
	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func createProfileCommand(s *session) *cobra.Command {
	var id, like, group, scope, description string
	var rules []string
	var set api.Profile
	cmd := &cobra.Command{
		Use:   "profile NAME",
		Short: "A profile: how VPCs read groups",
		Long: `A profile says how VPCs read groups; each switch can be set singly. With --like it begins as a copy of another one, such as
a preset. What is not said is as careful as can be: a port without groups passes nothing.`,
		Example: `  conjunct create profile strict --like isolated --default-group-edit locked --max-groups 20
  conjunct create profile lab --when-no-groups allow --direction-without-rules allow
  conjunct create profile trust --default-group base --default-rule 'out all to any' --default-rule 'in all from own-subnet'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.everywhere(cmd.Context())
			if err != nil {
				return err
			}
			in := new(api.Profile)
			if like != "" {
				o, err := n.find(policy.KindProfile, like)
				if err != nil {
					return err
				}
				in = o.(*api.Profile).Clone().(*policy.Profile)
			}
			for flag, copied := range map[string]func(){
				"when-no-groups":          func() { in.WhenNoGroups = set.WhenNoGroups },
				"direction-without-rules": func() { in.DirectionWithoutRules = set.DirectionWithoutRules },
				"default-group-edit":      func() { in.DefaultEdit = set.DefaultEdit },
				"default-membership":      func() { in.DefaultMembership = set.DefaultMembership },
				"evaluation":              func() { in.Evaluation = set.Evaluation },
				"group-delete":            func() { in.GroupDelete = set.GroupDelete },
				"ip-version":              func() { in.IPVersion = set.IPVersion },
				"smtp-guard":              func() { in.SMTPGuard = set.SMTPGuard },
				"metadata-rules":          func() { in.MetadataRules = set.MetadataRules },
				"max-groups":              func() { in.MaxGroups = set.MaxGroups },
			} {
				if cmd.Flags().Changed(flag) {
					copied()
				}
			}
			in.Meta, in.Name = policy.Meta{}, args[0]
			if in.WhenNoGroups != "" && in.WhenNoGroups != policy.NoGroupsDefault {
				in.Default = nil // Of the profile that it is like.
			}
			if group != "" {
				in.Default = &policy.DefaultGroup{Name: group, Scope: policy.DefaultScope(scope), Description: description}
				if in.Default.Rules, err = templates(rules); err != nil {
					return err
				}
				in.WhenNoGroups = policy.NoGroupsDefault
			}
			return create(s, n, policy.KindProfile, n.client.Profiles(), id, in)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&id, "id", "", "the object's id (default: one is made up)")
	flags.StringVar(&like, "like", "", "begin as a copy of the profile")
	for _, word := range []struct {
		to   *string
		name string
		help string
	}{
		{(*string)(&set.WhenNoGroups), "when-no-groups", "a port without groups: allow, deny or default_group"},
		{(*string)(&set.DirectionWithoutRules), "direction-without-rules", "a direction in which no group of a port has a rule: allow or deny"},
		{(*string)(&set.DefaultEdit), "default-group-edit", "changes to default groups: free, warn or locked"},
		{(*string)(&set.DefaultMembership), "default-membership", "the default group: until_first_chosen or always"},
		{(*string)(&set.Evaluation), "evaluation", "groups made without one: union or ordered"},
		{(*string)(&set.GroupDelete), "group-delete", "groups that are deleted: detach, refuse_if_attached or require_no_rules"},
		{(*string)(&set.IPVersion), "ip-version", "of rules: required or derived"},
		{&group, "default-group", "name of the group of ports without another one"},
		{&scope, "default-scope", "what a default group belongs to: project or vpc"},
		{&description, "default-description", "free text for default groups"},
	} {
		flags.StringVar(word.to, word.name, "", word.help)
	}
	flags.StringArrayVar(&rules, "default-rule", nil, "a rule of the default group in the compact form (may be repeated)")
	flags.BoolVar(&set.SMTPGuard, "smtp-guard", false, "refuse outbound TCP 25 unless the project has smtp_allowed")
	flags.BoolVar(&set.MetadataRules, "metadata-rules", false, "let VMs reach the metadata service whatever their groups say")
	flags.IntVar(&set.MaxGroups, "max-groups", 0, "groups that an instance may have")
	return cmd
}

// templates reads rules of a group that does not exist yet.
func templates(texts []string) (out []policy.RuleTemplate, err error) {
	for _, text := range texts {
		rules, err := parseRules(text)
		if err != nil {
			return nil, err
		}
		for i := range rules {
			out = append(out, policy.TemplateOf(&rules[i]))
		}
	}
	return out, nil
}
