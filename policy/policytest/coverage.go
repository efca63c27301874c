package policytest

import (
	"fmt"
	"strings"

	"conjunct/policy"
)

// Coverage counts what the decisions on a set of questions were about, so that a generator that has become weak is seen.
type Coverage struct{ counts map[string]*tally }

// tally counts decisions: those that allow, those that refuse, and those in which a rule missed by one of its parts only.
type tally struct{ allowed, refused, missed int }

// row is a kind of thing that must come up.
type row struct {
	name                     string
	allowed, refused, missed bool // which counts may not be zero
}

// rows is the table of what must come up.
func rows() (out []row) {
	for _, remote := range []policy.RemoteKind{policy.RemoteAny, policy.RemoteCIDRs, policy.RemoteGroup, policy.RemoteIPSet, policy.RemoteSubnet, policy.RemoteOwn} {
		for _, d := range policy.Directions {
			out = append(out,
				row{name: fmt.Sprintf("union %s, remote %s", d, remote), allowed: true, missed: true},
				row{name: fmt.Sprintf("ordered %s, remote %s", d, remote), allowed: true, refused: true})
		}
	}
	for _, p := range []policy.Protocol{policy.TCP, policy.UDP, policy.SCTP} {
		for _, ports := range []string{"all ports", "one port", "a range"} {
			out = append(out, row{name: fmt.Sprintf("%s %s", p, ports), allowed: true, refused: true, missed: true})
		}
	}
	for _, p := range []policy.Protocol{policy.ICMP, policy.ICMPv6} {
		for _, kind := range []string{"any", "with type", "with type and code"} {
			out = append(out, row{name: fmt.Sprintf("%s %s", p, kind), allowed: true, refused: true, missed: true})
		}
	}
	for _, name := range []string{"all protocols", "a protocol's number", "local CIDR"} {
		out = append(out, row{name: name, allowed: true, refused: true, missed: true})
	}
	for _, version := range []int{4, 6} {
		out = append(out, row{name: fmt.Sprintf("tier %s, IPv%d", policy.TierAntiSpoofing, version), refused: true},
			row{name: fmt.Sprintf("tier %s, IPv%d", policy.TierPlatform, version), allowed: true, refused: true},
			row{name: fmt.Sprintf("tier %s, IPv%d", policy.TierOrdered, version), allowed: true, refused: true},
			row{name: fmt.Sprintf("tier %s, IPv%d", policy.TierUnion, version), allowed: true},
			row{name: fmt.Sprintf("tier %s, IPv%d", policy.TierProfile, version), allowed: true},
			row{name: fmt.Sprintf("tier %s, IPv%d", policy.TierNone, version), refused: true})
	}
	for _, p := range append(policy.Presets(), &policy.Profile{Name: "mixed"}) {
		out = append(out, row{name: "profile " + p.Name, allowed: true, refused: true})
	}
	for _, name := range []string{
		"default group", "no group", "groups of both kinds", "group by subnet, CIDR or tag", "address of a pair", "role dhcp_server", "role router", "other project",
		"remote has another VPC's address",
	} {
		out = append(out, row{name: name, allowed: true, refused: true})
	}
	return append(out, row{name: "SMTP guard", refused: true}, row{name: "metadata service", allowed: true})
}

// Note counts a question and the decision on it.
func (c *Coverage) Note(w *World, q Question, d policy.Decision) {
	note := func(name string, args ...any) {
		t := c.at(fmt.Sprintf(name, args...))
		if d.Allowed {
			t.allowed++
		} else {
			t.refused++
		}
	}
	v, _ := w.Snapshot.PortView(q.Port)
	note("tier %s, IPv%d", d.Tier, policy.Version(q.Connection.Src))
	note("profile %s", v.Profile.Name)
	for _, name := range situations(w, v, q) {
		note("%s", name)
	}
	if d.Platform != nil && d.Platform.Switch == policy.SwitchSMTPGuard {
		note("SMTP guard")
	}
	if d.Platform != nil && d.Platform.Switch == policy.SwitchMetadataRules {
		note("metadata service")
	}
	if d.Rule != nil {
		for _, name := range kindsOf(d.Rule, d.Group) {
			note("%s", name)
		}
	}
	if d.Nearest != nil && len(d.Nearest.Fields) == 1 {
		for _, name := range kindsOf(d.Nearest.Rule, d.Nearest.Group) {
			c.at(name).missed++
		}
	}
}

