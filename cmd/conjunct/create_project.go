package main

import (
	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func createProjectCommand(s *session) *cobra.Command {
	var in api.Project
	var id, profile string
	cmd := &cobra.Command{
		Use:     "project NAME",
		Short:   "A project, which owns VPCs, instances, groups and IP sets",
		Example: `  conjunct create project shop --profile isolated --limit groups_per_instance=20`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.everywhere(cmd.Context())
			if err != nil {
				return err
			}
			judge, err := n.optional(policy.KindProfile, profile)
			if err != nil {
				return err
			}
			in.Name, in.Profile = args[0], policy.ProfileName(judge)
			return create(s, n, policy.KindProject, n.client.Projects(), id, &in)
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "the object's id (default: one is made up)")
	cmd.Flags().StringVar(&profile, "profile", "", "how the project's VPCs read groups (default: the installation's profile)")
	cmd.Flags().BoolVar(&in.SMTPAllowed, "smtp-allowed", false, "lift the guard on outbound TCP 25 that some profiles set")
	cmd.Flags().StringToIntVar(&in.Limits, "limit", nil, "a limit of the project's own, such as groups_per_instance=20 (may be repeated)")
	return cmd
}
