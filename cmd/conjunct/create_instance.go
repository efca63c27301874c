package main

import (
	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func createInstanceCommand(s *session) *cobra.Command {
	var id string
	var groups []string
	var tags map[string]string
	cmd := &cobra.Command{
		Use:     "instance NAME",
		Short:   "An instance: a VM, whose groups hold for all its ports",
		Example: `  conjunct create instance web --group webSG --group allowSSH --tag tier=front`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			in := &api.Instance{Name: args[0], Tags: tags}
			if in.ProjectID, err = n.home(false); err != nil {
				return err
			}
			if in.SecurityGroupIDs, err = n.groupIDs(groups); err != nil {
				return err
			}
			return create(s, n, policy.KindInstance, n.client.Instances(), id, in)
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "the object's id (default: one is made up)")
	cmd.Flags().StringSliceVar(&groups, "group", nil, "a security group (may be repeated)")
	cmd.Flags().StringToStringVar(&tags, "tag", nil, "a tag, KEY=VALUE (may be repeated)")
	return cmd
}
