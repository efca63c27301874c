package policy

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Passes says what passes a port in a direction, before anybody looks at a packet.
type Passes string

const (
	PassesNothing    Passes = "nothing"    // beside what the platform allows
	PassesByRules    Passes = "by_rules"   // what rules allow
	PassesEverything Passes = "everything" // beside what the platform refuses
)

func (p Passes) rank() int {
	return slices.Index([]Passes{PassesNothing, PassesByRules, PassesEverything}, p)
}

// Judgement is how a direction of a port is judged, for people.
type Judgement struct {
	Passes  Passes `json:"passes"`
	Because string `json:"because"` // such as: default group default-allow-egress has no ingress rule
	// Groups are the names of the port's groups in attachment order. DefaultGroup tells that the default is among them.
	Groups       []string    `json:"groups"`
	DefaultGroup bool        `json:"default_group"`
	Profile      ProfileName `json:"profile"`
	// Platform are the names of the platform rules that a profile or a role of the port turns on, such as smtp-guard.
	Platform []string `json:"platform,omitempty"`
}

// stance is what decides a direction of a port, in a form that can be compared.
type stance struct {
	direction Direction
	passes    Passes
	open      bool     // by the profile
	ordered   []string // identities of the rules of ordered groups as they are tried
	union     []string // identities of the rules of union groups, sorted
	remotes   []Remote // of all of these
	platform  []string
}

// judged is a state with the views of all its ports.
type judged struct {
	s       *Snapshot
	views   map[PortID]*PortView
	members map[GroupID]map[VPCID]map[netip.Prefix]struct{} // of groups that rules name
	stances map[string]*stance
}

func newJudged(s *Snapshot) *judged {
	j := &judged{
		s: s, views: make(map[PortID]*PortView, s.Len(KindPort)), stances: make(map[string]*stance),
		members: make(map[GroupID]map[VPCID]map[netip.Prefix]struct{}),
	}
	for o := range s.All(KindRule) {
		if id := o.(*Rule).Remote.GroupID; id != "" {
			j.members[id] = make(map[VPCID]map[netip.Prefix]struct{})
		}
	}
	for o := range s.All(KindPort) {
		id := PortID(o.Base().ID)
		v, ok := s.PortView(id)
		if !ok {
			continue
		}
		j.views[id] = v
		for _, g := range v.Groups {
			j.join(GroupID(g.ID), v)
		}
	}
	return j
}

func (j *judged) join(g GroupID, v *PortView) {
	vpcs, named := j.members[g]
	if !named {
		return
	}
	vpc := VPCID(v.VPC.ID)
	if vpcs[vpc] == nil {
		vpcs[vpc] = make(map[netip.Prefix]struct{})
	}
	for _, p := range v.Port.MemberPrefixes() {
		vpcs[vpc][p] = struct{}{}
	}
}

func (j *judged) sameMembers(other *judged, g GroupID, mine, theirs VPCID) bool {
	return maps.Equal(j.members[g][mine], other.members[g][theirs])
}

func sameEntries(before, after *Snapshot, id IPSetID) bool {
	prefixes := func(s *Snapshot) map[CIDR]bool {
		out := make(map[CIDR]bool)
		for e := range Referrers[*Entry](s, KindIPSet, string(id)) {
			out[e.CIDR] = true
		}
		return out
	}
	return maps.Equal(prefixes(before), prefixes(after))
}

func sameSubnet(before, after *Snapshot, id SubnetID) bool {
	b, _ := Find[*Subnet](before, id)
	a, _ := Find[*Subnet](after, id)
	return b == a || b != nil && a != nil && b.VPCID == a.VPCID && slices.Equal(b.CIDRs, a.CIDRs)
}

// sameSender reports whether the port may send the same.
func sameSender(b, a *Port) bool {
	return b.MAC == a.MAC && slices.Equal(b.Addresses, a.Addresses) && slices.Equal(b.AllowedAddressPairs, a.AllowedAddressPairs)
}

// likeness is equal for ports of a state that have the same stance in either direction.
func likeness(v *PortView) string {
	var b strings.Builder
	fmt.Fprintf(&b, "|%s %s %s %t %t %t %q", v.VPC.ID, v.Subnet.ID, v.Profile.ID, v.Open[Ingress], v.Open[Egress], v.SMTPGuard, v.Port.Roles)
	for _, g := range v.Groups {
		b.WriteByte(' ')
		b.WriteString(g.ID)
	}
	return b.String()
}

