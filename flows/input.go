package flows

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"slices"

	"conjunct/policy"
)

// Port is a local port as the pipeline sees it. A Port is immutable once a Host has it.
type Port struct {
	ID      policy.PortID
	Number  policy.Number // in cookies
	OFPort  uint16        // 1–65279: also the port's number in registers and its conntrack zone
	VPC     policy.Number
	Segment Segment
	MAC     policy.MAC
	// Addresses are the port's own; Pairs are further ones, each with a MAC.
	Addresses []netip.Addr
	Pairs     []policy.AddressPair
	Class     LocalClass
	// Subnet are the CIDRs of the port's subnet, masked: what rules mean by the port's own subnet.
	Subnet []netip.Prefix
	// DHCPServer and Router are the port's roles.
	DHCPServer, Router bool
}

// Segment is the subnet of a port.
type Segment struct {
	Number, VPC policy.Number
	VLAN        uint16 // 0: untagged
}

// LocalClass is all that the rules see of a local port. Ports with the same groups share their flows.
type LocalClass struct {
	Groups policy.NumberSet
	// Ordered are those of the groups that are ordered, in attachment order.
	Ordered     Turns
	OpenEgress  bool // everything passes outwards: no rule speaks of it
	OpenIngress bool
	Guard       bool // outbound SMTP is refused
	Metadata    bool // the metadata service is reached whatever the groups say
}

// Turns is a sequence of group numbers, comparable: four bytes each, big-endian.
type Turns string

// TurnsOf makes the sequence.
func TurnsOf(groups ...policy.Number) Turns {
	var b []byte
	for _, g := range groups {
		b = binary.BigEndian.AppendUint32(b, uint32(g))
	}
	return Turns(b)
}

// All iterates the groups in turn.
func (t Turns) All() iter.Seq[policy.Number] {
	return func(yield func(policy.Number) bool) {
		for ; t != ""; t = t[4:] {
			if !yield(policy.Number(binary.BigEndian.Uint32([]byte(t[:4])))) {
				return
			}
		}
	}
}

// Open reports whether everything passes in the direction.
func (c LocalClass) Open(d policy.Direction) bool {
	if d == policy.Egress {
		return c.OpenEgress
	}
	return c.OpenIngress
}

// PortOf turns a port and its surroundings into what the pipeline needs.
func PortOf(v *policy.PortView, ofport uint16) *Port {
	p := &Port{
		ID: policy.PortID(v.Port.ID), Number: v.Port.Number, OFPort: ofport, VPC: v.VPC.Number,
		Segment: Segment{Number: v.Subnet.Number, VPC: v.VPC.Number, VLAN: uint16(v.Subnet.VLAN)},
		MAC:     v.Port.MAC, Addresses: v.Port.Addresses, Pairs: slices.Clone(v.Port.AllowedAddressPairs),
		DHCPServer: v.Port.HasRole(policy.RoleDHCPServer), Router: v.Port.HasRole(policy.RoleRouter),
	}
	for _, c := range v.Subnet.CIDRs {
		p.Subnet = append(p.Subnet, c.Masked())
	}
	for i := range p.Pairs {
		if p.Pairs[i].MAC.IsZero() {
			p.Pairs[i].MAC = p.MAC
		}
	}
	numbers := make([]policy.Number, 0, len(v.Groups))
	var ordered []policy.Number
	for _, g := range v.Groups {
		numbers = append(numbers, g.Number)
		if g.Evaluation == policy.Ordered {
			ordered = append(ordered, g.Number)
		}
	}
	p.Class = LocalClass{
		Groups: policy.NumberSetOf(numbers...), Ordered: TurnsOf(ordered...),
		OpenEgress: v.Open[policy.Egress], OpenIngress: v.Open[policy.Ingress], Guard: v.SMTPGuard,
		Metadata: v.Profile.MetadataRules,
	}
	return p
}

// Group is a security group with its rules. It is immutable once a Source offers it.
type Group struct {
	Number policy.Number
	Rules  []Rule
}