// kindsOf are the rows of a rule.
func kindsOf(r *policy.Rule, g *policy.Group) []string {
	out := []string{fmt.Sprintf("%s %s, remote %s", g.Evaluation, r.Direction, r.Remote.Kind())}
	if r.LocalCIDR != nil {
		out = append(out, "local CIDR")
	}
	switch {
	case r.Protocol == policy.All:
		return append(out, "all protocols")
	case r.Protocol.HasPorts() && r.PortMin == nil:
		return append(out, fmt.Sprintf("%s all ports", r.Protocol))
	case r.Protocol.HasPorts() && *r.PortMin == *r.PortMax:
		return append(out, fmt.Sprintf("%s one port", r.Protocol))
	case r.Protocol.HasPorts():
		return append(out, fmt.Sprintf("%s a range", r.Protocol))
	case r.Protocol.IsICMP() && r.ICMPType == nil:
		return append(out, fmt.Sprintf("%s any", r.Protocol))
	case r.Protocol.IsICMP() && r.ICMPCode == nil:
		return append(out, fmt.Sprintf("%s with type", r.Protocol))
	case r.Protocol.IsICMP():
		return append(out, fmt.Sprintf("%s with type and code", r.Protocol))
	}
	return append(out, "a protocol's number")
}

// situations are the rows of a port, and of the ends of a connection there.
func situations(w *World, v *policy.PortView, q Question) (out []string) {
	add := func(is bool, name string) {
		if is {
			out = append(out, name)
		}
	}
	kinds := map[policy.Evaluation]bool{}
	for _, g := range v.Groups {
		kinds[g.Evaluation] = true
	}
	local, remote := q.Connection.Local(q.Direction), q.Connection.Remote(q.Direction)
	own := *v.Port
	own.AllowedAddressPairs = nil
	add(v.Default != nil, "default group")
	add(len(v.Groups) == 0, "no group")
	add(len(kinds) == 2, "groups of both kinds")
	add(len(v.Groups) > len(v.Instance.SecurityGroupIDs)+len(v.Port.SecurityGroupIDs) && v.Default == nil, "group by subnet, CIDR or tag")
	add(v.Owns(local) && !(&policy.PortView{Port: &own}).Owns(local), "address of a pair")
	add(v.Port.HasRole(policy.RoleDHCPServer), "role dhcp_server")
	add(v.Port.HasRole(policy.RoleRouter), "role router")
	add(v.Instance.ProjectID != "p", "other project")
	elsewhere := false
	for _, vpc := range policy.List[*policy.VPC](w.Snapshot, nil) {
		_, found := w.Snapshot.PortAt(policy.VPCID(vpc.ID), remote)
		elsewhere = elsewhere || found && vpc.ID != v.VPC.ID
	}
	add(elsewhere, "remote has another VPC's address")
	return out
}

func (c *Coverage) at(name string) *tally {
	if c.counts == nil {
		c.counts = make(map[string]*tally)
	}
	if c.counts[name] == nil {
		c.counts[name] = &tally{}
	}
	return c.counts[name]
}

// Add takes over what another has counted.
func (c *Coverage) Add(other *Coverage) {
	for name, t := range other.counts {
		mine := c.at(name)
		mine.allowed, mine.refused, mine.missed = mine.allowed+t.allowed, mine.refused+t.refused, mine.missed+t.missed
	}
}

// String is the table.
func (c *Coverage) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-44s %9s %9s %9s\n", "", "allowed", "refused", "missed by one part")
	for _, r := range rows() {
		t := c.at(r.name)
		fmt.Fprintf(&b, "%-44s %9d %9d %9d\n", r.name, t.allowed, t.refused, t.missed)
	}
	return b.String()
}

// Missing lists what should have come up and did not.
func (c *Coverage) Missing() (out []string) {
	for _, r := range rows() {
		t := c.at(r.name)
		for _, cell := range []struct {
			must bool
			n    int
			what string
		}{{r.allowed, t.allowed, "allowed"}, {r.refused, t.refused, "refused"}, {r.missed, t.missed, "missed by one part"}} {
			if cell.must && cell.n == 0 {
				out = append(out, r.name+": none "+cell.what)
			}
		}
	}
	return out
}
