package main

import (
	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func createGroupCommand(s *session) *cobra.Command {
	var id, description, evaluation string
	var texts []string
	var tags map[string]string
	var shared bool
	cmd := &cobra.Command{
		Use:     "security-group NAME",
		Aliases: []string{"group", "sg"},
		Short:   "A security group with its rules",
		Long:    "A security group, to be attached to instances, ports, subnets and more: see 'conjunct attach'.\n\n" + ruleHelp,
		Example: `  conjunct create security-group web --rule 'in tcp 80,443 from any' --rule 'out all to any'`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			in := new(api.Group)
			in.Name, in.Description, in.Tags, in.Evaluation = args[0], description, tags, policy.Evaluation(evaluation)
			if in.ProjectID, err = n.home(shared); err != nil {
				return err
			}
			for _, text := range texts {
				rules, err := n.rules(text)
				if err != nil {
					return err
				}
				in.Rules = append(in.Rules, rules...)
			}
			return create(s, n, policy.KindGroup, n.client.Groups(), id, in)
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "the object's id (default: one is made up)")
	cmd.Flags().StringVar(&description, "description", "", "free text")
	cmd.Flags().StringVar(&evaluation, "evaluation", "", "union (what any rule allows) or ordered (the first that matches decides)")
	cmd.Flags().StringArrayVar(&texts, "rule", nil, "a rule in the compact form (may be repeated)")
	cmd.Flags().StringToStringVar(&tags, "tag", nil, "a tag, KEY=VALUE (may be repeated)")
	shareFlag(cmd, &shared)
	return cmd
}

// rules reads the compact form of rules, with ids for what it names.
func (n *names) rules(text string) (out []api.Rule, err error) {
	rules, err := parseRules(text)
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		if err := n.resolveRemote(&r.Remote); err != nil {
			return nil, err
		}
		out = append(out, api.Rule{Rule: r})
	}
	return out, nil
}
