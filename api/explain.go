package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"conjunct/policy"
)

// Question asks whether a connection may be opened. Each end is a port, an address, or an address of a port.
type Question struct {
	From     QuestionEnd     `json:"from"`
	To       QuestionEnd     `json:"to"`
	Protocol policy.Protocol `json:"protocol"`
	Port     *int            `json:"port"`       // of the receiver; tcp, udp and sctp need it
	SrcPort  *int            `json:"src_port"`   // of the sender; null: some port above 32767
	ICMPType *int            `json:"icmp_type"`  // null: an echo request
	ICMPCode *int            `json:"icmp_code"`  // null: 0
	Version  *int            `json:"ip_version"` // null: what the addresses say; of two ports with both, 4
}

// QuestionEnd is one end of a connection.
type QuestionEnd struct {
	PortID  policy.PortID `json:"port_id"`
	Address netip.Addr    `json:"address,omitzero"`
}

// Answer is the verdict for a connection, with the reason at each end that is a port.
type Answer struct {
	Allowed bool         `json:"allowed"`
	From    AnswerEnd    `json:"from"`
	To      AnswerEnd    `json:"to"`
	Steps   []AnswerStep `json:"steps"` // the sender's egress, then the receiver's ingress
}

// AnswerEnd is an end as it was understood: an address that belongs to a port is that port.
type AnswerEnd struct {
	PortID  policy.PortID `json:"port_id,omitempty"`
	Address netip.Addr    `json:"address"`
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
	q := new(Question)
	if err := decodeStrict(doc, q); err != nil {
		return err
	}
	var answer *Answer
	c.Objects.View(func(s *policy.Snapshot) {
		c.setRevision(s.Revision)
		answer, err = c.reader(s).answer(q)
	})
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, answer)
}

func (rd *reader) answer(q *Question) (*Answer, error) {
	asked := &questioning{reader: rd, q: q}
	conn, from, to := asked.connection()
	if len(asked.findings) > 0 {
		return nil, &policy.Invalid{Findings: asked.findings}
	}
	v := policy.Explain(rd.state, from, to, conn)
	out := &Answer{Allowed: v.Allowed, Steps: []AnswerStep{}, From: answerEnd(from, conn.Src), To: answerEnd(to, conn.Dst)}
	for _, step := range v.Steps {
		out.Steps = append(out.Steps, rd.step(step))
	}
	return out, nil
}

func answerEnd(e policy.End, a netip.Addr) AnswerEnd {
	out := AnswerEnd{Address: a}
	if e.Port != nil {
		out.PortID = policy.PortID(e.Port.Port.ID)
	}
	return out
}

func (rd *reader) step(s policy.Step) AnswerStep {
	d := s.Decision
	out := AnswerStep{PortID: policy.PortID(s.Port.Port.ID), Direction: s.Direction, Allowed: d.Allowed, Tier: d.Tier}
	switch {
	case d.Rule != nil:
		source := sourceOf(d.Group)
		out.Source, out.Rule = &source, rd.rule(d.Rule)
		out.Because = fmt.Sprintf("rule %s of security group %q matches", d.Rule.Label(), d.Group.Label())
	case d.Platform != nil:
		out.Source, out.Platform = &Source{Kind: "platform", ID: d.Platform.Name, Name: d.Platform.Name}, platformOf(d.Platform)
		out.Because = "platform rule " + d.Platform.Name + ": " + d.Platform.Description
	case d.Tier == policy.TierProfile:
		out.Source = &Source{Kind: string(policy.KindProfile), ID: s.Port.Profile.ID, Name: s.Port.Profile.Name}
		out.Because = openWords(s.Port, s.Direction)
	case d.Tier == policy.TierAntiSpoofing:
		out.Because = "the source is not an address of the port"
	case d.Nearest != nil:
		out.Nearest = &Nearest{Rule: rd.rule(d.Nearest.Rule), Source: sourceOf(d.Nearest.Group), Misses: d.Nearest.Fields}
		out.Because = fmt.Sprintf("no rule allows it; rule %s of security group %q came nearest", d.Nearest.Rule.Label(), d.Nearest.Group.Label())
	case len(s.Port.Groups) == 0:
		out.Because = "the port has no security group, and the profile closes such ports"
	default:
		out.Because = "no rule of the port's security groups is for " + string(s.Direction)
	}
	return out
}

// questioning finds out which connection is meant.
type questioning struct {
	decoding
	*reader
	q *Question
}

func (a *questioning) connection() (c policy.Connection, from, to policy.End) {
	from, to = a.end("/from", a.q.From), a.end("/to", a.q.To)
	version := a.version(from, to)
	a.protocol(&c, version)
	if len(a.findings) > 0 {
		return c, from, to
	}
	c.Src, c.Dst = a.address(&from, version), a.address(&to, version)
	a.neighbour(&from, to)
	a.neighbour(&to, from)
	if from.Port == nil && to.Port == nil {
		a.add("/from", "required", "name a port at one end at least: an address alone means something only inside a VPC")
	}
	return c, from, to
}

