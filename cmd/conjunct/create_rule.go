package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func createRuleCommand(s *session) *cobra.Command {
	var name, description string
	var at besideFlags
	cmd := &cobra.Command{
		Use:   "rule GROUP RULE",
		Short: "A rule of a security group, in a compact form",
		Long:  ruleHelp,
		Example: `  conjunct create rule web 'in tcp 80,443 from 0.0.0.0/0'
  conjunct create rule database 'in tcp 3306 from group app' --name allow-app --wait
  conjunct create rule blocklist 'drop in all from 203.0.113.7' --before allow-web`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			rules, err := n.rules(args[1])
			if err != nil {
				return err
			}
			group, err := n.id(policy.KindGroup, args[0])
			if err != nil {
				return err
			}
			beside, err := at.options(n, args[0])
			if err != nil {
				return err
			}
			if len(rules) > 1 && len(beside) > 0 {
				return usage("--before and --after place one rule; this makes %d, one for each port", len(rules))
			}
			if len(rules) > 1 {
				return s.createRules(n, policy.GroupID(group), titled(rules, name, description))
			}
			return s.createRule(n, policy.GroupID(group), &titled(rules, name, description)[0], beside)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the rule's name; of several ports, each rule's has the port after it")
	cmd.Flags().StringVar(&description, "description", "", "free text")
	at.add(cmd)
	return cmd
}

func (s *session) createRule(n *names, group policy.GroupID, in *api.Rule, beside []api.Option) error {
	out, err := n.client.RulesOf(group).Create(n.ctx, in, append(s.options(), beside...)...)
	if err := s.made(n, []shown{{kindOf(policy.KindRule), out}}, "created", err); err != nil {
		return err
	}
	s.renumbered(out)
	return nil
}

// titled gives rules a name and a description. Several rules have their ports in the name.
func titled(rules []api.Rule, name, description string) []api.Rule {
	for i := range rules {
		r := &rules[i]
		r.Name, r.Description = name, description
		if name != "" && len(rules) > 1 {
			r.Name = fmt.Sprintf("%s-%s", name, policy.PortText(*r.PortMin, *r.PortMax))
		}
	}
	return rules
}

// createRules adds several rules in one change: the group gets its own list with them at the end.
func (s *session) createRules(n *names, id policy.GroupID, rules []api.Rule) error {
	group, err := n.client.Groups().Get(n.ctx, string(id))
	if err != nil {
		return err
	}
	options := append(s.options(), api.IfMatch(group.Revision)) // Nobody's rule is lost in between.
	all, err := n.client.ReplaceRules(n.ctx, id, append(group.Rules, rules...), options...)
	had := make(map[string]bool)
	for _, r := range group.Rules {
		had[r.ID] = true
	}
	var fresh []shown
	for i := range all {
		if !had[all[i].ID] {
			fresh = append(fresh, shown{kindOf(policy.KindRule), &all[i]})
		}
	}
	return s.made(n, fresh, "created", err)
}
