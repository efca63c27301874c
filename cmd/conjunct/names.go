package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"conjunct/api"
	"conjunct/policy"
)

// names finds out what words on the command line mean, and what ids are called. A word is a name in the project of the
// session, then among what all projects share, then an id: as in manifests.
type names struct {
	ctx     context.Context
	client  *api.Client
	project policy.ProjectID // of --project; "" when none was named
	lists   map[policy.Kind]map[string]object
}

func (s *session) names(ctx context.Context) (*names, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	n := &names{ctx: ctx, client: client, lists: make(map[policy.Kind]map[string]object)}
	if s.project == "" {
		return n, nil
	}
	id, err := n.id(policy.KindProject, s.project)
	n.project = policy.ProjectID(id)
	return n, err
}

// id is the id of what a word means.
func (n *names) id(k policy.Kind, word string) (string, error) {
	o, err := n.find(k, word)
	if err != nil {
		return "", err
	}
	return o.Base().ID, nil
}

// optional is id where no word was given.
func (n *names) optional(k policy.Kind, word string) (string, error) {
	if word == "" {
		return "", nil
	}
	return n.id(k, word)
}

// find is what a word means.
func (n *names) find(k policy.Kind, word string) (object, error) {
	row := kindOf(k)
	found, err := n.named(row, word)
	if err != nil {
		return nil, err
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if !policy.ValidName(word) {
			return nil, n.absent(k, word)
		}
		o, err := row.objects.get(n.ctx, n.client, word)
		if hasStatus(404)(err) {
			return nil, n.absent(k, word)
		}
		return o, err
	}
	var words []string
	for _, o := range found {
		words = append(words, fmt.Sprintf("%s in %s", o.Base().ID, orElse(n.scopeLabel(row, o), "no project")))
	}
	return nil, usage("%d objects of kind %s are called %q: %s; say the id, or the project with --project", len(found), k, word, strings.Join(words, ", "))
}

func (n *names) absent(k policy.Kind, word string) error {
	message := fmt.Sprintf("%s %q does not exist", k, word)
	if n.project != "" && kindOf(k).project != nil {
		message += fmt.Sprintf(", neither in project %s nor shared by all", n.label(policy.KindProject, string(n.project)))
	}
	return &absentError{message}
}

// named lists what has the name: in the session's project, else what all share. VPC/SUBNET names one of several subnets.
func (n *names) named(row *kind, word string) ([]object, error) {
	if !row.named {
		return nil, nil
	}
	vpc, name, qualified := strings.Cut(word, "/")
	options := []api.Option{api.Query("name", word)}
	if row.kind == policy.KindSubnet && qualified {
		id, err := n.id(policy.KindVPC, vpc)
		if err != nil {
			return nil, err
		}
		options = []api.Option{api.Query("name", name), api.Query("vpc_id", id)}
	}
	found, err := row.objects.list(n.ctx, n.client, options...)
	if err != nil || n.project == "" || row.project == nil {
		return found, err
	}
	for _, scope := range []policy.ProjectID{n.project, ""} {
		in := slices.DeleteFunc(slices.Clone(found), func(o object) bool { return row.project(n, o) != scope })
		if len(in) > 0 {
			return in, nil
		}
	}
	return nil, nil
}

// scopeLabel names the project that an object belongs to, or "".
func (n *names) scopeLabel(row *kind, o object) string {
	if row.project == nil {
		return ""
	}
	return n.label(policy.KindProject, string(row.project(n, o)))
}

// all are the objects of a kind by id, read once. What can't be read is as if it were not there: ids are shown then.
func (n *names) all(k policy.Kind) map[string]object {
	if known, ok := n.lists[k]; ok {
		return known
	}
	list, err := kindOf(k).objects.list(n.ctx, n.client, api.Query("page_size", "1000"))
	if err != nil {
		list = nil
	}
	n.lists[k] = make(map[string]object, len(list))
	for _, o := range list {
		n.lists[k][o.Base().ID] = o
	}
	return n.lists[k]
}

// label is the name of the object with the id; the id where it has none.
func (n *names) label(k policy.Kind, id string) string {
	if id == "" {
		return ""
	}
	if o, ok := n.all(k)[id]; ok {
		return labelOf(o)
	}
	return id
}

func labelOf(o object) string {
	switch o := o.(type) {
	case interface{ Label() string }:
		return o.Label()
	case *api.Token:
		return orElse(o.Name, o.ID)
	}
	return o.Base().ID
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
