package main

import (
	"errors"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func attachCommand(s *session) *cobra.Command {
	var f targetFlags
	var only bool
	cmd := &cobra.Command{
		Use:   "attach GROUP --instance|--port|--subnet|--cidr|--tag TARGET...",
		Short: "Give a security group to instances, ports, subnets, CIDRs or tags",
		Long: `Attach gives a group to all targets of the command line or, when one of them can't have it, to none. With --only, they become
all that has the group.`,
		Example: `  conjunct attach webSG --instance web1,web2 --wait
  conjunct attach webSG --instance web2 --only
  conjunct attach monitored --subnet net/lan
  conjunct attach quarantine --cidr 10.0.0.64/26 --vpc net
  conjunct attach database --tag tier=db`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, group, targets, err := f.resolve(cmd.Context(), s, args[0])
			if err != nil {
				return err
			}
			attach := n.client.Attach
			if only {
				attach = n.client.AttachOnly
			}
			made, err := attach(cmd.Context(), group, targets, s.options()...)
			if behind := new(api.Behind); err != nil && !errors.As(err, &behind) {
				return err
			}
			if s.output == table {
				s.attached(n, group, "attached to", targets)
				return err
			}
			var found []shown
			for i := range made {
				found = append(found, shown{kindOf(policy.KindAttachment), &made[i]})
			}
			return errors.Join(s.show(n, found, len(found) == 1), err)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&only, "only", false, "take the group from whatever else has it")
	s.changes(cmd.Flags())
	cmd.ValidArgsFunction = s.completeFirst(policy.KindGroup)
	return cmd
}
