package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func createCommand(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create KIND",
		Short: "Create one object from flags",
		Long: `Create makes one object. What several objects or all fields need is said better in a manifest: see 'conjunct apply'.

Objects of a project are created in that of --project; it may be left out while there is only one.`,
		Example: `  conjunct create security-group web --rule 'in tcp 80,443 from any' --rule 'out all to any'
  conjunct create rule web 'in tcp 22 from 10.0.0.0/8' --description CHG-1234 --wait`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return usage("say what to create") },
	}
	for _, make := range []func(*session) *cobra.Command{
		createProfileCommand, createProjectCommand, createVPCCommand, createSubnetCommand, createHypervisorCommand, createInstanceCommand, createPortCommand,
		createGroupCommand, createRuleCommand, createIPSetCommand, createEntryCommand,
	} {
		one := make(s)
		s.changes(one.Flags())
		cmd.AddCommand(one)
	}
	return cmd
}

// identified is what a collection can make.
type identified[T any] interface {
	*T
	object
}

// create makes an object; with an id of the caller's choice where that is not empty. It does not replace one that exists.
func create[T any, P identified[T]](s *session, n *names, k policy.Kind, all api.Collection[T], id string, in P) error {
	row := kindOf(k)
	var out *T
	var err error
	if id == "" {
		out, err = all.Create(n.ctx, (*T)(in), s.options()...)
	} else {
		switch _, err := all.Get(n.ctx, id); {
		case err == nil:
			return &takenError{fmt.Sprintf("%s %q exists", k, id)}
		case !hasStatus(http.StatusNotFound)(err):
			return err
		}
		out, err = all.Put(n.ctx, id, (*T)(in), s.options()...)
	}
	return s.made(n, []shown{{row, P(out)}}, "created", err)
}

// made says what became of objects. A wait that ran out has made the change all the same.
func (s *session) made(n *names, all []shown, verb string, err error) error {
	if behind := new(api.Behind); err != nil && !errors.As(err, &behind) {
		return err
	}
	if s.output != table {
		return errors.Join(s.show(n, all, len(all) == 1), err)
	}
	for _, o := range all {
		s.printf("%s %s%s\n", holderWords(string(o.noun), labelOf(o.object), o.object.Base().ID), verb, s.dryWords())
	}
	return err
}

// home is the project in which an object is created.
func (n *names) home(shared bool) (policy.ProjectID, error) {
	switch {
	case shared:
		return "", nil
	case n.project != "":
		return n.project, nil
	}
	all := n.all(policy.KindProject)
	if len(all) != 1 {
		return "", usage("%d projects exist; say which is meant with --project", len(all))
	}
	for id := range all {
		return policy.ProjectID(id), nil
	}
	return "", nil // There is one.
}

// shareFlag adds the flag for objects that all projects share.
func shareFlag(cmd *cobra.Command, shared *bool) {
	cmd.Flags().BoolVar(shared, "shared", false, "of no project: all projects share it")
}

// groupIDs are the ids of the groups that words mean.
func (n *names) groupIDs(words []string) ([]policy.GroupID, error) {
	out := make([]policy.GroupID, 0, len(words))
	for _, word := range words {
		id, err := n.id(policy.KindGroup, word)
		if err != nil {
			return nil, err
		}
		out = append(out, policy.GroupID(id))
	}
	return out, nil
}
