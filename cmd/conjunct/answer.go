package main

import (
	"fmt"
	"strings"

	"conjunct/api"
	"conjunct/policy"
)

// answer prints the verdict for a connection, end by end.
func (s *session) answer(n *names, q *api.Question, a *api.Answer) error {
	if done, err := s.data(a); done {
		return err
	}
	verdict := s.verdict(a.Allowed)
	if s.output == asNames {
		s.printf("%s\n", verdict)
		return nil
	}
	s.printf("%s: %s to %s, %s\n", verdict, n.endWords(a.From), n.endWords(a.To), serviceWords(q))
	for _, step := range a.Steps {
		s.printf("\n%s at %s: %s\n", step.Direction, n.portLabel(step.PortID), s.verdict(step.Allowed))
		for _, stage := range step.Stages[:max(0, len(step.Stages)-1)] {
			s.printf("  %s: %s\n", stageWords(stage), stage.Because)
		}
		for _, line := range n.reason(step) {
			s.printf("  %s\n", line)
		}
		for _, line := range suggestionLines(step.Suggestion) {
			s.printf("  %s\n", line)
		}
	}
	s.bridges(n, a)
	return nil
}

func (s *session) verdict(allowed bool) string {
	if allowed {
		return s.paint(good, "allowed")
	}
	return s.paint(bad, "denied")
}

// bridges prints what the flows do at each end, and where that is not what the policy says.
func (s *session) bridges(n *names, a *api.Answer) {
	for _, p := range a.Bridges {
		s.printf("\nflows of %s at %s (port %d): %s\n", p.Host, n.portLabel(p.Port), p.OFPort, s.verdict(p.Passed))
		if p.Note != "" {
			s.printf("  %s\n", p.Note)
		}
		for _, l := range p.Tables {
			s.printf("  %2d %s: %s\n", l.Table, l.Name, l.Meaning)
			if l.Flow != "" {
				s.printf("       %s\n", l.Flow)
			}
		}
	}
	for _, f := range a.Findings {
		s.printf("\n%s %s at %s: %s by the policy, %s by the flows\n  %s\n", s.paint(bad, "finding:"), f.Host, n.portLabel(f.PortID), f.Expected, f.Got, f.Message)
		if f.Flow != "" {
			s.printf("  %s\n", f.Flow)
		}
	}
	if len(a.Bridges) > 0 && len(a.Findings) == 0 {
		s.printf("\nthe flows do what the policy says\n")
	}
}

// stageWords names what was asked.
func stageWords(stage api.AnswerStage) string {
	if stage.Source == nil {
		return string(stage.Tier)
	}
	return fmt.Sprintf("%s %s", stage.Tier, stage.Source.Name)
}

// suggestionLines say what would let the connection pass.
func suggestionLines(s *api.Suggestion) (out []string) {
	if s == nil {
		return nil
	}
	for _, need := range s.Needs {
		out = append(out, "it needs: "+need.Because)
	}
	if len(s.Commands) > 0 {
		out = append(out, "this would allow it:")
	}
	for _, command := range s.Commands {
		out = append(out, "  "+command)
	}
	for _, note := range s.Notes {
		out = append(out, "  "+note)
	}
	return out
}

// reason says in lines what decided at one end.
func (n *names) reason(step api.AnswerStep) (out []string) {
	switch {
	case step.Rule != nil:
		out = append(out, n.ruleLine("rule", step.Rule, step.Source.Name))
	case step.Nearest != nil:
		out = append(out, "no rule allows it", n.ruleLine("nearest: rule", step.Nearest.Rule, step.Nearest.Source.Name))
		for _, miss := range step.Nearest.Misses {
			out = append(out, "  but "+miss)
		}
	default:
		out = append(out, step.Because)
	}
	return out
}

func (n *names) ruleLine(lead string, r *api.Rule, group string) string {
	return fmt.Sprintf("%s %s of security-group %s: %s  (%s)", lead, r.Label(), group, n.ruleText(&r.Rule), ruleMarks(r))
}

// ruleMarks are by what a rule is found elsewhere.
func ruleMarks(r *api.Rule) string {
	marks := []string{fmt.Sprintf("number %d", r.Number)}
	if r.Name != "" {
		marks = append(marks, r.ID)
	}
	return strings.Join(append(marks, fmt.Sprintf("%d packets", r.Hits.Packets)), ", ")
}

func (n *names) endWords(e api.AnswerEnd) string {
	if e.PortID == "" {
		return e.Address.String()
	}
	return fmt.Sprintf("%s (%s)", n.portLabel(e.PortID), e.Address)
}

// portLabel names a port by its instance too, where that says more.
func (n *names) portLabel(id policy.PortID) string {
	o, ok := n.look(policy.KindPort, string(id))
	if !ok {
		return string(id)
	}
	p := o.(*api.Port)
	instance := n.label(policy.KindInstance, string(p.InstanceID))
	if instance == p.ID {
		return p.ID
	}
	return fmt.Sprintf("%s of %s", p.ID, instance)
}

func serviceWords(q *api.Question) string {
	out := string(q.Protocol)
	if q.Packet != "" {
		out = fmt.Sprintf("%s of %s", q.Packet, out)
	}
	if q.Port != nil {
		out += fmt.Sprintf(" %d", *q.Port)
	}
	if q.ICMPType != nil {
		out += fmt.Sprintf(" type %s", *q.ICMPType)
	}
	if q.ICMPCode != nil {
		out += fmt.Sprintf(" code %d", *q.ICMPCode)
	}
	return out
}
