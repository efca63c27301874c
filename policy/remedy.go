package policy

import (
	"fmt"
	"slices"
)

// Remedy is the least that has to change for a connection to pass at an end that refuses it: the needs first, then the rule.
type Remedy struct {
	// Needs are what no rule can stand in for.
	Needs []Need
	// Rule is the rule that is missing, without id and number; nil when none is.
	Rule *Rule
	// Group is where the rule goes. It is nil when the port has no group that may be changed: then the rule goes into a group of its own, which the
	// port is to be given.
	Group *Group
	// Before is the rule of the ordered Group that has to be tried after it; nil when any place will do.
	Before *Rule
	// Moved is the same rule as the one that would be added, which the ordered Group has behind Before and has to be moved; Rule is nil then.
	Moved *Rule
	// Others is how many other ports have Group: the rule holds for them too.
	Others int
	// Leaves is the default group that the port loses with the first group that it is given.
	Leaves *Group
	// Beyond tells that the asker may not change Group.
	Beyond bool
}

// Need is a change that comes before any rule. Without a kind there is none that helps, and Text says why.
type Need struct {
	Kind  Kind // of the object that has to change
	ID    string
	Field string // of the object
	Value any    // that the field needs
	Text  string
}

// Remedy says what would let the connection pass the port in the direction; false when it passes. peer is the port at the other end, nil for an
// address outside. may tells which groups the asker may change; nil means all.
func (s *Snapshot) Remedy(v *PortView, d Direction, c Connection, peer *PortView, may func(*Group) bool) (*Remedy, bool) {
	if may == nil {
		may = func(*Group) bool { return true }
	}
	if DecideAt(s, v, d, c).Allowed {
		return nil, false
	}
	out := new(Remedy)
	for {
		decision := DecideAt(s, v, d, c)
		need, supposed := s.need(v, c, decision)
		if need == nil {
			if !decision.Allowed {
				s.addRule(out, v, d, c, decision, peer, may)
			}
			return out, true
		}
		out.Needs = append(out.Needs, *need)
		if supposed == nil {
			return out, true
		}
		v = supposed
	}
}

// need is what has to change before rules are asked, and the port as it would be then: nil where no change helps.
func (s *Snapshot) need(v *PortView, c Connection, decision Decision) (*Need, *PortView) {
	supposed := *v
	port := v.Port.Clone().(*Port)
	supposed.Port = port
	switch {
	case decision.Tier == TierAntiSpoofing:
		return s.needAddress(&supposed, c)
	case decision.Allowed || decision.Platform == nil:
		return nil, nil
	case decision.Platform.Switch == SwitchSMTPGuard:
		supposed.SMTPGuard = false
		return &Need{
			Kind: KindProject, ID: string(v.Instance.ProjectID), Field: "smtp_allowed", Value: true,
			Text: fmt.Sprintf("outbound TCP 25 is refused whatever the rules say, until project %s has smtp_allowed", s.labelOf(KindProject, string(v.Instance.ProjectID))),
		}, &supposed
	case decision.Platform.Unless != "":
		port.Roles = append(port.Roles, decision.Platform.Unless)
		return &Need{
			Kind: KindPort, ID: port.ID, Field: "roles", Value: port.Roles,
			Text: fmt.Sprintf("%s: it needs the role %s", decision.Platform.Description, decision.Platform.Unless),
		}, &supposed
	}
	return &Need{Text: fmt.Sprintf("platform rule %s holds for every port: %s", decision.Platform.Name, decision.Platform.Description)}, nil
}

// needAddress gives the port the source as an allowed pair, where a port can have that.
func (s *Snapshot) needAddress(v *PortView, c Connection) (*Need, *PortView) {
	v.Port.AllowedAddressPairs = append(v.Port.AllowedAddressPairs, AddressPair{CIDR: HostPrefix(c.Src)})
	if c.Src.IsUnspecified() || c.Src.IsMulticast() || c.Src.IsLoopback() || len(Validate(v.Port, s)) > 0 || !v.Owns(c.Src) {
		return &Need{Text: fmt.Sprintf("no VM may send from %s", c.Src)}, nil
	}
	text := fmt.Sprintf("%s is none of the port's addresses: it may send from it when that is one of its allowed_address_pairs", c.Src)
	if _, ok := s.PortAt(VPCID(v.VPC.ID), c.Src); ok {
		text += "; it is another port's, though"
	}
	return &Need{Kind: KindPort, ID: v.Port.ID, Field: "allowed_address_pairs", Value: v.Port.AllowedAddressPairs, Text: text}, v
}

func (s *Snapshot) labelOf(k Kind, id string) string {
	if o, ok := s.Get(k, id); ok {
		return o.Label()
	}
	return id
}

// addRule finds the rule that is missing and where it goes.
func (s *Snapshot) addRule(out *Remedy, v *PortView, d Direction, c Connection, decision Decision, peer *PortView, may func(*Group) bool) {
	ports := s.portsByGroup()
	if decision.Tier == TierOrdered {
		out.Group, out.Beyond = decision.Group, !may(decision.Group)
	} else {
		out.Group = s.groupForRule(v, d, ports, may)
	}
	if out.Group == nil && v.Profile.DefaultMembership == UntilFirstChosen {
		out.Leaves = v.Default
	}
	if out.Group != nil && slices.Contains(v.Groups, out.Group) {
		out.Others = ports[GroupID(out.Group.ID)] - 1
	}
	out.Rule = s.ruleFor(v, d, c, out.Group, peer, ports)
	if decision.Tier != TierOrdered {
		return
	}
	out.Before = decision.Rule
	for _, r := range s.RulesOf(GroupID(out.Group.ID)) {
		if r.Identity() == out.Rule.Identity() {
			out.Rule, out.Moved = nil, r
			return
		}
	}
}

// portsByGroup counts the ports that have each group.
func (s *Snapshot) portsByGroup() map[GroupID]int {
	out := make(map[GroupID]int)
	for o := range s.All(KindPort) {
		if v, ok := s.PortView(PortID(o.Base().ID)); ok {
			for _, g := range v.Groups {
				out[GroupID(g.ID)]++
			}
		}
	}
	return out
}

// groupForRule is the group of the port that the fewest ports have among those that may be changed, unions before ordered ones. Where the first rule of a
// direction closes it, one that has rules for it is preferred.
func (s *Snapshot) groupForRule(v *PortView, d Direction, ports map[GroupID]int, may func(*Group) bool) *Group {
	var best *Group
	var rank [3]int
	for _, g := range v.Groups {
		if !may(g) || isLocked(v, g) {
			continue
		}
		is := [3]int{0, ports[GroupID(g.ID)], 0}
		if !slices.ContainsFunc(s.RulesOf(GroupID(g.ID)), func(r *Rule) bool { return r.Direction == d }) {
			is[0] = 1
		}
		if g.Evaluation == Ordered {
			is[2] = 1
		}
		if v.Profile.DirectionWithoutRules == UnruledDeny {
			is[0] = 0
		}
		if best == nil || slices.Compare(is[:], rank[:]) < 0 {
			best, rank = g, is
		}
	}
	return best
}
