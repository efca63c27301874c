package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"conjunct/policy"
)

func flowsCommand(s *session) *cobra.Command {
	var tables []string
	cmd := &cobra.Command{
		Use:   "flows HYPERVISOR",
		Short: "Print the flows that a hypervisor is to have, in ovs-ofctl syntax",
		Long: `Flows prints every flow that is wanted on the hypervisor's bridge, as ovs-ofctl dump-flows would, each after a comment that
names its rule or its purpose. ovs-ofctl add-flows takes the output as it is. docs/pipeline.md explains the tables.`,
		Example: `  conjunct flows hv1
  conjunct flows hv1 --table 60 --table 61
  conjunct flows hv1 | grep -A1 'allowSSHInbound'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			host, err := n.id(policy.KindHypervisor, args[0])
			if err != nil {
				return err
			}
			text, err := n.client.Flows(cmd.Context(), policy.HostID(host))
			if err != nil {
				return err
			}
			s.printf("%s", inTables(text, tables))
			return nil
		},
	}
	cmd.ValidArgsFunction = s.completeFirst(policy.KindHypervisor)
	cmd.Flags().StringArrayVar(&tables, "table", nil, "only the flows of the table, by number (may be repeated)")
	return cmd
}

// inTables keeps the flows of the tables, each with the comments before it; without tables all.
func inTables(text string, tables []string) string {
	if len(tables) == 0 {
		return text
	}
	var b, comments strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			comments.WriteString(line)
			continue
		}
		if slices.Contains(tables, tableOf(line)) {
			b.WriteString(comments.String())
			b.WriteString(line)
		}
		comments.Reset()
	}
	return b.String()
}

var tableField = regexp.MustCompile(`(?:^|[ ,])table=(\d+)`)

// tableOf is the number of a flow's table, which ovs-ofctl does not print when it is 0.
func tableOf(flow string) string {
	match, _, _ := strings.Cut(flow, "actions=")
	if m := tableField.FindStringSubmatch(match); m != nil {
		return m[1]
	}
	return "0"
}
