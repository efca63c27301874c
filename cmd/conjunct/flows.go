package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"conjunct/policy"
)

// flowFilter chooses flows; what is empty chooses all.
type flowFilter struct {
	tables     []string
	port, rule string // as the comments before flows name them
}

func flowsCommand(s *session) *cobra.Command {
	var f flowFilter
	cmd := &cobra.Command{
		Use:   "flows HYPERVISOR",
		Short: "Print the flows that a hypervisor is to have, in ovs-ofctl syntax",
		Long: `Flows prints every flow that is wanted on the hypervisor's bridge, as ovs-ofctl dump-flows would, each after a comment that
names its rule or its purpose. 'ovs-ofctl -O OpenFlow15 add-flows' takes the output as it is. docs/pipeline.md explains the tables.`,
		Example: `  conjunct flows hv1
  conjunct flows hv1 --table 24 --table 44
  conjunct flows hv1 --port web-0
  conjunct flows hv1 --rule allowSSHInbound`,
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
			if f.port != "" {
				p, err := n.port(f.port)
				if err != nil {
					return err
				}
				f.port = p.ID
			}
			text, err := n.client.Flows(cmd.Context(), policy.HostID(host))
			if err != nil {
				return err
			}
			s.printf("%s", f.of(text))
			return nil
		},
	}
	cmd.ValidArgsFunction = s.completeFirst(policy.KindHypervisor)
	cmd.Flags().StringArrayVar(&f.tables, "table", nil, "only the flows of the table, by number (may be repeated)")
	cmd.Flags().StringVar(&f.port, "port", "", "only the flows that are the port's own, by port or instance")
	cmd.Flags().StringVar(&f.rule, "rule", "", "only the flows of rules of the name, or of the one with the id")
	return cmd
}

// of keeps the flows that are chosen, each with the comments before it.
func (f *flowFilter) of(text string) string {
	var b, comments strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			comments.WriteString(line)
			continue
		}
		if f.chooses(comments.String(), line) {
			b.WriteString(comments.String())
			b.WriteString(line)
		}
		comments.Reset()
	}
	return b.String()
}

func (f *flowFilter) chooses(comments, flow string) bool {
	begins := func(words string) bool {
		return strings.HasPrefix(comments, words+" ") || strings.HasPrefix(comments, words+"\n")
	}
	switch {
	case len(f.tables) > 0 && !slices.Contains(f.tables, tableOf(flow)):
		return false
	case f.port != "" && !begins("# port "+f.port):
		return false
	}
	return f.rule == "" || begins("# rule "+f.rule)
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
