package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func deleteCommand(s *session) *cobra.Command {
	var files []string
	var of string
	var references, detach, rules bool
	cmd := &cobra.Command{
		Use:   "delete -f FILE | KIND NAME...",
		Short: "Delete objects, or what manifests name",
		Long: `Delete removes objects by name, or with -f everything that the documents name, in one transaction. A VirtualMachine
document takes its groups from the instance and leaves the instance.

What others refer to is not deleted; the answer says who does. What the profile of a security group asks for (that nothing has
it, or that it has no rules) can be had with the group: --detach, --delete-rules. What went along is listed.`,
		Example: `  conjunct delete security-group web --detach --wait
  conjunct delete rule allowSSHInbound --of webSG
  conjunct delete -f examples/tiers.yaml --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(files) > 0) == (len(args) > 0) {
				return usage("give either -f FILE or KIND NAME")
			}
			options := s.options()
			if references {
				options = append(options, api.RemoveReferences())
			}
			if rules {
				options = append(options, api.DeleteRules())
			}
			switch {
			case detach:
				options = append(options, api.Detach())
			case cmd.Flags().Changed("detach"):
				options = append(options, api.Attached())
			}
			if len(args) > 0 {
				return s.deleteNamed(cmd, of, args, options)
			}
			docs, err := s.manifests(files)
			if err != nil {
				return err
			}
			client, err := s.client()
			if err != nil {
				return err
			}
			result, err := client.DeleteManifest(cmd.Context(), s.manifestOf(docs), options...)
			return s.documents(cmd.Context(), docs, result, err)
		},
	}
	fileFlag(cmd, &files, "the manifests: a file, a folder, or - for the standard input (may be repeated)")
	cmd.Flags().StringVar(&of, "of", "", "the security group or the IP set to which the rule, attachment or entry belongs")
	cmd.Flags().BoolVar(&references, "remove-references", false, "delete the rules that name a security group together with it")
	cmd.Flags().BoolVar(&detach, "detach", false, "take a security group from whatever has it first; =false refuses then (default: as its profile says)")
	cmd.Flags().BoolVar(&rules, "delete-rules", false, "delete a security group's rules with it, where its profile wants them gone first")
	s.changes(cmd.Flags())
	cmd.ValidArgsFunction = s.completeObjects
	return cmd
}

// deleteNamed deletes objects one after the other. All of them are found before the first goes.
func (s *session) deleteNamed(cmd *cobra.Command, of string, args []string, options []api.Option) error {
	n, err := s.names(cmd.Context())
	if err != nil {
		return err
	}
	rows, words, err := kindsOf(args)
	if err != nil {
		return err
	}
	if len(rows) != 1 || len(words) == 0 {
		return usage("say what to delete: KIND NAME")
	}
	k, err := n.below(rows[0], of)
	if err != nil {
		return err
	}
	var found []shown
	for _, word := range words {
		o, err := n.one(k, of, strings.TrimPrefix(word, string(k.noun)+"/"))
		if err != nil {
			return err
		}
		found = append(found, shown{k, o})
	}
	var late error
	for _, o := range found {
		n.look(k.noun, o.object.Base().ID) // What it is called is asked once more, when it is gone.
		along, err := k.objects.remove(n.ctx, n.client, o.object.Base().ID, options...)
		if behind := new(api.Behind); err != nil && !errors.As(err, &behind) {
			return err
		}
		late = errors.Join(late, err)
		s.printf("%s deleted%s\n", holderWords(string(k.noun), labelOf(o.object), o.object.Base().ID), s.dryWords())
		n.along(s, along)
	}
	return late
}

// along says what went with something that was deleted.
func (n *names) along(s *session, r *api.Removal) {
	for _, h := range r.Detached {
		s.printf("  detached from %s\n", holderWords(string(h.Kind), h.Name, h.ID))
	}
	for _, rule := range r.RemovedRules {
		s.printf("  %s of security-group %s deleted\n", holderWords(string(policy.KindRule), rule.Name, rule.ID), n.label(policy.KindGroup, string(rule.GroupID)))
	}
}
