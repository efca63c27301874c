package main

import (
	"errors"
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func detachCommand(s *session) *cobra.Command {
	var f targetFlags
	cmd := &cobra.Command{
		Use:   "detach GROUP --instance|--port|--subnet|--cidr|--tag TARGET...",
		Short: "Take a security group from what it was attached to",
		Long: `Detach takes a group from exactly what it was attached to: a port that has the group through its instance or its subnet keeps
it. 'conjunct get attachments --of GROUP' lists what has it.`,
		Example: `  conjunct detach webSG --instance web1,web2 --wait
  conjunct detach quarantine --cidr 10.0.0.64/26 --vpc net`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, group, targets, err := f.resolve(cmd.Context(), s, args[0])
			if err != nil {
				return err
			}
			list, err := n.client.AttachmentsOf(group).List(cmd.Context())
			if err != nil {
				return err
			}
			for _, t := range targets {
				if !slices.ContainsFunc(list, func(a api.Attachment) bool { return reflect.DeepEqual(a.Target, t) }) {
					return &absentError{"security-group " + n.label(policy.KindGroup, string(group)) + " is not attached to " + n.targetWords(t)}
				}
			}
			err = n.client.DetachFrom(cmd.Context(), group, targets, s.options()...)
			if behind := new(api.Behind); err != nil && !errors.As(err, &behind) {
				return err
			}
			s.attached(n, group, "detached from", targets)
			return err
		},
	}
	f.add(cmd)
	s.changes(cmd.Flags())
	cmd.ValidArgsFunction = s.completeFirst(policy.KindGroup)
	return cmd
}
