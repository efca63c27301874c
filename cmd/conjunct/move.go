package main

import (
	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func moveCommand(s *session) *cobra.Command {
	var of string
	var at besideFlags
	var position int
	cmd := &cobra.Command{
		Use:   "move RULE --before RULE | --after RULE | --position N",
		Short: "Move a rule inside its ordered group",
		Long: `Move changes when a rule of an ordered group is tried. The other rules keep their positions, unless there is no room beside the
one that is named: then the fewest neighbours move, and the answer names them.`,
		Example: `  conjunct move drop-rest --of blocklist --after allow-office
  conjunct move allow-ssh --of blocklist --position 5 --wait`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			k, err := n.below(kindOf(policy.KindRule), of)
			if err != nil {
				return err
			}
			rule, err := n.one(k, of, args[0])
			if err != nil {
				return err
			}
			options, err := at.options(n, string(rule.(*api.Rule).GroupID))
			if err != nil {
				return err
			}
			patch := map[string]any{}
			if cmd.Flags().Changed("position") {
				patch["position"] = position
			}
			out, err := n.client.Rules().Patch(cmd.Context(), rule.Base().ID, patch, append(s.options(), options...)...)
			if err := s.made(n, []shown{{k, out}}, "moved", err); err != nil {
				return err
			}
			s.renumbered(out)
			return nil
		},
	}
	cmd.Flags().StringVar(&of, "of", "", "the security group that the rule belongs to")
	cmd.Flags().IntVar(&position, "position", 0, "the position; the lowest is tried first")
	at.add(cmd)
	cmd.MarkFlagsOneRequired("before", "after", "position")
	cmd.MarkFlagsMutuallyExclusive("before", "after", "position")
	s.changes(cmd.Flags())
	cmd.ValidArgsFunction = s.completeFirst(policy.KindRule)
	return cmd
}

// besideFlags say next to which rule of an ordered group a rule is to be tried.
type besideFlags struct{ before, after string }

func (f *besideFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.before, "before", "", "the rule of the same ordered group before which this one is tried")
	cmd.Flags().StringVar(&f.after, "after", "", "the rule of the same ordered group after which this one is tried")
	cmd.MarkFlagsMutuallyExclusive("before", "after")
}

// options are what the flags ask of the API; none when they are not given.
func (f *besideFlags) options(n *names, group string) ([]api.Option, error) {
	var out []api.Option
	for _, flag := range []struct {
		word   string
		option func(string) api.Option
	}{{f.before, api.Before}, {f.after, api.After}} {
		if flag.word == "" {
			continue
		}
		k, err := n.below(kindOf(policy.KindRule), group)
		if err != nil {
			return nil, err
		}
		o, err := n.one(k, group, flag.word)
		if err != nil {
			return nil, err
		}
		out = append(out, flag.option(o.Base().ID))
	}
	return out, nil
}

// renumbered says which rules had to make room.
func (s *session) renumbered(r *api.Rule) {
	if s.output != table {
		return
	}
	for _, other := range r.Renumbered {
		s.printf("rule %s goes to position %d to make room%s\n", other.ID, other.Position, s.dryWords())
	}
}
