package policy

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Connection is what policy sees of a packet: the tuple of the packet that opened the connection. Replies and ICMP errors
// about it get the connection's verdict, so they have no form of their own here.
type Connection struct {
	Src, Dst         netip.Addr // of one family
	Protocol         uint8
	SrcPort, DstPort uint16 // tcp, udp, sctp
	ICMPType         uint8  // icmp, icmpv6
	ICMPCode         uint8
}

// Local is the end of the connection at a port that sees it in the direction.
func (c Connection) Local(d Direction) netip.Addr {
	if d == Ingress {
		return c.Dst
	}
	return c.Src
}

// Remote is the other end.
func (c Connection) Remote(d Direction) netip.Addr { return c.Local(d.Reverse()) }

// Tier is the step of the evaluation that decided.
type Tier string

const (
	TierAntiSpoofing Tier = "anti-spoofing"
	TierPlatform     Tier = "platform"
	TierOrdered      Tier = "ordered"
	TierUnion        Tier = "union"
	TierProfile      Tier = "profile"
	TierNone         Tier = "no rule allows it"
)

// Decision is the verdict at one port in one direction, and why.
type Decision struct {
	Allowed  bool
	Tier     Tier
	Rule     *Rule         // the rule that decided, where one did
	Group    *Group        // the rule's group
	Platform *PlatformRule // the platform rule that decided, where one did
	Nearest  *Miss         // where nothing matched: the rule that came nearest, if there is one
}

// Miss is a rule that would have matched if the fields it lists were different.
type Miss struct {
	Rule   *Rule
	Group  *Group
	Fields []string // each a sentence part, such as "port 443 is not 80"
}

// Decide is policy.md as code: may the connection pass the port in the direction? It goes through everything that may matter, rule by rule and member by member, and is slow. false in
// the second result means that the snapshot does not know the port.
func Decide(s *Snapshot, port PortID, d Direction, c Connection) (Decision, bool) {
	v, ok := s.PortView(port)
	if !ok {
		return Decision{Tier: TierAntiSpoofing}, false
	}
	return DecideAt(s, v, d, c), true
}

// DecideAt is Decide for a port whose surroundings are at hand.
func DecideAt(s *Snapshot, v *PortView, d Direction, c Connection) Decision {
	for i := range PlatformRules {
		r := &PlatformRules[i]
		if r.matches(v, d, c) && (d == Ingress || v.maySend(r, c)) {
			return Decision{Allowed: r.Action == Allow, Tier: TierPlatform, Platform: r}
		}
	}
	if d == Egress && !v.Owns(c.Src) {
		return Decision{Tier: TierAntiSpoofing}
	}
	var nearest *Miss
	for _, want := range []Evaluation{Ordered, Union} {
		for _, g := range v.Groups {
			if g.Evaluation != want {
				continue
			}
			for _, r := range InOrder(s.RulesOf(GroupID(g.ID))) {
				if r.Direction != d {
					continue
				}
				miss := s.compare(v, r, d, c)
				if len(miss) == 0 {
					tier := map[Evaluation]Tier{Ordered: TierOrdered, Union: TierUnion}[want]
					return Decision{Allowed: r.Action == Allow, Tier: tier, Rule: r, Group: g}
				}
				if r.Action == Allow && (nearest == nil || len(miss) < len(nearest.Fields)) {
					nearest = &Miss{Rule: r, Group: g, Fields: miss}
				}
			}
		}
	}
	if v.Open[d] {
		return Decision{Allowed: true, Tier: TierProfile}
	}
	return Decision{Tier: TierNone, Nearest: nearest}
}

// InOrder lists the rules of an ordered group as they are tried: by position, by number where positions are equal, those without a
// position last.
func InOrder(rules []*Rule) []*Rule {
	rules = slices.Clone(rules)
	slices.SortFunc(rules, func(a, b *Rule) int {
		return cmp.Or(cmp.Compare(positionOf(a), positionOf(b)), cmp.Compare(a.Number, b.Number))
	})
	return rules
}

func positionOf(r *Rule) int {
	if r.Position == nil {
		return 1 << 30
	}
	return *r.Position
}

// Owns reports whether the port may send from the address: its own, its IPv6 link-local, or one of its pairs'.
func (v *PortView) Owns(a netip.Addr) bool {
	if slices.Contains(v.Port.Addresses, a) || a == v.Port.MAC.LinkLocal() {
		return true
	}
	return slices.ContainsFunc(v.Port.AllowedAddressPairs, func(p AddressPair) bool {
		return p.CIDR.Contains(a) || (!p.MAC.IsZero() && a == p.MAC.LinkLocal())
	})
}

