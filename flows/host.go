package flows

import (
	"iter"
	"net/netip"
	"reflect"
	"slices"

	"conjunct/openflow"
	"conjunct/policy"
)

// Directory tells the sets of prefixes: of the groups that have them as members, per VPC (the domain), or of the IP sets that
// list them (domain 0). A prefix' own sets are those it is listed in; its effective sets are also those of
// every listed prefix that covers it.
type Directory interface {
	Own(domain policy.Number, p netip.Prefix) policy.NumberSet
	Effective(domain policy.Number, p netip.Prefix) policy.NumberSet
	Members(domain, set policy.Number) iter.Seq[netip.Prefix]
}

// Delta says how one prefix of a directory changed.
type Delta struct {
	Domain                          policy.Number
	Prefix                          netip.Prefix
	OwnBefore, OwnAfter             policy.NumberSet
	EffectiveBefore, EffectiveAfter policy.NumberSet
}

// Source is what hosts share: groups with their rules, and the directories. It must not change while a method of a Host runs,
// and a Host must be told of what changes (GroupChanged, MembersChanged, EntriesChanged) before it is told of anything else.
type Source interface {
	// Group is a group's present rules; nil for a group that is gone.
	Group(policy.Number) *Group
	Members() Directory
	Sets() Directory
}

// Host is the desired state of one bridge. Its methods are not safe for concurrent use.
type Host struct {
	source  Source
	uplinks []uint16
	ports   map[uint16]*Port
	local   *numbering[LocalClass]
	// groups are those that a local port has, with the rules that are in force; classes counts the local classes of each, and
	// in how many ports of each VPC it is.
	groups     map[policy.Number]*activeGroup
	rules      map[policy.Number]*activeRule
	planes     []*plane
	components map[place]map[openflow.Match][]openflow.Conjunction
	plain      map[place]map[openflow.Match][]policy.Number
	cut        Cut

	// before holds the flows of every touched unit as they were when the last Changes was taken.
	touched map[unit]bool
	before  map[flowKey]openflow.Flow
	after   map[flowKey]openflow.Flow // room for those of Changes; empty
	full    bool
}

type flowKey struct {
	table    uint8
	priority uint16
	match    openflow.Match
}

func keyOf(f *openflow.Flow) flowKey { return flowKey{f.Table, f.Priority, f.Match} }

type activeGroup struct {
	*Group
	classes int
	vpcs    map[policy.Number]int
	// subnets counts the ports that have the group in each segment, by the CIDRs of their subnet.
	subnets map[ownSubnet]int
}

// NewHost returns the desired state of a bridge without ports: nothing passes.
func NewHost(source Source) *Host {
	h := &Host{
		source: source, ports: map[uint16]*Port{}, local: newNumbering(localName),
		groups: map[policy.Number]*activeGroup{}, rules: map[policy.Number]*activeRule{},
		components: map[place]map[openflow.Match][]openflow.Conjunction{},
		plain:      map[place]map[openflow.Match][]policy.Number{},
		touched:    map[unit]bool{}, before: map[flowKey]openflow.Flow{}, after: map[flowKey]openflow.Flow{},
		full: true,
	}
	for _, d := range policy.Directions {
		h.planes = append(h.planes,
			newPlane(h, sides[d], false, source.Members()),
			newPlane(h, sides[d], true, source.Sets()))
	}
	return h
}

// SetUplinks says by which ports the bridge reaches the fabric.
func (h *Host) SetUplinks(ofports []uint16) {
	ofports = slices.Sorted(slices.Values(ofports))
	if slices.Equal(ofports, h.uplinks) {
		return
	}
	for _, p := range h.ports {
		h.touch(unit{kind: unitSegment, number: p.Segment.Number})
		for _, u := range p.macUnits() {
			h.touch(u)
		}
	}
	h.uplinks = ofports
}

// SetPort adds the port, or replaces the one that has its OFPort.
func (h *Host) SetPort(p *Port) {
	old := h.ports[p.OFPort]
	if old != nil && reflect.DeepEqual(old, p) {
		return
	}
	if old != nil && old.differsInClassAlone(p) {
		h.touch(portClassUnit(p))
	} else {
		h.touchPort(p)
		if old != nil {
			h.touchPort(old)
		}
	}
	h.attach(p)
	h.ports[p.OFPort] = p
	if old != nil {
		h.detach(old)
	}
}

// RemovePort forgets the port; its traffic ends.
func (h *Host) RemovePort(ofport uint16) {
	old := h.ports[ofport]
	if old == nil {
		return
	}
	h.touchPort(old)
	delete(h.ports, ofport)
	h.detach(old)
}

// Port returns the port at an ofport, nil when there is none.
func (h *Host) Port(ofport uint16) *Port { return h.ports[ofport] }

