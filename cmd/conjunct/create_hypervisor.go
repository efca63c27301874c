package main

import (
	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func createHypervisorCommand(s *session) *cobra.Command {
	var name, connect string
	cmd := &cobra.Command{
		Use:   "hypervisor SYSTEM-ID",
		Short: "A hypervisor, called by the system-id of its Open vSwitch",
		Long: `A hypervisor that dials the controller appears by itself. Create one to let the controller dial it, or to bind ports to it
before it comes.`,
		Example: `  conjunct create hypervisor hv1
  conjunct create hypervisor hv2 --connect ssl:192.0.2.12:6640`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.everywhere(cmd.Context())
			if err != nil {
				return err
			}
			in := new(api.Hypervisor)
			in.Name, in.Connect = orElse(name, args[0]), policy.Endpoint(connect)
			return create(s, n, policy.KindHypervisor, n.client.Hypervisors(), args[0], in)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "what people call it (default: the system-id)")
	cmd.Flags().StringVar(&connect, "connect", "", "where the controller dials its database: tcp:ADDR:PORT, ssl:ADDR:PORT or unix:PATH (default: it dials in)")
	return cmd
}
