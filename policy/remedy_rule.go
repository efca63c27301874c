package policy

import (
	"strconv"
)

// ruleFor is the narrowest rule that allows the connection at the port, valid in the group (nil: one of the port's project that does not exist yet).
func (s *Snapshot) ruleFor(v *PortView, d Direction, c Connection, g *Group, peer *PortView, ports map[GroupID]int) *Rule {
	r := &Rule{Direction: d, Action: Allow, Remote: Remote{CIDRs: []CIDR{CIDR(HostPrefix(c.Remote(d)))}}}
	if g != nil {
		r.GroupID = GroupID(g.ID)
	}
	serviceOf(r, c)
	if s.mustNameVersion(v, g) {
		r.IPVersion = new(Version(c.Src))
	}
	if byGroup, ok := s.byGroupOf(peer, r, v, d, c, ports); ok {
		return byGroup
	}
	if len(s.compare(v, r, d, c)) > 0 { // A protocol that rules can't name in this family, such as ICMPv6 over IPv4.
		r.Protocol, r.PortMin, r.PortMax, r.ICMPType, r.ICMPCode = All, nil, nil, nil, nil
	}
	return r
}

// serviceOf makes the rule's service that of the connection.
func serviceOf(r *Rule, c Connection) {
	r.Protocol, _ = ParseProtocol(strconv.Itoa(int(c.Protocol))) // Every number is one.
	switch {
	case r.Protocol.HasPorts():
		r.PortMin, r.PortMax = new(int(c.DstPort)), new(int(c.DstPort))
	case r.Protocol.IsICMP():
		r.ICMPType, r.ICMPCode = new(int(c.ICMPType)), new(int(c.ICMPCode))
	}
}

// byGroupOf is the rule with the other end's group as its remote, of those that somebody chose for it that with the fewest ports. There is none
// where the peer is no member by the address, or the rule's group can't name its groups.
func (s *Snapshot) byGroupOf(peer *PortView, narrow *Rule, v *PortView, d Direction, c Connection, ports map[GroupID]int) (*Rule, bool) {
	if peer == nil {
		return nil, false
	}
	var best *Rule
	for _, g := range peer.Groups {
		if g.Origin == OriginDefault {
			continue
		}
		r := narrow.Clone().(*Rule)
		r.Remote, r.IPVersion = Remote{GroupID: GroupID(g.ID)}, new(Version(c.Src))
		owner := ProjectID("")
		if home, ok := Find[*Group](s, r.GroupID); ok {
			owner = home.ProjectID
		} else if r.GroupID == "" {
			owner = v.Instance.ProjectID
		}
		if len(s.compare(v, r, d, c)) > 0 || (g.ProjectID != "" && g.ProjectID != owner) {
			continue
		}
		if best == nil || ports[GroupID(g.ID)] < ports[best.Remote.GroupID] {
			best = r
		}
	}
	return best, best != nil
}

// mustNameVersion reports whether rules of the group have to name their IP version.
func (s *Snapshot) mustNameVersion(v *PortView, g *Group) bool {
	project := v.Instance.ProjectID
	if g != nil {
		project = g.ProjectID
	}
	return s.ProfileOfProject(project).IPVersion == IPVersionRequired
}

// isLocked reports whether nobody may change the group's rules.
func isLocked(v *PortView, g *Group) bool {
	return g.Origin == OriginDefault && v.Profile.DefaultEdit == DefaultLocked
}
