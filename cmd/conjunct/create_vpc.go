package main

import (
	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func createVPCCommand(s *session) *cobra.Command {
	var id, profile string
	var shared bool
	cmd := &cobra.Command{
		Use:     "vpc NAME",
		Short:   "A VPC: one routing domain, in which an address means one thing",
		Example: `  conjunct create vpc net --project shop --profile isolated`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			project, err := n.home(shared)
			if err != nil {
				return err
			}
			judge, err := n.optional(policy.KindProfile, profile)
			if err != nil {
				return err
			}
			in := &api.VPC{Name: args[0], ProjectID: project, Profile: policy.ProfileName(judge)}
			return create(s, n, policy.KindVPC, n.client.VPCs(), id, in)
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "the object's id (default: one is made up)")
	cmd.Flags().StringVar(&profile, "profile", "", "how the VPC reads groups (default: the project's profile)")
	shareFlag(cmd, &shared)
	return cmd
}