// maySend reports whether the source is one for which the platform rule is asked: refusals of single packets hold whatever the
// source, and who has no address yet may ask for one.
func (v *PortView) maySend(r *PlatformRule, c Connection) bool {
	if r.Judged {
		return v.Owns(c.Src)
	}
	return r.Action == Drop || c.Src.IsUnspecified() || v.Owns(c.Src)
}

// compare lists what of a rule does not fit a connection; nothing means that the rule matches.
func (s *Snapshot) compare(v *PortView, r *Rule, d Direction, c Connection) (miss []string) {
	family := Version(c.Src)
	setVersion := 0
	if set, ok := Find[*IPSet](s, r.Remote.IPSetID); ok {
		setVersion = set.IPVersion
	}
	v4, v6 := r.Families(setVersion)
	if (family == 4 && !v4) || (family == 6 && !v6) {
		miss = append(miss, fmt.Sprintf("the rule is not for IPv%d", family))
	}
	if number, one := r.Protocol.NumberIn(family); r.Protocol != All && (!one || number != c.Protocol) {
		miss = append(miss, fmt.Sprintf("protocol %d is not %s", c.Protocol, r.Protocol))
	}
	miss = append(miss, compareService(r, c)...)
	if remote := c.Remote(d); !s.remoteHolds(v, r.Remote, remote) {
		miss = append(miss, fmt.Sprintf("%s is not in %s", remote, s.Describe(r.Remote)))
	}
	if local := c.Local(d); r.LocalCIDR != nil && !r.LocalCIDR.Prefix().Contains(local) {
		miss = append(miss, fmt.Sprintf("the port's address %s is not in %s", local, r.LocalCIDR))
	}
	return miss
}

func compareService(r *Rule, c Connection) (miss []string) {
	hasPorts := c.Protocol == ProtoTCP || c.Protocol == ProtoUDP || c.Protocol == ProtoSCTP
	if r.PortMin != nil && hasPorts && (int(c.DstPort) < *r.PortMin || int(c.DstPort) > *r.PortMax) {
		ports := fmt.Sprint(*r.PortMin)
		if *r.PortMax != *r.PortMin {
			ports = fmt.Sprintf("%d-%d", *r.PortMin, *r.PortMax)
		}
		miss = append(miss, fmt.Sprintf("port %d is not %s", c.DstPort, ports))
	}
	if r.ICMPType != nil && int(c.ICMPType) != *r.ICMPType {
		miss = append(miss, fmt.Sprintf("ICMP type %d is not %d", c.ICMPType, *r.ICMPType))
	}
	if r.ICMPCode != nil && int(c.ICMPCode) != *r.ICMPCode {
		miss = append(miss, fmt.Sprintf("ICMP code %d is not %d", c.ICMPCode, *r.ICMPCode))
	}
	return miss
}

// remoteHolds reports whether the address is one that the remote means, seen from the port: members and subnets count
// within the port's VPC only.
func (s *Snapshot) remoteHolds(v *PortView, r Remote, a netip.Addr) bool {
	switch r.Kind() {
	case RemoteCIDRs:
		return slices.ContainsFunc(r.CIDRs, func(c CIDR) bool { return c.Prefix().Contains(a) })
	case RemoteGroup:
		return slices.ContainsFunc(s.MembersOf(r.GroupID), func(m Member) bool {
			return string(m.VPCID) == v.VPC.ID && m.Prefix.Contains(a)
		})
	case RemoteIPSet:
		return slices.ContainsFunc(s.EntriesOf(r.IPSetID), func(e *Entry) bool { return e.CIDR.Prefix().Contains(a) })
	case RemoteSubnet:
		sub, ok := Find[*Subnet](s, r.SubnetID)
		return ok && string(sub.VPCID) == v.VPC.ID && slices.ContainsFunc(sub.CIDRs, func(c netip.Prefix) bool { return c.Contains(a) })
	case RemoteOwn:
		return slices.ContainsFunc(v.Subnet.CIDRs, func(c netip.Prefix) bool { return c.Contains(a) })
	case RemoteAny:
	}
	return true
}

// Describe names a remote for people: by name, not by id.
func (s *Snapshot) Describe(r Remote) string {
	named := func(k Kind, id string) string {
		if o, ok := s.Get(k, id); ok {
			return fmt.Sprintf("%s %s", k, o.Label())
		}
		return fmt.Sprintf("%s %s", k, id)
	}
	switch r.Kind() {
	case RemoteCIDRs:
		words := make([]string, 0, len(r.CIDRs))
		for _, c := range r.CIDRs {
			words = append(words, c.String())
		}
		return strings.Join(words, ", ")
	case RemoteGroup:
		return named(KindGroup, string(r.GroupID))
	case RemoteIPSet:
		return named(KindIPSet, string(r.IPSetID))
	case RemoteSubnet:
		return named(KindSubnet, string(r.SubnetID))
	case RemoteOwn:
		return "the port's own subnet"
	case RemoteAny:
	}
	return "anywhere"
}
