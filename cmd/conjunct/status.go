package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"conjunct/policy"
)

func statusCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show the controller and every hypervisor, and who is behind",
		Long: `Status shows the store's newest revision and, for each hypervisor, the newest revision that concerns it and the one that
its bridge has confirmed. A host is behind while it has not confirmed the newest that concerns it.`,
		Example: `  conjunct status
  conjunct status -o json | jq -r '.hosts_behind[]'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := s.client()
			if err != nil {
				return err
			}
			st, err := client.Status(cmd.Context())
			if err != nil {
				return err
			}
			if done, err := s.data(st); done {
				return err
			}
			if s.output == asNames {
				for _, h := range st.Hosts {
					s.printf("%s/%s\n", policy.KindHypervisor, h.ID)
				}
				return nil
			}
			words := []string{fmt.Sprintf("revision %d", st.Revision), "store " + st.Store, "redis " + st.Redis}
			for _, name := range slices.Sorted(maps.Keys(st.Checks)) {
				words = append(words, name+" "+st.Checks[name])
			}
			if st.Leader != "" {
				words = append(words, "leader "+st.Leader)
			}
			s.printf("%s\n", strings.Join(words, ", "))
			if len(st.Hosts) == 0 {
				s.printf("no hypervisor is known\n")
				return nil
			}
			rows := make([][]string, 0, len(st.Hosts))
			for _, h := range st.Hosts {
				rows = append(rows, hostRow(h, slices.Contains(st.HostsBehind, h.ID)))
			}
			return s.columns([]string{"HYPERVISOR", "STATE", "APPLIED", "DESIRED", "BEHIND", "FLOWS", "DRIFT", "PROBLEMS"}, rows)
		},
	}
}

func hostRow(h policy.HostStatus, behind bool) []string {
	word := "no"
	if behind || h.AppliedRevision < h.DesiredRevision {
		word = "yes"
	}
	return []string{
		string(h.ID), string(h.State), strconv.FormatInt(h.AppliedRevision, 10), strconv.FormatInt(h.DesiredRevision, 10), word,
		strconv.Itoa(h.Flows), driftWords(h.Drift), strings.Join(h.Problems, "; "),
	}
}

// driftWords counts what was found otherwise than wanted.
func driftWords(d policy.Drift) string {
	if d == (policy.Drift{}) {
		return ""
	}
	return fmt.Sprintf("missing %d, foreign %d, changed %d, repaired %d", d.Missing, d.Foreign, d.Changed, d.Repaired)
}