// Classified yields the ports whose packets the bridge is to take for theirs: the port number, and the cookie of the flow that says so.
func (h *Host) Classified() iter.Seq2[uint16, uint64] {
	return func(yield func(uint16, uint64) bool) {
		for n, p := range h.ports {
			if !h.cut.Bridge && !yield(n, Cookie(CookiePort, p.Number)) {
				return
			}
		}
	}
}

// differsInClassAlone reports whether q is p with other groups.
func (p *Port) differsInClassAlone(q *Port) bool {
	with := *p
	with.Class = q.Class
	return reflect.DeepEqual(&with, q)
}

func (h *Host) touchPort(p *Port) {
	h.touch(portUnit(p))
	h.touch(portClassUnit(p))
	h.touch(unit{kind: unitSegment, number: p.Segment.Number})
	for _, u := range p.macUnits() {
		h.touch(u)
	}
}

// attach puts the port's class and groups to use; detach is the opposite. A change attaches before it detaches, so that what
// both have in common is not taken down in between.
func (h *Host) attach(p *Port) {
	c := p.Class
	if h.local.uses[c] == 0 {
		h.touch(unit{kind: unitClass, class: c})
	}
	if first, moved := h.local.use(c); first {
		h.classAppears(c)
		h.renumbered(moved)
	}
	for n := range c.Groups.All() {
		g := h.groups[n]
		h.settle(g, p)
		g.vpcs[p.VPC]++
		if g.vpcs[p.VPC] > 1 {
			continue
		}
		for i := range g.Rules {
			h.refer(&g.Rules[i], p.VPC)
		}
	}
}

func (h *Host) detach(p *Port) {
	c := p.Class
	for n := range c.Groups.All() {
		g := h.groups[n]
		h.leave(g, p)
		g.vpcs[p.VPC]--
		if g.vpcs[p.VPC] > 0 {
			continue
		}
		delete(g.vpcs, p.VPC)
		for i := range g.Rules {
			h.unrefer(&g.Rules[i], p.VPC)
		}
	}
	if h.local.uses[c] == 1 {
		h.touch(unit{kind: unitClass, class: c})
		h.classDisappears(c)
	}
	_, moved := h.local.release(c)
	h.renumbered(moved)
}

// classAppears brings the rules of the class' groups to its ports; groups that no port had become active.
func (h *Host) classAppears(c LocalClass) {
	for n := range c.Groups.All() {
		g := h.groups[n]
		if g == nil {
			g = &activeGroup{Group: h.source.Group(n), vpcs: map[policy.Number]int{}, subnets: map[ownSubnet]int{}}
			if g.Group == nil {
				g.Group = &Group{Number: n}
			}
			h.groups[n] = g
		}
		g.classes++
		for i := range g.Rules {
			r := &g.Rules[i]
			if g.classes == 1 {
				h.activate(r, n)
			} else {
				h.addLocal(h.rules[r.Number], c)
			}
		}
	}
}

func (h *Host) classDisappears(c LocalClass) {
	for n := range c.Groups.All() {
		g := h.groups[n]
		g.classes--
		for i := range g.Rules {
			r := &g.Rules[i]
			if g.classes == 0 {
				h.deactivate(r.Number)
			} else {
				h.removeLocal(h.rules[r.Number], c)
			}
		}
		if g.classes == 0 {
			delete(h.groups, n)
		}
	}
}

// GroupChanged says that the source has other rules for the group.
func (h *Host) GroupChanged(n policy.Number) {
	g := h.groups[n]
	if g == nil {
		return
	}
	fresh := h.source.Group(n)
	if fresh == nil {
		fresh = &Group{Number: n}
	}
	old := g.Group
	gone, come := changedRules(old.Rules, fresh.Rules), changedRules(fresh.Rules, old.Rules)
	for _, r := range come {
		for vpc := range g.vpcs {
			h.refer(r, vpc)
		}
	}
	for _, r := range gone {
		h.deactivate(r.Number)
	}
	g.Group = fresh
	for _, r := range come {
		h.activate(r, n)
	}
	for _, r := range gone {
		for vpc := range g.vpcs {
			h.unrefer(r, vpc)
		}
	}
}

// changedRules are the rules of a that b has not, or has otherwise.
func changedRules(a, b []Rule) (out []*Rule) {
	others := make(map[policy.Number]*Rule, len(b))
	for i := range b {
		others[b[i].Number] = &b[i]
	}
	for i := range a {
		if other := others[a[i].Number]; other == nil || !reflect.DeepEqual(a[i], *other) {
			out = append(out, &a[i])
		}
	}
	return out
}

// MembersChanged says what changed in the directory of group members.
func (h *Host) MembersChanged(d Delta) { h.directoryChanged(d, false) }

// EntriesChanged says what changed in the directory of IP sets.
func (h *Host) EntriesChanged(d Delta) { h.directoryChanged(d, true) }

func (h *Host) directoryChanged(d Delta, sets bool) {
	for _, p := range h.planes {
		if p.isSets == sets {
			p.changed(d)
		}
	}
}