func (a *questioning) end(at string, e QuestionEnd) policy.End {
	out := policy.End{Address: e.Address}
	if e.PortID == "" && !e.Address.IsValid() {
		a.add(at, "required", "give a port_id or an address")
	}
	if e.Address.IsValid() && (e.Address.Zone() != "" || e.Address.Is4In6()) {
		a.add(at+"/address", "address-invalid", "%s has a zone or is IPv4 in IPv6; write it plainly", e.Address)
	}
	if e.PortID == "" {
		return out
	}
	v, ok := a.portView(e.PortID)
	if !ok {
		a.add(at+"/port_id", "reference-missing", "port %q does not exist", e.PortID)
		return out
	}
	out.Port = v
	return out
}

// version is the IP version that both ends can speak.
func (a *questioning) version(from, to policy.End) int {
	if v := a.q.Version; v != nil && *v != 4 && *v != 6 {
		a.add("/ip_version", "ip-version-invalid", "%d is not an IP version; use 4, 6 or null", *v)
		return 4
	}
	for _, version := range []int{4, 6} {
		wanted := (a.q.Version == nil || *a.q.Version == version) && (version == 6 || a.q.Protocol != policy.ICMPv6)
		if wanted && speaks(from, version) && speaks(to, version) {
			return version
		}
	}
	if len(a.findings) == 0 {
		a.add("", "family-mismatch", "the ends have no address of the same IP version that the question allows")
	}
	return 4
}

func speaks(e policy.End, version int) bool {
	if e.Address.IsValid() {
		return policy.Version(e.Address) == version
	}
	return e.Port != nil && slices.ContainsFunc(e.Port.Port.Addresses, func(a netip.Addr) bool { return policy.Version(a) == version })
}

func (a *questioning) address(e *policy.End, version int) netip.Addr {
	if !e.Address.IsValid() {
		i := slices.IndexFunc(e.Port.Port.Addresses, func(addr netip.Addr) bool { return policy.Version(addr) == version })
		e.Address = e.Port.Port.Addresses[i]
	}
	return e.Address
}

// neighbour makes an address the port of the other end's VPC that has it.
func (a *questioning) neighbour(e *policy.End, other policy.End) {
	if e.Port != nil || other.Port == nil {
		return
	}
	if at, ok := a.snapshot.PortAt(policy.VPCID(other.Port.VPC.ID), e.Address); ok {
		e.Port, _ = a.portView(policy.PortID(at.Port.ID))
	}
}

// ephemeralPort stands for a sender's port that nobody named.
const ephemeralPort = 49152

// echoRequest are the ICMP types of it, by IP version (RFC 792, RFC 4443).
var echoRequest = map[int]uint8{4: 8, 6: 128}

func (a *questioning) protocol(c *policy.Connection, version int) {
	number, ok := a.q.Protocol.NumberIn(version)
	if !ok {
		a.add("/protocol", "protocol-invalid", "a connection has one protocol of IPv%d: tcp, udp, sctp, icmp, icmpv6 or a number, not %q", version, a.q.Protocol)
		return
	}
	c.Protocol = number
	within := func(pointer string, n *int, low, high, otherwise int) int {
		if n == nil {
			return otherwise
		}
		if *n < low || *n > high {
			a.add(pointer, "out-of-range", "%d is outside %d to %d", *n, low, high)
		}
		return *n
	}
	switch {
	case a.q.Protocol.HasPorts():
		if a.q.Port == nil {
			a.add("/port", "required", "%s needs a port", a.q.Protocol)
		}
		c.DstPort = uint16(within("/port", a.q.Port, 1, 65535, 0))
		c.SrcPort = uint16(within("/src_port", a.q.SrcPort, 1, 65535, ephemeralPort))
	case a.q.Port != nil || a.q.SrcPort != nil:
		a.add("/port", "port-not-allowed", "port and src_port may only be set for tcp, udp or sctp (protocol is %s)", a.q.Protocol)
	}
	switch {
	case a.q.Protocol.IsICMP():
		c.ICMPType = uint8(within("/icmp_type", a.q.ICMPType, 0, 255, int(echoRequest[version])))
		c.ICMPCode = uint8(within("/icmp_code", a.q.ICMPCode, 0, 255, 0))
	case a.q.ICMPType != nil || a.q.ICMPCode != nil:
		a.add("/icmp_type", "icmp-not-allowed", "icmp_type/icmp_code may only be set for icmp or icmpv6 (protocol is %s)", a.q.Protocol)
	}
}
