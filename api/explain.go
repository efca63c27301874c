package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"conjunct/policy"
)

// Answer is the verdict for a packet, with the reason at each end that is a port.
type Answer struct {
	Allowed bool         `json:"allowed"`
	From    AnswerEnd    `json:"from"`
	To      AnswerEnd    `json:"to"`
	Steps   []AnswerStep `json:"steps"` // egress of the end that opens, then ingress of the other
	// Connection is what was asked, with everything filled in that was left out.
	Connection AnswerConnection `json:"connection"`
	// Bridges are what the flows that bridges hold do with the packet, and Findings where that is not what the policy says; only with
	// source=bridge.
	Bridges  []policy.Passage `json:"bridges,omitempty"`
	Findings []BridgeFinding  `json:"findings,omitempty"`
}

// AnswerEnd is an end as it was understood: an address that belongs to a port is that port.
type AnswerEnd struct {
	PortID  policy.PortID `json:"port_id,omitempty"`
	Address netip.Addr    `json:"address"`
	// Where says what the address is to the other end.
	Where string `json:"where"`
}

// AnswerConnection is the connection as it was understood. Ports are 0 where the protocol has none.
type AnswerConnection struct {
	Protocol       policy.Protocol   `json:"protocol"`
	ProtocolNumber int               `json:"protocol_number"`
	SrcPort        int               `json:"src_port,omitempty"`
	Port           int               `json:"port,omitempty"`
	ICMPType       *int              `json:"icmp_type,omitempty"`
	ICMPCode       *int              `json:"icmp_code,omitempty"`
	Packet         policy.PacketKind `json:"packet"`
}

// AnswerStep is the verdict at one end.
type AnswerStep struct {
	PortID    policy.PortID    `json:"port_id"`
	Direction policy.Direction `json:"direction"`
	Allowed   bool             `json:"allowed"`
	Tier      policy.Tier      `json:"tier"`
	Source    *Source          `json:"source,omitempty"`   // of what decided
	Rule      *Rule            `json:"rule,omitempty"`     // that decided
	Platform  *PlatformRule    `json:"platform,omitempty"` // that decided
	Nearest   *Nearest         `json:"nearest,omitempty"`  // where nothing matched
	Because   string           `json:"because"`
	// Stages are what was asked, in order; the last one decided.
	Stages []AnswerStage `json:"stages"`
	// Suggestion is the least that would let it pass; only where it is refused.
	Suggestion *Suggestion `json:"suggestion,omitempty"`
}

// AnswerStage is one step of the evaluation at an end.
type AnswerStage struct {
	Tier    policy.Tier `json:"tier"`
	Source  *Source     `json:"source,omitempty"`
	Outcome string      `json:"outcome"` // next, allowed or refused
	Because string      `json:"because"`
}

// Nearest is the rule that came nearest to allowing a connection, and what of it does not fit.
type Nearest struct {
	Rule   *Rule    `json:"rule"`
	Source Source   `json:"source"`
	Misses []string `json:"misses"`
}

func (c *call) explain() error {
	doc, _, err := c.body(typeJSON)
	if err != nil {
		return err
	}
	ofBridge, err := c.asksBridges()
	if err != nil {
		return err
	}
	q := new(Question)
	if err := decodeStrict(doc, q); err != nil {
		return err
	}
	if ofBridge {
		c.awaitApplied(c.Objects.Revision(), c.Inspector.Late, bridgePatience) // Who still lacks something says so.
	}
	var answer *Answer
	var a *asked
	c.Objects.View(func(s *policy.Snapshot) {
		c.setRevision(s.Revision)
		rd := c.reader(s)
		if a, err = rd.ask(q); err == nil {
			answer = rd.answer(a)
		}
	})
	if err != nil {
		return err
	}
	if ofBridge {
		if err := c.askBridges(a, answer); err != nil {
			return err
		}
	}
	return c.reply(http.StatusOK, answer)
}

// asked is a question that was understood.
type asked struct {
	from, to   policy.End
	connection policy.Connection
	kind       policy.PacketKind
	verdict    policy.Verdict
}

func (rd *reader) ask(q *Question) (*asked, error) {
	questioning := &questioning{reader: rd, q: q}
	out := &asked{kind: questioning.kind()}
	out.connection, out.from, out.to = questioning.connection()
	if len(questioning.findings) > 0 {
		return nil, &policy.Invalid{Findings: questioning.findings}
	}
	out.verdict = policy.ExplainPacket(rd.state, out.from, out.to, out.connection, out.kind)
	return out, nil
}

func (rd *reader) answer(a *asked) *Answer {
	out := &Answer{
		Allowed: a.verdict.Allowed, Steps: []AnswerStep{}, Connection: connectionOf(a),
		From: rd.end(a.from, a.connection.Src, a.to), To: rd.end(a.to, a.connection.Dst, a.from),
	}
	for _, step := range a.verdict.Steps {
		said := rd.step(step, a.kind)
		if !step.Decision.Allowed {
			said.Suggestion = rd.suggest(a, step)
		}
		out.Steps = append(out.Steps, said)
	}
	return out
}

