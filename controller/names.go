package controller

import (
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strings"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/policy"
)

// names tells what stands behind flows, in the names that people gave. The model's mu is held while it is in use.
type names struct {
	model                      *model
	rules, ports, subnets, vpc map[policy.Number]policy.Object
	sets                       map[policy.Number]policy.Object
}

func (m *model) names() *names {
	s := m.snapshot
	return &names{
		model: m, rules: byNumber[*policy.Rule](s), ports: byNumber[*policy.Port](s), subnets: byNumber[*policy.Subnet](s),
		vpc: byNumber[*policy.VPC](s), sets: byNumber[*policy.IPSet](s),
	}
}

func byNumber[T policy.Numbered](s *policy.Snapshot) map[policy.Number]policy.Object {
	var zero T
	out := make(map[policy.Number]policy.Object, s.Len(zero.Kind()))
	for o := range s.All(zero.Kind()) {
		out[o.(T).GetNumber()] = o
	}
	return out
}

// purposes is the table of how each kind of flow is explained. n is the number of the flow's cookie.
var purposes = map[flows.CookieKind]func(names *names, n policy.Number, f *openflow.Flow) string{
	flows.CookiePipeline:  func(_ *names, _ policy.Number, f *openflow.Flow) string { return "pipeline: " + tableName(f.Table) },
	flows.CookiePort:      func(ns *names, n policy.Number, _ *openflow.Flow) string { return ns.port(n) },
	flows.CookieSegment:   func(ns *names, n policy.Number, _ *openflow.Flow) string { return "subnet " + label(ns.subnets, n) },
	flows.CookieRule:      func(ns *names, n policy.Number, _ *openflow.Flow) string { return ns.rule(n) },
	flows.CookieComponent: func(ns *names, _ policy.Number, f *openflow.Flow) string { return ns.component(f) },
	flows.CookieMember:    (*names).member,
	flows.CookieEntry:     (*names).entry,
	flows.CookiePlatform:  func(_ *names, n policy.Number, _ *openflow.Flow) string { return platform(n) },
	flows.CookieProfile: func(*names, policy.Number, *openflow.Flow) string {
		return "the profile opens this direction to ports without a rule for it"
	},
}

// purpose says in one line why a flow is there.
func (ns *names) purpose(f *openflow.Flow) string {
	kind, n, ours := flows.ParseCookie(f.Cookie)
	if !ours {
		return "not ours"
	}
	if tell, ok := purposes[kind]; ok {
		return tell(ns, n, f)
	}
	return kind.String()
}

func label(objects map[policy.Number]policy.Object, n policy.Number) string {
	if o, ok := objects[n]; ok {
		return o.Label()
	}
	return fmt.Sprintf("number %d, which is gone", n)
}

func tableName(n uint8) string {
	i := slices.IndexFunc(flows.Tables, func(t flows.TableInfo) bool { return t.Number == n })
	if i < 0 {
		return fmt.Sprintf("table %d", n)
	}
	return flows.Tables[i].Name
}

func platform(n policy.Number) string {
	for _, r := range policy.PlatformRules {
		if r.Number == n {
			return fmt.Sprintf("platform rule %s: %s", r.Name, r.Description)
		}
	}
	return fmt.Sprintf("platform rule %d", n)
}

func (ns *names) port(n policy.Number) string {
	out := "port " + label(ns.ports, n)
	if p, ok := ns.ports[n].(*policy.Port); ok {
		if i, ok := policy.Find[*policy.Instance](ns.model.snapshot, p.InstanceID); ok {
			out += " of instance " + i.Label()
		}
	}
	return out
}

// rule names the rule within its group.
func (ns *names) rule(n policy.Number) string {
	r, ok := ns.rules[n].(*policy.Rule)
	if !ok {
		return "rule " + label(ns.rules, n)
	}
	group := string(r.GroupID)
	if g, ok := policy.Find[*policy.Group](ns.model.snapshot, r.GroupID); ok {
		group = g.Label()
	}
	return fmt.Sprintf("rule %s of group %s: %s", r.Label(), group, ns.text(r))
}

