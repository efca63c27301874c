package main

import (
	"github.com/spf13/cobra"

	"conjunct/policy"
)

func diffCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "diff HYPERVISOR",
		Short: "Compare the flows that a hypervisor is to have with those that its bridge has",
		Long: `Diff asks the hypervisor's switch for its flows and prints those that differ from what is wanted, in ovs-ofctl syntax:
  + wanted, not installed
  - installed, not wanted
  ~ installed with other actions or another cookie; as it is wanted
Nothing is printed when nothing differs. The exit status is 7 when something does.`,
		Example: `  conjunct diff hv1
  conjunct diff hv1 >/dev/null; [ $? -ne 7 ] || echo drift`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.everywhere(cmd.Context())
			if err != nil {
				return err
			}
			host, err := n.id(policy.KindHypervisor, args[0])
			if err != nil {
				return err
			}
			d, err := n.client.Diff(cmd.Context(), policy.HostID(host))
			if err != nil {
				return err
			}
			done, err := s.data(d)
			if err != nil {
				return err
			}
			for _, part := range []struct {
				mark, color string
				flows       []string
			}{{"+", good, d.Missing}, {"-", bad, d.Extra}, {"~", changed, d.Changed}} {
				for _, flow := range part.flows {
					if !done {
						s.printf("%s\n", s.paint(part.color, part.mark+" "+flow))
					}
				}
			}
			if len(d.Missing)+len(d.Extra)+len(d.Changed) > 0 {
				return errDrift
			}
			return nil
		},
		ValidArgsFunction: s.completeFirst(policy.KindHypervisor),
	}
}
