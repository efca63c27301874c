package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func createEntryCommand(s *session) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:     "entry SET [CIDR...] [-f FILE]",
		Aliases: []string{"entries", "ip-set-entry"},
		Short:   "Entries of an IP set, from words or from a file with one a line",
		Long: `Entries are added to what the set has; those that it has are skipped. A line of a file is an address or a CIDR, with a
description after it if wanted. What can't be read is reported and left out; the exit status is 1 then.`,
		Example: `  conjunct create entry offices 192.0.2.0/24 198.51.100.7
  conjunct create entry blocklist -f blocklist.txt`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) > 1) == (file != "") {
				return usage("give the entries either as words or with -f")
			}
			lines := []byte(strings.Join(args[1:], "\n"))
			if file != "" {
				var err error
				if lines, err = s.read(file); err != nil {
					return err
				}
			}
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			set, err := n.id(policy.KindIPSet, args[0])
			if err != nil {
				return err
			}
			result, err := n.client.AddEntries(cmd.Context(), policy.IPSetID(set), bytes.NewReader(lines), s.options()...)
			return s.entries(result, err)
		},
	}
	cmd.Flags().StringVarP(&file, "filename", "f", "", "a file with one entry a line, or - for the standard input")
	return cmd
}

func (s *session) entries(result *api.BulkResult, err error) error {
	if behind := new(api.Behind); err != nil && !errors.As(err, &behind) {
		return err
	}
	if done, failed := s.data(result); done {
		return errors.Join(failed, err)
	}
	s.printf("%d added, %d skipped%s\n", len(result.Added), len(result.Skipped), s.dryWords())
	var wrong []error
	for _, l := range result.Invalid {
		wrong = append(wrong, fmt.Errorf("line %d: %s", l.Line, l.Message))
	}
	return errors.Join(append(wrong, err)...)
}