// Rule is a rule as the pipeline sees it: references resolved to numbers and prefixes.
type Rule struct {
	Number    policy.Number
	ID        policy.RuleID
	Direction policy.Direction
	V4, V6    bool // the families that it speaks of
	Protocol  policy.Protocol
	// Ports are the destination ports, both ends included; nil means all. Type and Code are the ICMP type and code, -1 for any.
	Ports      *PortRange
	Type, Code int
	Remote     Remote
	Local      netip.Prefix // of the protected port; invalid means all its addresses
	// Run numbers the runs of rules with equal action in an ordered group and direction: 1 to lastRun, those that come first
	// lower; 0 in a union group. Drop is the action of an ordered group's run.
	Run  uint16
	Drop bool
}

// PortRange is the ports First to Last.
type PortRange struct{ First, Last uint16 }

// Remote is a rule's other side: anywhere, one of Groups' and Sets' numbers, prefixes, or the subnet of the port at hand.
type Remote struct {
	Kind   policy.RemoteKind
	Number policy.Number // of the group or the IP set
	// Prefixes are those of a CIDR list or of a subnet; a subnet's count within VPC only.
	Prefixes []netip.Prefix
	VPC      policy.Number
}

// GroupOf turns a group's rules into what the pipeline needs.
func GroupOf(s *policy.Snapshot, g *policy.Group, rules []*policy.Rule) *Group {
	out := &Group{Number: g.Number, Rules: make([]Rule, 0, len(rules))}
	var runs map[*policy.Rule]uint16
	if g.Evaluation == policy.Ordered {
		rules = policy.InOrder(rules)
		runs = runsOf(rules)
	}
	for _, r := range rules {
		rule := ruleOf(s, r)
		if runs != nil {
			rule.Run, rule.Drop = runs[r], r.Action == policy.Drop
		}
		out.Rules = append(out.Rules, rule)
	}
	slices.SortFunc(out.Rules, func(a, b Rule) int { return int(int64(a.Number) - int64(b.Number)) })
	return out
}

func ruleOf(s *policy.Snapshot, r *policy.Rule) Rule {
	out := Rule{
		Number: r.Number, ID: policy.RuleID(r.ID), Direction: r.Direction, Protocol: r.Protocol, Type: -1, Code: -1,
		Remote: Remote{Kind: r.Remote.Kind()},
	}
	setVersion := 0
	switch out.Remote.Kind {
	case policy.RemoteCIDRs:
		for _, c := range r.Remote.CIDRs {
			out.Remote.Prefixes = append(out.Remote.Prefixes, c.Prefix().Masked())
		}
	case policy.RemoteGroup:
		if g, ok := policy.Find[*policy.Group](s, r.Remote.GroupID); ok {
			out.Remote.Number = g.Number
		}
	case policy.RemoteIPSet:
		if set, ok := policy.Find[*policy.IPSet](s, r.Remote.IPSetID); ok {
			out.Remote.Number, setVersion = set.Number, set.IPVersion
		}
	case policy.RemoteSubnet:
		if sub, ok := policy.Find[*policy.Subnet](s, r.Remote.SubnetID); ok {
			out.Remote.Prefixes = sub.CIDRs
			if vpc, ok := policy.Find[*policy.VPC](s, sub.VPCID); ok {
				out.Remote.VPC = vpc.Number
			}
		}
	case policy.RemoteAny, policy.RemoteOwn: // The ports say where the latter is.
	}
	out.V4, out.V6 = r.Families(setVersion)
	if r.PortMin != nil && r.PortMax != nil {
		out.Ports = &PortRange{uint16(*r.PortMin), uint16(*r.PortMax)}
	}
	if r.ICMPType != nil {
		out.Type = *r.ICMPType
	}
	if r.ICMPCode != nil {
		out.Code = *r.ICMPCode
	}
	if r.LocalCIDR != nil {
		out.Local = r.LocalCIDR.Prefix().Masked()
	}
	return out
}

// speaks reports whether the rule is for the family.
func (r *Rule) speaks(family int) bool { return (family == 4 && r.V4) || (family == 6 && r.V6) }
