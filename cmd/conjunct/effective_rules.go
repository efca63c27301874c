package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func effectiveRulesCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "effective-rules PORT",
		Short: "Show all that holds at a port, in the order in which it is tried",
		Long: `Effective-rules merges what holds at a port: the platform's rules, the rules of every group that the port has, and what the
profile opens; with what each comes from, why the port has the group, and how many packets it has decided: those of all ports. PORT is a port or an instance with one port.`,
		Example: `  conjunct effective-rules web-0`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			port, err := n.port(args[0])
			if err != nil {
				return err
			}
			rules, err := n.client.EffectiveRules(cmd.Context(), policy.PortID(port.ID))
			if err != nil {
				return err
			}
			if done, err := s.data(rules); done {
				return err
			}
			if s.output == asNames {
				for _, r := range rules.Items {
					if r.Rule != nil {
						s.printf("%s/%s\n", policy.KindRule, r.Rule.ID)
					}
				}
				return nil
			}
			var rows [][]string
			for _, r := range rules.Items {
				rows = append(rows, n.effectiveRow(r))
			}
			s.printf("port %s, profile %s\n", n.portLabel(rules.PortID), rules.Profile)
			if err := s.columns([]string{"TIER", "DIRECTION", "ACTION", "RULE", "NAME", "FROM", "BECAUSE", "PACKETS", "LAST HIT"}, rows); err != nil {
				return err
			}
			for _, l := range rules.Lifted {
				s.printf("not here: %s, because %s\n", l.Platform.ID, l.Reason)
			}
			return nil
		},
		ValidArgsFunction: s.completeFirst(policy.KindPort),
	}
}

func (n *names) effectiveRow(r api.EffectiveRule) []string {
	text, name, packets, last := "all", "", "", ""
	switch {
	case r.Rule != nil:
		text, name, packets, last = n.ruleText(&r.Rule.Rule), r.Rule.Label(), count(r.Rule.Hits.Packets), lastHit(r.Rule.Hits)
	case r.Platform != nil:
		text, name = platformText(r.Platform), r.Platform.ID
		if h := r.Platform.Hits; h != nil {
			packets, last = count(h.Packets), lastHit(*h)
		}
	}
	from := r.Source.Kind
	if r.Rule != nil || r.Source.Kind == string(policy.KindProfile) {
		from += " " + r.Source.Name
	}
	var because []string
	for _, c := range r.Because {
		because = append(because, n.causeWords(c))
	}
	if r.Reason != "" {
		because = append(because, r.Reason)
	}
	return []string{string(r.Tier), string(r.Direction), string(r.Action), text, name, from, strings.Join(because, ", "), packets, last}
}

// causeKinds are the kinds of what gives a port a group itself; other causes are attachments.
var causeKinds = map[string]policy.Kind{"instance": policy.KindInstance, "port": policy.KindPort}

func (n *names) causeWords(c api.Cause) string {
	if k, ok := causeKinds[c.By]; ok {
		return c.By + " " + n.label(k, c.ID)
	}
	return c.By + " " + c.ID
}

// platformText is a platform rule in the words of ovs-ofctl.
func platformText(p *api.PlatformRule) string {
	var out []string
	if p.IPVersion != nil {
		out = append(out, fmt.Sprintf("ipv%d", *p.IPVersion))
	}
	protocol := policy.Protocol("arp")
	if p.Protocol != nil {
		protocol, _ = policy.ParseProtocol(strconv.Itoa(int(*p.Protocol))) // Every number is a protocol.
	}
	out = append(out, string(protocol))
	if p.SrcPort != nil {
		out = append(out, fmt.Sprintf("tp_src=%d", *p.SrcPort))
	}
	if p.DstPort != nil {
		out = append(out, fmt.Sprintf("tp_dst=%d", *p.DstPort))
	}
	if len(p.ICMPTypes) > 0 {
		var types []string
		for _, t := range p.ICMPTypes {
			types = append(types, strconv.Itoa(int(t)))
		}
		out = append(out, "type="+strings.Join(types, ","))
	}
	return strings.Join(out, " ")
}
