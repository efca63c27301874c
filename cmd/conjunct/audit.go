package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func auditCommand(s *session) *cobra.Command {
	var filters [6]string
	var last time.Duration
	limit := 50
	words := []string{"kind", "id", "actor", "since", "until", "revision"}
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show who changed what, newest first",
		Long: `Audit lists the changes that were made, each with who made it and when. -o json and -o yaml have each object before and after,
and the request that it came with. With --project, only changes of the project's objects.`,
		Example: `  conjunct audit --last 24h
  conjunct audit --kind security-group --id sg-7q2m4k9x -o yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			var options []api.Option
			for i, word := range words {
				if filters[i] != "" {
					options = append(options, api.Query(word, filters[i]))
				}
			}
			if last > 0 {
				options = append(options, api.Query("since", time.Now().Add(-last).UTC().Format(time.RFC3339Nano)))
			}
			if n.project != "" {
				options = append(options, api.Query("project_id", string(n.project)))
			}
			records, err := n.client.Audit(cmd.Context(), limit, options...)
			if err != nil {
				return err
			}
			return s.audit(records)
		},
	}
	for i, about := range []string{
		"kind of a changed object, such as rule", "id of a changed object", "name of the token that made the change, or conjunctd",
		"earliest time, such as 2026-01-02T15:04:05Z", "latest time", "revision that the change made",
	} {
		cmd.Flags().StringVar(&filters[i], words[i], "", about)
	}
	cmd.Flags().DurationVar(&last, "last", 0, "only changes of so long, such as 24h")
	cmd.Flags().IntVar(&limit, "limit", limit, "at most so many records; 0 for all")
	return cmd
}

// audit prints records: a line for each change.
func (s *session) audit(records []policy.AuditRecord) error {
	if done, err := s.data(records); done || err != nil {
		return err
	}
	if s.output == asNames {
		for _, r := range records {
			for _, c := range r.Changes {
				s.printf("%s/%s\n", c.Kind, c.ID)
			}
		}
		return nil
	}
	var rows [][]string
	for _, r := range records {
		who := r.Actor.Name
		if r.Actor.Role != "" {
			who += " (" + string(r.Actor.Role) + ")"
		}
		row := []string{fmt.Sprint(r.Revision), r.Time.UTC().Format(time.RFC3339), who}
		for _, c := range r.Changes {
			rows = append(rows, append(row[:3:3], holderWords(string(c.Kind), c.Name, c.ID)+" "+string(c.Action)))
		}
		for _, c := range r.Omitted {
			rows = append(rows, append(row[:3:3], fmt.Sprintf("%d more of kind %s %s", c.Count, c.Kind, c.Action)))
		}
	}
	return s.columns([]string{"REVISION", "TIME", "WHO", "WHAT"}, rows)
}
