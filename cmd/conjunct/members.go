package main

import (
	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func membersCommand(s *session) *cobra.Command {
	var vpc string
	cmd := &cobra.Command{
		Use:   "members GROUP",
		Short: "Show the addresses of a security group",
		Long: `Members shows every address by which ports are in the group: what a rule that names the group lets in. Such a rule sees the
members in the VPC of the port that it protects.`,
		Example: `  conjunct members webSG
  conjunct members webSG --vpc net -o name`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			group, err := n.id(policy.KindGroup, args[0])
			if err != nil {
				return err
			}
			var options []api.Option
			if vpc != "" {
				id, err := n.id(policy.KindVPC, vpc)
				if err != nil {
					return err
				}
				options = append(options, api.Query("vpc_id", id))
			}
			all, err := n.client.MembersOf(policy.GroupID(group)).List(cmd.Context(), options...)
			if err != nil {
				return err
			}
			if done, err := s.data(map[string]any{"items": all}); done {
				return err
			}
			var rows [][]string
			for _, m := range all {
				if s.output == asNames {
					s.printf("%s\n", policy.AddressText(m.Prefix))
				}
				rows = append(rows, []string{policy.AddressText(m.Prefix), n.portLabel(m.PortID), n.label(policy.KindVPC, string(m.VPCID))})
			}
			if s.output == asNames {
				return nil
			}
			return s.columns([]string{"ADDRESS", "PORT", "VPC"}, rows)
		},
		ValidArgsFunction: s.completeFirst(policy.KindGroup),
	}
	cmd.Flags().StringVar(&vpc, "vpc", "", "only those in the VPC")
	return cmd
}
