package policy

import (
	"cmp"
	"slices"
	"strings"
)

// Preview is what a change does to how ports are judged. A port is in it when the verdict for some connection may become
// another one; a port whose groups change and that allows the same afterwards is not.
type Preview struct {
	Ports   int       `json:"ports"` // how many are judged otherwise, in either direction
	Ingress FlipCount `json:"ingress"`
	Egress  FlipCount `json:"egress"`
	// Items are the first of the ports, by id; LeftOut counts the others.
	Items   []PortFlip `json:"items"`
	LeftOut int        `json:"left_out,omitempty"`
}

// PreviewItems is how many ports a Preview lists.
const PreviewItems = 50

// FlipCount counts ports by what becomes of a direction.
type FlipCount struct {
	Opened  int `json:"opened"`
	Closed  int `json:"closed"`
	Changed int `json:"changed"`
	Added   int `json:"added"`
	Removed int `json:"removed"`
}

// Effect is what becomes of a direction of a port.
type Effect string

const (
	EffectOpened  Effect = "opened"  // from nothing to what rules allow, or from either to everything
	EffectClosed  Effect = "closed"  // the reverse
	EffectChanged Effect = "changed" // other rules, other members, another platform rule
	EffectAdded   Effect = "added"   // the port is created
	EffectRemoved Effect = "removed" // the port is deleted
)

// PortFlip is a port that is judged otherwise.
type PortFlip struct {
	PortID     PortID          `json:"port_id"`
	InstanceID InstanceID      `json:"instance_id"`
	VPCID      VPCID           `json:"vpc_id"`
	Directions []DirectionFlip `json:"directions"` // those that change
}

// DirectionFlip is what becomes of one direction. Before is nil for a port that is created, After for one that is deleted.
type DirectionFlip struct {
	Direction Direction  `json:"direction"`
	Effect    Effect     `json:"effect"`
	Causes    []Cause    `json:"causes,omitempty"` // of a port that stays
	Before    *Judgement `json:"before"`
	After     *Judgement `json:"after"`
}

// Cause is what makes a port's verdicts others.
type Cause string

const (
	CauseProfile   Cause = "profile"   // another profile, or another switch of it
	CauseGroups    Cause = "groups"    // other groups
	CauseRules     Cause = "rules"     // other rules in its groups
	CauseMembers   Cause = "members"   // rules name a group that has other members
	CauseEntries   Cause = "entries"   // rules name an IP set that has other entries
	CauseSubnet    Cause = "subnet"    // rules name a subnet that has other CIDRs
	CausePlatform  Cause = "platform"  // other platform rules, such as the SMTP guard
	CauseAddresses Cause = "addresses" // other addresses that it may send from
)

// PreviewOf compares how the ports of two states are judged. Its cost grows with the ports, and with the rules and members
// of the groups that they have, not with their product. Ports that do not pass keep (nil keeps all) are as if they did not exist.
func PreviewOf(before, after *Snapshot, keep func(*PortView) bool) *Preview {
	out := &Preview{Items: []PortFlip{}}
	if !differ(before, after) {
		return out
	}
	c := &comparison{before: newJudged(before), after: newJudged(after), same: make(map[string]*DirectionFlip), contents: make(map[string]Cause)}
	ids := make([]PortID, 0, len(c.before.views))
	for id := range c.before.views {
		ids = append(ids, id)
	}
	for id := range c.after.views {
		if c.before.views[id] == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		if some := cmp.Or(c.before.views[id], c.after.views[id]); keep == nil || keep(some) {
			out.add(c.port(id))
		}
	}
	return out
}

func (p *Preview) add(flip PortFlip) {
	if len(flip.Directions) == 0 {
		return
	}
	p.Ports++
	for _, d := range flip.Directions {
		count := &p.Ingress
		if d.Direction == Egress {
			count = &p.Egress
		}
		*map[Effect]*int{
			EffectOpened: &count.Opened, EffectClosed: &count.Closed, EffectChanged: &count.Changed,
			EffectAdded: &count.Added, EffectRemoved: &count.Removed,
		}[d.Effect]++
	}
	if len(p.Items) == PreviewItems {
		p.LeftOut++
		return
	}
	p.Items = append(p.Items, flip)
}

// differ reports whether the states hold other objects of those kinds that verdicts depend on. States share the objects that
// are the same.
func differ(before, after *Snapshot) bool {
	for _, k := range Kinds() {
		if k == KindHypervisor || k == KindToken {
			continue
		}
		if before.Len(k) != after.Len(k) {
			return true
		}
		for o := range after.All(k) {
			if was, ok := before.Get(k, o.Base().ID); !ok || was != o {
				return true
			}
		}
	}
	return false
}

// comparison is two states, and the answers for ports that are alike.
type comparison struct {
	before, after *judged
	same          map[string]*DirectionFlip // by direction and likenesses
	contents      map[string]Cause          // by remote and VPCs
}

