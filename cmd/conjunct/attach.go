package main

import (
	"errors"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func attachCommand(s *session) *cobra.Command {
	var f targetFlags
	cmd := &cobra.Command{
		Use:   "attach GROUP --instance|--port|--subnet|--cidr|--tag TARGET",
		Short: "Give a security group to an instance, a port, a subnet, a CIDR or a tag",
		Example: `  conjunct attach webSG --instance web --wait
  conjunct attach monitored --subnet net/lan
  conjunct attach quarantine --cidr 10.0.0.64/26 --vpc net
  conjunct attach database --tag tier=db`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, group, target, err := f.resolve(cmd.Context(), s, args[0])
			if err != nil {
				return err
			}
			a, err := n.client.AttachmentsOf(group).Create(cmd.Context(), &api.Attachment{Target: target}, s.options()...)
			if behind := new(api.Behind); err != nil && !errors.As(err, &behind) {
				return err
			}
			if s.output != table {
				return errors.Join(s.show(n, []shown{{kindOf(policy.KindAttachment), a}}, true), err)
			}
			s.printf("security-group %s attached to %s%s\n", n.label(policy.KindGroup, string(group)), n.targetWords(target), s.dryWords())
			return err
		},
	}
	f.add(cmd)
	s.changes(cmd.Flags())
	cmd.ValidArgsFunction = s.completeFirst(policy.KindGroup)
	return cmd
}
