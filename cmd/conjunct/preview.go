package main

import (
	"fmt"
	"io"
	"strings"

	"conjunct/policy"
)

// preview says what a change would do to how ports are judged. Where the output is for programs it goes beside it.
func (s *session) preview(p *policy.Preview) {
	out := s.stdout
	if s.output != table {
		out = s.stderr
	}
	if p.Ports == 0 {
		fmt.Fprintln(out, "no port is judged otherwise")
		return
	}
	fmt.Fprintf(out, "%s judged otherwise; ingress: %s; egress: %s\n", judgedOtherwise(p.Ports), countsOf(p.Ingress), countsOf(p.Egress))
	for _, item := range p.Items {
		for _, d := range item.Directions {
			s.flip(out, item, d)
		}
	}
	if p.LeftOut > 0 {
		fmt.Fprintf(out, "  and %d more\n", p.LeftOut)
	}
}

var effectColors = map[policy.Effect]string{
	policy.EffectOpened: changed, policy.EffectClosed: bad, policy.EffectChanged: changed, policy.EffectAdded: good, policy.EffectRemoved: quiet,
}

// flip writes a direction of a port: what it is and what it becomes.
func (s *session) flip(out io.Writer, item policy.PortFlip, d policy.DirectionFlip) {
	causes := make([]string, len(d.Causes))
	for i, c := range d.Causes {
		causes[i] = string(c)
	}
	why := ""
	if len(causes) > 0 {
		why = " by " + strings.Join(causes, ", ")
	}
	fmt.Fprintf(out, "  %s %s %s%s\n", item.PortID, d.Direction, s.paint(effectColors[d.Effect], string(d.Effect)), why)
	for _, side := range []struct {
		word string
		*policy.Judgement
	}{{"was", d.Before}, {"is ", d.After}} {
		if side.Judgement == nil {
			continue
		}
		platform := ""
		if len(side.Platform) > 0 {
			platform = "; " + strings.Join(side.Platform, ", ")
		}
		fmt.Fprintf(out, "    %s %s%s\n", side.word, side.Because, platform)
	}
}

func judgedOtherwise(n int) string {
	if n == 1 {
		return "1 port is"
	}
	return fmt.Sprintf("%d ports are", n)
}

func countsOf(c policy.FlipCount) string {
	var words []string
	for _, one := range []struct {
		n    int
		word policy.Effect
	}{
		{c.Opened, policy.EffectOpened}, {c.Closed, policy.EffectClosed}, {c.Changed, policy.EffectChanged},
		{c.Added, policy.EffectAdded}, {c.Removed, policy.EffectRemoved},
	} {
		if one.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", one.n, one.word))
		}
	}
	if len(words) == 0 {
		return "as before"
	}
	return strings.Join(words, ", ")
}