func (c *comparison) port(id PortID) PortFlip {
	b, a := c.before.views[id], c.after.views[id]
	some := cmp.Or(a, b)
	flip := PortFlip{PortID: id, InstanceID: InstanceID(some.Instance.ID), VPCID: VPCID(some.VPC.ID)}
	for _, d := range Directions {
		switch {
		case b == nil:
			flip.Directions = append(flip.Directions, DirectionFlip{Direction: d, Effect: EffectAdded, After: c.after.of(a, d).judgement(a)})
		case a == nil:
			flip.Directions = append(flip.Directions, DirectionFlip{Direction: d, Effect: EffectRemoved, Before: c.before.of(b, d).judgement(b)})
		default:
			if one := c.direction(b, a, d); one != nil {
				flip.Directions = append(flip.Directions, *one)
			}
		}
	}
	return flip
}

// direction is what becomes of a direction of a port that stays, or nil.
func (c *comparison) direction(b, a *PortView, d Direction) *DirectionFlip {
	spoof := d == Egress && !sameSender(b.Port, a.Port)
	key := string(d) + likeness(b) + likeness(a)
	flip, known := c.same[key]
	if !known || spoof {
		flip = c.judge(b, a, d, spoof)
	}
	if !spoof {
		c.same[key] = flip
	}
	return flip
}

func (c *comparison) judge(b, a *PortView, d Direction, spoof bool) *DirectionFlip {
	was, is := c.before.of(b, d), c.after.of(a, d)
	var causes []Cause
	if was.passes != is.passes || is.passes == PassesByRules {
		causes = c.ruleCauses(b, a, was, is)
	}
	if !slices.Equal(was.platform, is.platform) {
		causes = append(causes, CausePlatform)
	}
	if spoof {
		causes = append(causes, CauseAddresses)
	}
	if len(causes) == 0 {
		return nil
	}
	flip := &DirectionFlip{Direction: d, Effect: EffectChanged, Causes: causes, Before: was.judgement(b), After: is.judgement(a)}
	switch cmp.Compare(is.passes.rank(), was.passes.rank()) {
	case 1:
		flip.Effect = EffectOpened
	case -1:
		flip.Effect = EffectClosed
	}
	return flip
}

// ruleCauses tells what makes the rules of a direction decide otherwise; none when they don't.
func (c *comparison) ruleCauses(b, a *PortView, was, is *stance) (out []Cause) {
	if was.passes != is.passes || !slices.Equal(was.ordered, is.ordered) || !slices.Equal(was.union, is.union) {
		switch {
		case !slices.EqualFunc(b.Groups, a.Groups, func(x, y *Group) bool { return x.ID == y.ID }):
			out = append(out, CauseGroups)
		case !slices.Equal(was.ordered, is.ordered) || !slices.Equal(was.union, is.union):
			out = append(out, CauseRules)
		}
		if b.Profile.ID != a.Profile.ID || b.Profile != a.Profile && len(out) == 0 {
			out = append([]Cause{CauseProfile}, out...)
		}
	}
	for _, cause := range []Cause{CauseMembers, CauseEntries, CauseSubnet} {
		if slices.ContainsFunc(was.remotes, func(r Remote) bool {
			return slices.ContainsFunc(is.remotes, func(o Remote) bool { return r.Key() == o.Key() }) && c.remoteCause(r, b, a) == cause
		}) {
			out = append(out, cause)
		}
	}
	return out
}

// remoteCause tells what of a remote that both states have means other addresses; "" when nothing does.
func (c *comparison) remoteCause(r Remote, b, a *PortView) Cause {
	key := strings.Join([]string{r.Key(), b.VPC.ID, b.Subnet.ID, a.VPC.ID, a.Subnet.ID}, "|")
	cause, known := c.contents[key]
	if !known {
		cause = c.compareRemote(r, b, a)
		c.contents[key] = cause
	}
	return cause
}

func (c *comparison) compareRemote(r Remote, b, a *PortView) Cause {
	switch r.Kind() {
	case RemoteGroup:
		if !c.before.sameMembers(c.after, r.GroupID, VPCID(b.VPC.ID), VPCID(a.VPC.ID)) {
			return CauseMembers
		}
	case RemoteIPSet:
		if !sameEntries(c.before.s, c.after.s, r.IPSetID) {
			return CauseEntries
		}
	case RemoteSubnet:
		if !sameSubnet(c.before.s, c.after.s, r.SubnetID) {
			return CauseSubnet
		}
	case RemoteOwn:
		if !slices.Equal(b.Subnet.CIDRs, a.Subnet.CIDRs) {
			return CauseSubnet
		}
	case RemoteAny, RemoteCIDRs:
	}
	return ""
}
