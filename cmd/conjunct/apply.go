package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"conjunct/api"
)

func applyCommand(s *session) *cobra.Command {
	var files []string
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Make what manifests say so, in one transaction",
		Long: `Apply makes what the documents of the files say so: all of them in one transaction, or none. Documents call each other
by name, in any order. What is not in them stays as it is.
Of an object that changes, each field and each rule or entry that differs is a line: + came, - went, ~ became. --dry-run shows
the same, and what it would do to ports.

The documents are conjunct's own kinds, as 'conjunct get KIND -o yaml' writes them, and the SecurityGroup and VirtualMachine of
evroc clouds.`,
		Example: `  conjunct apply -f examples/lab.yaml -f examples/tiers.yaml
  conjunct apply -f policy/ --project shop --dry-run
  conjunct get all -o yaml | ssh other-site conjunct apply -f - --wait`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			docs, err := s.manifests(files)
			if err != nil {
				return err
			}
			client, err := s.client()
			if err != nil {
				return err
			}
			result, err := client.Apply(cmd.Context(), s.manifestOf(docs), s.options()...)
			return s.documents(cmd.Context(), docs, result, err)
		},
	}
	fileFlag(cmd, &files, "the manifests: a file, a folder, or - for the standard input (may be repeated)")
	_ = cmd.MarkFlagRequired("filename") // The flag exists.
	s.changes(cmd.Flags())
	return cmd
}

func fileFlag(cmd *cobra.Command, files *[]string, help string) {
	cmd.Flags().StringArrayVarP(files, "filename", "f", nil, help)
	_ = cmd.RegisterFlagCompletionFunc("filename", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
	}) // The flag exists.
}

var outcomeColors = map[api.Outcome]string{api.Created: good, api.Changed: changed, api.Deleted: bad, api.Unchanged: quiet, api.Absent: quiet}

// documents shows what became of each document; a wait that ran out has made the change all the same.
func (s *session) documents(ctx context.Context, docs []source, result *api.ManifestResult, err error) error {
	if behind := new(api.Behind); err != nil && !errors.As(err, &behind) {
		return located(docs, err)
	}
	if done, failed := s.data(result); done {
		return errors.Join(failed, err)
	}
	if s.output == asNames {
		for _, d := range result.Documents {
			s.printf("%s/%s\n", d.Kind, d.Name)
		}
		return err
	}
	n, failed := s.everywhere(ctx)
	if failed != nil {
		return failed
	}
	width := 0
	for _, d := range result.Documents {
		width = max(width, len(d.Kind)+1+len(d.Name))
	}
	count := make(map[api.Outcome]int)
	for _, d := range result.Documents {
		s.printf("%-*s  %s\n", width, d.Kind+" "+d.Name, s.paint(outcomeColors[d.Result], string(d.Result)))
		s.differences(d.Changes)
		n.along(s, &d.Removal)
		count[d.Result]++
	}
	s.printf("%s%s\n", countWords(count), s.dryWords())
	return err
}

// differences are what a document changed of an object, a line each: + what came, - what went, ~ what became of it.
func (s *session) differences(changes []api.DocumentChange) {
	for _, c := range changes {
		switch c.Change {
		case api.PartAdded:
			s.printf("  %s\n", s.paint(good, fmt.Sprintf("+ %s %s", c.What, c.After)))
		case api.PartRemoved:
			s.printf("  %s\n", s.paint(bad, fmt.Sprintf("- %s %s", c.What, c.Before)))
		case api.PartChanged:
			s.printf("  %s\n", s.paint(changed, fmt.Sprintf("~ %s %s -> %s", c.What, c.Before, c.After)))
		}
	}
}

func countWords(count map[api.Outcome]int) string {
	var words []string
	for _, o := range []api.Outcome{api.Created, api.Changed, api.Deleted, api.Unchanged, api.Absent} {
		if n := count[o]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, o))
		}
	}
	return strings.Join(words, ", ")
}
