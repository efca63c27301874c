package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func rulesCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "rules GROUP",
		Short: "Show the rules of a security group, inbound and outbound, a column for each field",
		Long: `Rules lists what a security group lets in and out in two tables, in the order in which ordered groups try it. 'conjunct get
rules --of GROUP' shows the same rules in the form that 'create rule' reads, with what they have decided.`,
		Example: `  conjunct rules web`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			k, err := n.below(kindOf(policy.KindRule), args[0])
			if err != nil {
				return err
			}
			found, err := n.shown(k, "", nil)
			if err != nil {
				return err
			}
			if s.output != table {
				return s.show(n, found, false)
			}
			for i, way := range []struct {
				direction     policy.Direction
				title, remote string
			}{{policy.Ingress, "Inbound", "SOURCE"}, {policy.Egress, "Outbound", "DESTINATION"}} {
				if i > 0 {
					s.printf("\n")
				}
				s.printf("%s\n", way.title)
				if err := s.fields(n, way.remote, ofDirection(found, way.direction)); err != nil {
					return err
				}
			}
			return nil
		},
		ValidArgsFunction: s.completeFirst(policy.KindGroup),
	}
}

func ofDirection(found []shown, d policy.Direction) (out []*api.Rule) {
	for _, f := range found {
		if r := f.object.(*api.Rule); r.Direction == d {
			out = append(out, r)
		}
	}
	return out
}

// fields prints rules of one direction. Columns that few groups need are there where a rule has something for them.
func (s *session) fields(n *names, remote string, rules []*api.Rule) error {
	if len(rules) == 0 {
		s.printf("  no rules\n")
		return nil
	}
	ordered := slices.ContainsFunc(rules, func(r *api.Rule) bool { return r.Position != nil })
	local := slices.ContainsFunc(rules, func(r *api.Rule) bool { return r.LocalCIDR != nil })
	titles := []string{"NAME", "TYPE", "PROTOCOL", "PORT RANGE", "ACTION", "IP TYPE", remote}
	if ordered {
		titles = append([]string{"POS"}, titles...)
	}
	if local {
		titles = append(titles, "OWN ADDRESS")
	}
	var rows [][]string
	for _, r := range rules {
		row := []string{r.Label(), r.Service, string(r.Protocol), portRange(&r.Rule), string(r.Action), n.ipType(&r.Rule), policy.RemoteText(r.Remote, n.label)}
		if ordered {
			row = append([]string{position(&r.Rule)}, row...)
		}
		if local {
			row = append(row, ownAddress(&r.Rule))
		}
		rows = append(rows, row)
	}
	return s.columns(titles, rows)
}

func position(r *policy.Rule) string {
	if r.Position == nil {
		return ""
	}
	return strconv.Itoa(*r.Position)
}

func ownAddress(r *policy.Rule) string {
	if r.LocalCIDR == nil {
		return "all"
	}
	return r.LocalCIDR.String()
}

// portRange is what of the protocol the rule is for.
func portRange(r *policy.Rule) string {
	switch {
	case r.PortMin != nil:
		return policy.PortText(*r.PortMin, *r.PortMax)
	case r.ICMPCode != nil:
		return fmt.Sprintf("type %d code %d", *r.ICMPType, *r.ICMPCode)
	case r.ICMPType != nil:
		return fmt.Sprintf("type %d", *r.ICMPType)
	}
	return "all"
}

// ipType says for which IP versions the rule is.
func (n *names) ipType(r *policy.Rule) string {
	version := 0
	if o, ok := n.look(policy.KindIPSet, string(r.Remote.IPSetID)); ok {
		version = o.(*api.IPSet).IPVersion
	}
	var out []string
	v4, v6 := r.Families(version)
	if v4 {
		out = append(out, "IPv4")
	}
	if v6 {
		out = append(out, "IPv6")
	}
	return strings.Join(out, ", ")
}