// text is a rule in words: "ingress tcp 80-443 from group web", "drop ingress all from anywhere at position 40".
func (ns *names) text(r *policy.Rule) string {
	out := fmt.Sprintf("%s %s", r.Direction, r.Protocol)
	if r.Action == policy.Drop {
		out = "drop " + out
	}
	switch {
	case r.PortMin != nil && r.PortMax != nil && *r.PortMin == *r.PortMax:
		out += fmt.Sprintf(" %d", *r.PortMin)
	case r.PortMin != nil && r.PortMax != nil:
		out += fmt.Sprintf(" %d-%d", *r.PortMin, *r.PortMax)
	case r.ICMPType != nil:
		out += fmt.Sprintf(" type %d", *r.ICMPType)
	}
	preposition := map[policy.Direction]string{policy.Egress: "to", policy.Ingress: "from"}[r.Direction]
	out += " " + preposition + " " + ns.remote(r.Remote)
	if r.Position != nil {
		out += fmt.Sprintf(" at position %d", *r.Position)
	}
	return out
}

func (ns *names) remote(r policy.Remote) string {
	s := ns.model.snapshot
	named := func(what string, k policy.Kind, id string) string {
		if o, ok := s.Get(k, id); ok {
			id = o.Label()
		}
		return what + " " + id
	}
	switch r.Kind() {
	case policy.RemoteGroup:
		return named("group", policy.KindGroup, string(r.GroupID))
	case policy.RemoteIPSet:
		return named("IP set", policy.KindIPSet, string(r.IPSetID))
	case policy.RemoteSubnet:
		return named("subnet", policy.KindSubnet, string(r.SubnetID))
	case policy.RemoteOwn:
		return "its own subnet"
	case policy.RemoteCIDRs:
		var list []string
		for _, c := range r.CIDRs {
			list = append(list, c.String())
		}
		return some(list)
	default:
		return "anywhere"
	}
}

// component names the rules that the conjunctions of a flow are parts of.
func (ns *names) component(f *openflow.Flow) string {
	var list []string
	for _, a := range f.Actions {
		if c, ok := a.(openflow.Conjunction); ok {
			list = append(list, ns.rule(policy.Number(c.ID)))
		}
	}
	return "part of " + some(list)
}

// member names the groups that an address is in; n is the VPC.
func (ns *names) member(n policy.Number, f *openflow.Flow) string {
	var list []string
	prefix := prefixOf(f.Match)
	for g := range ns.model.source.members.Effective(n, prefix).All() {
		if id, ok := ns.model.groups.byNumber[g]; ok {
			list = append(list, string(id))
			if o, ok := policy.Find[*policy.Group](ns.model.snapshot, id); ok {
				list[len(list)-1] = o.Label()
			}
		}
	}
	return fmt.Sprintf("%s in VPC %s is in groups %s", prefix, label(ns.vpc, n), some(list))
}

// entry names the IP sets that hold a prefix.
func (ns *names) entry(_ policy.Number, f *openflow.Flow) string {
	var list []string
	prefix := prefixOf(f.Match)
	for n := range ns.model.source.sets.Effective(0, prefix).All() {
		list = append(list, label(ns.sets, n))
	}
	return fmt.Sprintf("%s is in IP sets %s", prefix, some(list))
}

// some joins a list that may be long.
func some(list []string) string {
	const shown = 6
	if len(list) <= shown {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:shown], ", "), len(list)-shown)
}

// prefixOf is the address of the original tuple that a class table's flow matches; of a flow without one, the whole family.
func prefixOf(m openflow.Match) netip.Prefix {
	zero := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if v, _, _ := m.Get(openflow.EthType); v == openflow.BitsUint64(openflow.EtherTypeIPv6) {
		zero = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	for _, f := range []openflow.Field{openflow.CTNwSrc, openflow.CTNwDst, openflow.CTIPv6Src, openflow.CTIPv6Dst} {
		v, mask, ok := m.Get(f)
		if !ok {
			continue
		}
		length := 0
		for _, b := range mask {
			length += bits.OnesCount8(b)
		}
		if zero.Addr().Is4() {
			return netip.PrefixFrom(v.Addr4(), length)
		}
		return netip.PrefixFrom(v.Addr16(), length)
	}
	return zero
}
