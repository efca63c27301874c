package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"conjunct/api"
	"conjunct/policy"
)

// names finds out what words on the command line mean, and what ids are called. A word is a name in the project of the
// session, else among what all projects share, or an id.
type names struct {
	ctx     context.Context
	client  *api.Client
	project policy.ProjectID // of --project; "" when none was named
	seen    map[policy.Kind]map[string]object
	read    map[policy.Kind]bool // the kinds of which all are in seen
	labels  map[policy.Kind]map[string][]object
}

// everywhere is names for what belongs to no project, so that the session's need not exist yet.
func (s *session) everywhere(ctx context.Context) (*names, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	return &names{
		ctx: ctx, client: client, seen: make(map[policy.Kind]map[string]object),
		read: make(map[policy.Kind]bool), labels: make(map[policy.Kind]map[string][]object),
	}, nil
}

func (s *session) names(ctx context.Context) (*names, error) {
	n, err := s.everywhere(ctx)
	if err != nil || s.project == "" {
		return n, err
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

// find is what a word means. What is a name of one object and the id of another is not guessed: name:WORD and id:WORD say
// which is meant.
func (n *names) find(k policy.Kind, word string) (object, error) {
	name, onlyName := strings.CutPrefix(word, "name:")
	id, onlyID := strings.CutPrefix(word, "id:")
	var found []object
	var err error
	if !onlyID {
		if found, err = n.named(kindOf(k), name); err != nil {
			return nil, err
		}
	}
	if !onlyName {
		o, err := n.withID(k, id)
		if err != nil {
			return nil, err
		}
		if o != nil && !slices.ContainsFunc(found, func(other object) bool { return other.Base().ID == id }) {
			found = append(found, o)
		}
	}
	switch len(found) {
	case 0:
		return nil, n.absent(k, word)
	case 1:
		return found[0], nil
	}
	return nil, n.ambiguous(k, word, found)
}

// withID is the object with the id, or nil.
func (n *names) withID(k policy.Kind, id string) (object, error) {
	if !policy.ValidName(id) {
		return nil, nil
	}
	o, err := kindOf(k).objects.get(n.ctx, n.client, id)
	if hasStatus(http.StatusNotFound)(err) {
		return nil, nil
	}
	return o, err
}

func (n *names) ambiguous(k policy.Kind, word string, found []object) error {
	row := kindOf(k)
	var words []string
	for _, o := range found {
		words = append(words, fmt.Sprintf("in %s %s", orElse(n.scopeLabel(row, o), "no project"), o.Base().ID))
	}
	slices.Sort(words)
	return usage("%q means %d objects of kind %s: %s; say id:ID, or name:NAME with --project", word, len(found), k, strings.Join(words, ", "))
}

// one is what a word means among what belongs to another object: a label or an id. Without an owner it is find.
func (n *names) one(k *kind, of, word string) (object, error) {
	if of == "" {
		return n.find(k.noun, word)
	}
	list, err := k.objects.list(n.ctx, n.client)
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(list, func(o object) bool { return labelOf(o) != word && o.Base().ID != word })
	switch len(found) {
	case 0:
		return nil, &absentError{fmt.Sprintf("%s %q of %s does not exist", k.noun, word, of)}
	case 1:
		return found[0], nil
	}
	return nil, usage("%q means %d objects of kind %s in %s; say the id", word, len(found), k.noun, of)
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
	if row.noun == policy.KindSubnet && qualified {
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

// fewLookUps is how many objects of a kind are asked for one by one before all are read at once.
const fewLookUps = 16

// look is the object with the id. What can't be read is as if it were not there: its id is shown then.
func (n *names) look(k policy.Kind, id string) (object, bool) {
	seen := n.seen[k]
	if o, known := seen[id]; known || n.read[k] {
		return o, o != nil
	}
	if len(seen) >= fewLookUps {
		o, ok := n.all(k)[id]
		return o, ok
	}
	if seen == nil {
		seen = make(map[string]object)
		n.seen[k] = seen
	}
	seen[id] = nil
	if o, err := kindOf(k).objects.get(n.ctx, n.client, id); err == nil {
		seen[id] = o
	}
	return seen[id], seen[id] != nil
}

// all are the objects of a kind by id, read once.
func (n *names) all(k policy.Kind) map[string]object {
	if n.read[k] {
		return n.seen[k]
	}
	n.read[k], n.seen[k] = true, make(map[string]object)
	list, err := kindOf(k).objects.list(n.ctx, n.client, api.Query("page_size", "1000"))
	if err != nil {
		return n.seen[k]
	}
	for _, o := range list {
		n.seen[k][o.Base().ID] = o
	}
	return n.seen[k]
}

// labelled are the objects of a kind that have the label.
func (n *names) labelled(k policy.Kind, label string) []object {
	if n.labels[k] == nil {
		n.labels[k] = make(map[string][]object)
		for _, o := range n.all(k) {
			n.labels[k][labelOf(o)] = append(n.labels[k][labelOf(o)], o)
		}
	}
	return n.labels[k][label]
}

// label is the name of the object with the id; the id where it has none.
func (n *names) label(k policy.Kind, id string) string {
	if id == "" {
		return ""
	}
	if o, ok := n.look(k, id); ok {
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