// of is the stance of a port in a direction.
func (j *judged) of(v *PortView, d Direction) *stance {
	key := string(d) + likeness(v)
	if st, ok := j.stances[key]; ok {
		return st
	}
	st := &stance{direction: d, open: v.Open[d]}
	j.stances[key] = st
	allows := false
	var all4, all6 bool
	for _, g := range v.Groups {
		for _, r := range InOrder(j.s.RulesOf(GroupID(g.ID))) {
			if r.Direction != d {
				continue
			}
			allows = allows || r.Action == Allow
			if g.Evaluation == Ordered {
				st.ordered = append(st.ordered, r.Identity())
			} else {
				st.union = append(st.union, r.Identity())
				v4, v6 := r.allowsAll()
				all4, all6 = all4 || v4, all6 || v6
			}
			st.remotes = append(st.remotes, r.Remote)
		}
	}
	slices.Sort(st.union)
	st.union = slices.Compact(st.union)
	switch {
	case len(st.ordered) == 0 && (st.open || all4 && all6):
		st.passes = PassesEverything
	case allows || st.open:
		st.passes = PassesByRules
	default:
		st.passes = PassesNothing
	}
	for i := range PlatformRules {
		r := &PlatformRules[i]
		if particular := r.Switch != "" || r.Unless != "" || r.Only != ""; particular && r.Direction == d && r.AppliesTo(v) {
			st.platform = append(st.platform, r.Name)
		}
	}
	return st
}

// allowsAll reports of which IP versions the rule of a union group allows everything.
func (r *Rule) allowsAll() (v4, v6 bool) {
	if r.Protocol != All || r.LocalCIDR != nil || r.Action != Allow {
		return false, false
	}
	v4, v6 = r.Families(0)
	switch r.Remote.Kind() {
	case RemoteAny:
		return v4, v6
	case RemoteCIDRs:
		whole := func(version int) bool {
			return slices.ContainsFunc(r.Remote.CIDRs, func(c CIDR) bool { return c.Prefix().Bits() == 0 && c.version() == version })
		}
		return v4 && whole(4), v6 && whole(6)
	default:
		return false, false
	}
}

// judgement says it for people.
func (st *stance) judgement(v *PortView) *Judgement {
	out := &Judgement{Passes: st.passes, Groups: []string{}, DefaultGroup: v.Default != nil, Profile: ProfileName(v.Profile.ID)}
	for _, name := range st.platform {
		if Platform(name).Unless == "" {
			out.Platform = append(out.Platform, name)
		}
	}
	for _, g := range v.Groups {
		out.Groups = append(out.Groups, g.Label())
	}
	rules := len(st.ordered) + len(st.union)
	whose := "no groups"
	switch {
	case len(v.Groups) == 1 && v.Default != nil:
		whose = "default group " + out.Groups[0]
	case len(v.Groups) == 1:
		whose = "group " + out.Groups[0]
	case len(v.Groups) > 1:
		whose = "groups " + strings.Join(out.Groups, ", ")
	}
	switch {
	case len(v.Groups) == 0 && st.open:
		out.Because = fmt.Sprintf("no groups: profile %s opens %s", v.Profile.Label(), st.direction)
	case len(v.Groups) == 0:
		out.Because = fmt.Sprintf("no groups: profile %s refuses %s", v.Profile.Label(), st.direction)
	case rules == 0 && st.open:
		out.Because = fmt.Sprintf("%s: no %s rule, profile %s opens it", whose, st.direction, v.Profile.Label())
	case rules == 0:
		out.Because = fmt.Sprintf("%s: no %s rule, %s refused", whose, st.direction, st.direction)
	case st.passes == PassesEverything:
		out.Because = fmt.Sprintf("%s: %s allowed", whose, st.direction)
	case st.passes == PassesNothing:
		out.Because = fmt.Sprintf("%s: no %s rule allows anything, %s refused", whose, st.direction, st.direction)
	case rules == 1:
		out.Because = fmt.Sprintf("%s: 1 %s rule", whose, st.direction)
	default:
		out.Because = fmt.Sprintf("%s: %d %s rules", whose, rules, st.direction)
	}
	return out
}
