package policy

import (
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Cautions are the sentences that answer a write which is allowed and seldom meant: SSH, RDP or everything opened to all of
// IPv4 or IPv6, a group without rules, a local CIDR that no port has. The state s is that of the end of the transaction, and
// after is the object in it; before is nil for one that was created.
func Cautions(before, after Object, s *Snapshot) (out []string) {
	switch o := after.(type) {
	case *Rule:
		return s.ruleCautions(o)
	case *Entry:
		if o.CIDR.Prefix().Bits() > 0 {
			return nil
		}
		for r := range sorted(Referrers[*Rule](s, KindIPSet, string(o.IPSetID))) {
			out = append(out, s.openingCautions(r)...)
		}
		return out
	case *Group:
		if old, ok := before.(*Group); ok && old.Removals == o.Removals {
			return nil
		}
		return s.emptyGroup(o, s.portsWith(o), s.ProfileOfGroup(o))
	case *Instance:
		old, _ := before.(*Instance)
		if old == nil {
			old = new(Instance)
		}
		return s.gainedGroups(old.SecurityGroupIDs, o.SecurityGroupIDs, s.views(Referrers[*Port](s, KindInstance, o.ID)), s.ProfileOfProject(o.ProjectID))
	case *Port:
		old, _ := before.(*Port)
		if old == nil {
			old = new(Port)
		}
		return s.gainedGroups(old.SecurityGroupIDs, o.SecurityGroupIDs, s.views(slices.Values([]*Port{o})), nil)
	case *Attachment:
		if g, ok := Find[*Group](s, o.GroupID); ok && before == nil {
			return s.gainedGroups(nil, []GroupID{o.GroupID}, s.portsWith(g), s.ProfileOfGroup(g))
		}
	}
	return nil
}

// gainedGroups is about the groups that something was given whose ports these are; the profile judges what has none yet.
func (s *Snapshot) gainedGroups(had, has []GroupID, ports iter.Seq[*PortView], otherwise *Profile) (out []string) {
	for _, id := range has {
		g, ok := Find[*Group](s, id)
		if !ok || slices.Contains(had, id) {
			continue
		}
		out = append(out, s.emptyGroup(g, ports, otherwise)...)
		for _, r := range InOrder(s.RulesOf(id)) {
			out = append(out, s.ruleCautions(r)...)
		}
	}
	return out
}

func (s *Snapshot) ruleCautions(r *Rule) []string {
	return append(s.openingCautions(r), s.localCautions(r)...)
}

// remoteLogin are the ports by which people log in: what the whole internet may reach there is tried at once.
var remoteLogin = []struct {
	protocol Protocol
	port     int
	name     string
}{{TCP, 22, "SSH (tcp 22)"}, {TCP, 3389, "RDP (tcp 3389)"}, {UDP, 3389, "RDP (udp 3389)"}}

// openingCautions says of a rule that lets everybody in where only a few are meant to come in.
func (s *Snapshot) openingCautions(r *Rule) []string {
	g, ok := Find[*Group](s, r.GroupID)
	everybody := s.everybody(r)
	if !ok || r.Direction != Ingress || r.Action != Allow || everybody == "" {
		return nil
	}
	var what []string
	for _, login := range remoteLogin {
		if r.Protocol == login.protocol && (r.PortMin == nil || *r.PortMin <= login.port && login.port <= *r.PortMax) {
			what = append(what, login.name)
		}
	}
	if r.Protocol == All {
		what = []string{"everything"}
	}
	if len(what) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s of security group %q opens %s to %s; name the addresses that need it, as cidrs or an IP set",
		r.words(), g.Label(), strings.Join(what, " and "), everybody)}
}

// everybody says of which IP versions the rule's remote is all addresses; "" for none.
func (s *Snapshot) everybody(r *Rule) string {
	set := 0
	whole := func(version int) bool { return true }
	within := func(prefixes iter.Seq[netip.Prefix]) func(int) bool {
		var has [7]bool
		for p := range prefixes {
			if p.Bits() == 0 {
				has[CIDR(p).version()] = true
			}
		}
		return func(version int) bool { return has[version] }
	}
	switch r.Remote.Kind() {
	case RemoteAny:
	case RemoteCIDRs:
		whole = within(func(yield func(netip.Prefix) bool) {
			for _, c := range r.Remote.CIDRs {
				if !yield(c.Prefix()) {
					return
				}
			}
		})
	case RemoteIPSet:
		if o, ok := Find[*IPSet](s, r.Remote.IPSetID); ok {
			set = o.IPVersion
		}
		whole = within(func(yield func(netip.Prefix) bool) {
			for e := range Referrers[*Entry](s, KindIPSet, string(r.Remote.IPSetID)) {
				if !yield(e.CIDR.Prefix()) {
					return
				}
			}
		})
	case RemoteGroup, RemoteSubnet, RemoteOwn:
		return ""
	}
	v4, v6 := r.Families(set)
	switch v4, v6 = v4 && whole(4), v6 && whole(6); {
	case v4 && v6:
		return "every address"
	case v4:
		return "every IPv4 address"
	case v6:
		return "every IPv6 address"
	}
	return ""
}

