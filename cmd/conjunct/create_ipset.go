package main

import (
	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func createIPSetCommand(s *session) *cobra.Command {
	var id, description string
	var entries []string
	var ipVersion int
	var shared bool
	cmd := &cobra.Command{
		Use:     "ip-set NAME",
		Aliases: []string{"ipset", "set"},
		Short:   "An IP set: a named list of CIDRs of one IP version",
		Example: `  conjunct create ip-set offices --entry 192.0.2.0/24 --entry 198.51.100.7
  conjunct create entry offices -f more.txt`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			in := new(api.IPSet)
			in.Name, in.Description, in.IPVersion = args[0], description, ipVersion
			if in.ProjectID, err = n.home(shared); err != nil {
				return err
			}
			all, err := prefixes(entries)
			if err != nil {
				return err
			}
			for _, p := range all {
				in.Entries = append(in.Entries, api.Entry{CIDR: policy.CIDR(p)})
				if !cmd.Flags().Changed("ip-version") {
					in.IPVersion = policy.Version(p.Addr())
				}
			}
			return create(s, n, policy.KindIPSet, n.client.IPSets(), id, in)
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "the object's id (default: one is made up)")
	cmd.Flags().StringVar(&description, "description", "", "free text")
	cmd.Flags().StringSliceVar(&entries, "entry", nil, "an address or a CIDR (may be repeated)")
	cmd.Flags().IntVar(&ipVersion, "ip-version", 4, "4 or 6 (default: that of the entries, and 4 without any)")
	shareFlag(cmd, &shared)
	return cmd
}
