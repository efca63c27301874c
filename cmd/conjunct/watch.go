package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func watchCommand(s *session) *cobra.Command {
	var since int64
	cmd := &cobra.Command{
		Use:   "watch [KIND...]",
		Short: "Show what changes, as it changes",
		Long: `Watch prints what changes from the store's revision on that --since names, or from now on, until it is interrupted. Each line
begins with the revision; all lines of one revision were one transaction. -o json prints each transaction as a line of JSON.`,
		Example: `  conjunct watch
  conjunct watch rules security-groups --since 1200 -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var kinds []policy.Kind
			for _, word := range args {
				k, err := kindCalled(word)
				if err != nil {
					return err
				}
				kinds = append(kinds, k.noun)
			}
			client, err := s.client()
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("since") {
				st, err := client.Status(cmd.Context())
				if err != nil {
					return err
				}
				since = st.Revision
			}
			for e, err := range client.Watch(cmd.Context(), since, kinds...) {
				if cmd.Context().Err() != nil {
					return nil
				}
				if err != nil {
					return err
				}
				since = e.Revision
				if err := s.event(e); err != nil {
					return err
				}
			}
			if cmd.Context().Err() != nil {
				return nil
			}
			return fmt.Errorf("the server ended the watch; 'conjunct watch --since %d' goes on from there", since)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return kindWords(), nothing
		},
	}
	cmd.Flags().Int64Var(&since, "since", 0, "begin after this revision (default: the newest)")
	return cmd
}

// seen is what a line needs of an object.
type seen struct {
	Name      string    `json:"name"`
	CIDR      string    `json:"cidr"` // of entries, which have no name
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (s *session) event(e api.Event) error {
	switch s.output {
	case asJSON: // One line.
		b, err := json.Marshal(e)
		s.printf("%s\n", b)
		return err
	case asYAML:
		s.printf("---\n")
		_, err := s.data(e)
		return err
	default:
		return s.changesOf(e)
	}
}

// changesOf prints a line for each change of an event.
func (s *session) changesOf(e api.Event) error {
	for _, c := range e.Changes {
		var o seen
		if err := json.Unmarshal(c.Object, &o); err != nil {
			return fmt.Errorf("revision %d: %s %s: %w", e.Revision, c.Kind, c.ID, err)
		}
		if s.output == asNames {
			s.printf("%s/%s\n", c.Kind, c.ID)
			continue
		}
		outcome := api.Changed
		switch {
		case strings.TrimSpace(string(c.Object)) == "null":
			outcome = api.Deleted
		case o.CreatedAt.Equal(o.UpdatedAt):
			outcome = api.Created
		}
		s.printf("%d  %s  %s\n", e.Revision, holderWords(string(c.Kind), orElse(o.Name, o.CIDR), c.ID), s.paint(outcomeColors[outcome], string(outcome)))
	}
	return nil
}