// localCautions says of a rule for addresses that none of the ports has which it could protect.
func (s *Snapshot) localCautions(r *Rule) []string {
	g, ok := Find[*Group](s, r.GroupID)
	if !ok || r.LocalCIDR == nil {
		return nil
	}
	some := false
	for v := range s.portsWith(g) {
		if some = true; v.Port.owns(r.LocalCIDR.Prefix()) {
			return nil
		}
	}
	if !some {
		return nil
	}
	return []string{fmt.Sprintf("local_cidr %s of %s holds no address of any port that has security group %q, so that the rule matches nothing; it is for the VM's own addresses, the remote is for the peer's",
		r.LocalCIDR, r.words(), g.Label())}
}

// words name a rule where its group is named too. The id of one without a name tells nobody anything.
func (r *Rule) words() string {
	if r.Name == "" {
		return "a rule"
	}
	return fmt.Sprintf("rule %q", r.Name)
}

// owns reports whether the port may have an address of the prefix.
func (p *Port) owns(prefix netip.Prefix) bool {
	return slices.ContainsFunc(p.Addresses, prefix.Contains) ||
		slices.ContainsFunc(p.AllowedAddressPairs, func(pair AddressPair) bool { return pair.CIDR.Overlaps(prefix) })
}

// emptyGroup says what a group without rules means, under the profile of each of the ports, or under another one where there is none.
func (s *Snapshot) emptyGroup(g *Group, ports iter.Seq[*PortView], otherwise *Profile) (out []string) {
	if len(s.RulesOf(GroupID(g.ID))) > 0 {
		return nil
	}
	profiles := make(map[string]*Profile)
	for v := range ports {
		profiles[v.Profile.ID] = v.Profile
	}
	if len(profiles) == 0 && otherwise != nil {
		profiles[otherwise.ID] = otherwise
	}
	for _, id := range slices.Sorted(maps.Keys(profiles)) {
		p := profiles[id]
		means := "a port that has no other group passes nothing, in or out; give it rules"
		switch {
		case p.DirectionWithoutRules == UnruledAllow:
			means = "it closes nothing: a direction of a port stays open until one of its groups has a rule for it"
		case p.DefaultMembership == AlwaysMember && p.Default != nil:
			means = "a port that has no other group passes what its default group allows; give it rules"
		case p.Default != nil && g.Origin != OriginDefault:
			means = "a port that has no other group passes nothing, in or out, not even what the default group allows; give it rules"
		}
		out = append(out, fmt.Sprintf("security group %q has no rules: under profile %q %s", g.Label(), p.Label(), means))
	}
	return out
}

// portsWith yields the ports that have the group because somebody chose it, and all that a default group is given to.
func (s *Snapshot) portsWith(g *Group) iter.Seq[*PortView] {
	return func(yield func(*PortView) bool) {
		var ports []*Port
		add := func(more iter.Seq[*Port]) { ports = slices.AppendSeq(ports, more) }
		for i := range Referrers[*Instance](s, KindGroup, g.ID) {
			add(Referrers[*Port](s, KindInstance, i.ID))
		}
		add(Referrers[*Port](s, KindGroup, g.ID))
		attached := slices.Collect(Referrers[*Attachment](s, KindGroup, g.ID))
		if len(attached) > 0 || g.Origin == OriginDefault {
			ports = List[*Port](s, nil)
		}
		for v := range s.views(slices.Values(ports)) {
			if slices.ContainsFunc(v.Groups, func(o *Group) bool { return o.ID == g.ID }) && !yield(v) {
				return
			}
		}
	}
}

func (s *Snapshot) views(ports iter.Seq[*Port]) iter.Seq[*PortView] {
	return func(yield func(*PortView) bool) {
		for p := range ports {
			if v, ok := s.PortView(PortID(p.ID)); ok && !yield(v) {
				return
			}
		}
	}
}
