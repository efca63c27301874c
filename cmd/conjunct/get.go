package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func getCommand(s *session) *cobra.Command {
	var of string
	cmd := &cobra.Command{
		Use:   "get KIND [NAME...]",
		Short: "Show objects",
		Long: `Get shows all objects of a kind, or those that are named. With --project: the project's, and those that all share.

-o json prints what the API says, lists below "items". -o yaml prints manifests that 'conjunct apply -f -' takes again and that
change nothing then; 'get all' prints those of every kind, which makes a backup.

Kinds: ` + strings.Join(kindWords(), ", ") + `, all; and platform-rules, limits.`,
		Example: `  conjunct get security-groups
  conjunct get sg web -o yaml
  conjunct get rules --of web
  conjunct get ports -o name
  conjunct get all -o yaml > backup.yaml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if slices.Contains(platformRuleWords, strings.ToLower(args[0])) {
				return s.showPlatformRules(cmd.Context(), args[1:])
			}
			if slices.Contains(limitWords, strings.ToLower(args[0])) {
				return s.showLimits(cmd.Context(), args[1:])
			}
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			rows, args, err := kindsOf(args)
			if err != nil {
				return err
			}
			var found []shown
			for _, k := range rows {
				one, err := n.shown(k, of, args)
				if err != nil {
					return err
				}
				if len(rows) > 1 { // Not once more what instances and ports list themselves, nor what is everywhere.
					one = slices.DeleteFunc(one, func(f shown) bool { return listedElsewhere(f.object) || isPreset(f.object) })
				}
				found = append(found, one...)
			}
			return s.show(n, found, len(args) == 1)
		},
	}
	cmd.ValidArgsFunction = s.completeObjects
	cmd.Flags().StringVar(&of, "of", "", "only what belongs to the security group (rules, attachments) or to the IP set (entries)")
	return cmd
}

// shown is an object with the row of its kind.
type shown struct {
	*kind
	object
}

// kindsOf reads KIND [NAME...] or KIND/NAME...; all are the kinds that have manifests.
func kindsOf(args []string) (rows []*kind, words []string, err error) {
	if args[0] == "all" {
		if len(args) > 1 {
			return nil, nil, usage("all kinds take no names")
		}
		all := kinds()
		for i := range all {
			if all[i].manifest != "" {
				rows = append(rows, &all[i])
			}
		}
		return rows, nil, nil
	}
	word, name, joined := strings.Cut(args[0], "/")
	k, err := kindCalled(word)
	if err != nil {
		return nil, nil, err
	}
	if joined {
		args = append([]string{word, name}, args[1:]...)
	}
	return []*kind{k}, args[1:], nil
}

// shown finds the objects that are asked for, by label.
func (n *names) shown(k *kind, of string, words []string) (out []shown, err error) {
	k, err = n.below(k, of)
	if err != nil {
		return nil, err
	}
	for _, word := range words {
		o, err := n.one(k, of, strings.TrimPrefix(word, string(k.noun)+"/"))
		if err != nil {
			return nil, err
		}
		out = append(out, shown{k, o})
	}
	if len(words) > 0 {
		return out, nil
	}
	list, err := k.objects.list(n.ctx, n.client, api.Query("page_size", "1000"))
	if err != nil {
		return nil, err
	}
	for _, o := range list {
		if n.project == "" || k.project == nil || k.project(n, o) == n.project || k.project(n, o) == "" {
			out = append(out, shown{k, o})
		}
	}
	slices.SortStableFunc(out, func(a, b shown) int { return cmp.Compare(n.key(k, a.object), n.key(k, b.object)) })
	return out, nil
}

// key is what a list is sorted by: what the kind says; else the label, and of the same label whose it is.
func (n *names) key(k *kind, o object) string {
	switch {
	case k.key != nil:
		return k.key(n, o)
	case k.project != nil:
		return labelOf(o) + " " + n.scopeLabel(k, o)
	}
	return labelOf(o)
}

// below narrows a kind to what belongs to one object.
func (n *names) below(k *kind, of string) (*kind, error) {
	if of == "" {
		return k, nil
	}
	if k.owner == "" {
		return nil, usage("--of is for what belongs to another object: rules, attachments, entries")
	}
	id, err := n.id(k.owner, of)
	if err != nil {
		return nil, err
	}
	narrow := *k
	narrow.objects = k.below(id)
	return &narrow, nil
}

// show prints objects; one that was asked for by name is not a list of one.
func (s *session) show(n *names, found []shown, single bool) error {
	switch s.output {
	case asNames:
		times := make(map[string]int)
		for _, f := range found {
			times[string(f.noun)+"/"+labelOf(f.object)]++
		}
		for _, f := range found {
			word := string(f.noun) + "/" + labelOf(f.object)
			if times[word] > 1 { // Other verbs have to know which is meant.
				word = string(f.noun) + "/" + f.object.Base().ID
			}
			s.printf("%s\n", word)
		}
		return nil
	case asJSON:
		if single {
			_, err := s.data(found[0].object)
			return err
		}
		items := []object{}
		for _, f := range found {
			items = append(items, f.object)
		}
		_, err := s.data(map[string]any{"items": items})
		return err
	case asYAML:
		return s.showDocuments(n, found, single)
	default:
		return s.showTables(n, found)
	}
}

// showTables prints a table for each kind.
func (s *session) showTables(n *names, found []shown) error {
	if len(found) == 0 {
		fmt.Fprintln(s.stderr, "there is none")
	}
	for begin := 0; begin < len(found); {
		k := found[begin].kind
		end := begin
		var rows [][]string
		for ; end < len(found) && found[end].noun == k.noun; end++ {
			rows = append(rows, k.line(n, found[end].object))
		}
		if begin > 0 {
			s.printf("\n")
		}
		if err := s.columns(k.titles(), rows); err != nil {
			return err
		}
		begin = end
	}
	return nil
}

// titles are the columns of the kind; what belongs to a project says so.
func (k *kind) titles() []string {
	out := []string{strings.ToUpper(strings.ReplaceAll(string(k.noun), "-", " "))}
	if k.scoped() {
		out = append(out, "PROJECT")
	}
	return append(out, k.header...)
}

// scoped reports whether the objects of the kind name a project themselves.
func (k *kind) scoped() bool {
	return k.project != nil && k.owner == "" && k.noun != policy.KindPort && k.noun != policy.KindSubnet
}

func (k *kind) line(n *names, o object) []string {
	out := []string{labelOf(o)}
	if k.scoped() {
		out = append(out, n.scopeLabel(k, o))
	}
	return append(out, k.row(n, o)...)
}