func connectionOf(a *asked) AnswerConnection {
	c := a.connection
	out := AnswerConnection{ProtocolNumber: int(c.Protocol), SrcPort: int(c.SrcPort), Port: int(c.DstPort), Packet: a.kind}
	out.Protocol, _ = policy.ParseProtocol(fmt.Sprint(c.Protocol)) // Every number is one.
	if out.Protocol.IsICMP() {
		out.ICMPType, out.ICMPCode = new(int(c.ICMPType)), new(int(c.ICMPCode))
	}
	return out
}

func (rd *reader) end(e policy.End, a netip.Addr, other policy.End) AnswerEnd {
	out := AnswerEnd{Address: a}
	if e.Port == nil {
		out.Where = "outside of every subnet of VPC " + other.Port.VPC.Label()
		for sub := range policy.Referrers[*policy.Subnet](rd.snapshot, policy.KindVPC, other.Port.VPC.ID) {
			if slices.ContainsFunc(sub.CIDRs, func(p netip.Prefix) bool { return p.Contains(a) }) {
				out.Where = fmt.Sprintf("in subnet %s, where no port has it", sub.Label())
			}
		}
		return out
	}
	out.PortID = policy.PortID(e.Port.Port.ID)
	out.Where = fmt.Sprintf("instance %s, in subnet %s of VPC %s", e.Port.Instance.Label(), e.Port.Subnet.Label(), e.Port.VPC.Label())
	return out
}

func (rd *reader) step(s policy.Step, k policy.PacketKind) AnswerStep {
	d := s.Decision
	out := AnswerStep{PortID: policy.PortID(s.Port.Port.ID), Direction: s.Direction, Allowed: d.Allowed, Tier: d.Tier}
	switch {
	case d.Rule != nil:
		source := sourceOf(d.Group)
		out.Source, out.Rule = &source, rd.rule(d.Rule)
		out.Because = fmt.Sprintf("rule %s of security group %q matches", d.Rule.Label(), d.Group.Label())
	case d.Platform != nil:
		out.Source, out.Platform = &Source{Kind: "platform", ID: d.Platform.Name, Name: d.Platform.Name}, rd.platform(d.Platform)
		out.Because = "platform rule " + d.Platform.Name + ": " + d.Platform.Description
	case d.Tier == policy.TierProfile:
		out.Source = profileSource(s.Port)
		out.Because = openWords(s.Port, s.Direction)
	case d.Tier == policy.TierAntiSpoofing:
		out.Because = "the source is not an address of the port"
	case d.Tier == policy.TierTracking:
		out.Because = "what the platform lets pass is not tracked, so nothing is known of what the packet speaks of"
	case d.Nearest != nil:
		out.Nearest = &Nearest{Rule: rd.rule(d.Nearest.Rule), Source: sourceOf(d.Nearest.Group), Misses: d.Nearest.Fields}
		out.Because = fmt.Sprintf("no rule allows it; rule %s of security group %q came nearest", d.Nearest.Rule.Label(), d.Nearest.Group.Label())
	default:
		out.Because = closedWords(s.Port, s.Direction)
	}
	for i, stage := range s.Stages {
		out.Stages = append(out.Stages, stageOf(stage, s, k, i == len(s.Stages)-1, out.Because))
	}
	return out
}

func closedWords(v *policy.PortView, d policy.Direction) string {
	if len(v.Groups) == 0 {
		return "the port has no security group, and the profile closes such ports"
	}
	return "no rule of the port's security groups is for " + string(d)
}

func profileSource(v *policy.PortView) *Source {
	return &Source{Kind: string(policy.KindProfile), ID: v.Profile.ID, Name: v.Profile.Name}
}

// returning says in what words a packet follows its connection.
var returning = map[policy.PacketKind]string{
	policy.PacketReply: "a reply", policy.PacketError: "an ICMP error about what was sent",
}

// stageOf puts a stage into words; that which decided has the reason of the whole.
func stageOf(stage policy.Stage, s policy.Step, k policy.PacketKind, last bool, because string) AnswerStage {
	out := AnswerStage{Tier: stage.Tier, Outcome: "next", Because: because}
	if stage.Group != nil {
		source := sourceOf(stage.Group)
		out.Source = &source
	}
	if stage.Tier == policy.TierProfile {
		out.Source = profileSource(s.Port)
	}
	if last {
		out.Outcome = map[bool]string{true: "allowed", false: "refused"}[stage.Passed]
		return out
	}
	switch stage.Tier {
	case policy.TierAntiSpoofing:
		out.Because = "the source is an address of the port"
	case policy.TierPlatform:
		out.Because = "no platform rule is about it"
	case policy.TierTracking:
		out.Because = fmt.Sprintf("%s: the %s rules judge that let the connection be opened", returning[k], s.Direction)
	default:
		out.Because = fmt.Sprintf("none of its %s rules (%d) matches", s.Direction, stage.Rules)
	}
	return out
}
