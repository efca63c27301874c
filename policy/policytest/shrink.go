package policytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"conjunct/policy"
)

// Case is a world and a question about it.
type Case struct {
	World    *World
	Question Question
}

// Shrink makes the case as small as it gets while it fails: objects are taken away, in large parts first, and what is left is made
// simpler field by field. fails must be true for the case itself.
func Shrink(c Case, fails func(Case) bool) Case {
	for smaller := true; smaller; {
		smaller = false
		for part := len(c.objects()) / 2; part > 0; part /= 2 {
			for from := 0; from < len(c.objects()); {
				all := c.objects()
				less, ok := c.without(all[from:min(from+part, len(all))])
				if ok && fails(less) {
					c, smaller = less, true
				} else {
					from += part
				}
			}
		}
		for _, o := range c.objects() {
			for _, simpler := range simplifications(o) {
				if less, ok := c.with(simpler); ok && fails(less) {
					c, smaller = less, true
					break
				}
			}
		}
	}
	return c
}

// objects are those of the world, what others depend on last; the profiles that ship are not among them.
func (c Case) objects() (out []policy.Object) {
	for _, k := range slices.Backward(policy.Kinds()) {
		for _, o := range sorted(c.World.Snapshot, k) {
			if _, ships := policy.Preset(policy.ProfileName(o.Base().ID)); !ships || k != policy.KindProfile {
				out = append(out, o)
			}
		}
	}
	return out
}

// without is the case without the objects and without what can't be without them; lists of groups get shorter instead. ok is false
// when the question would be about nothing.
func (c Case) without(gone []policy.Object) (Case, bool) {
	s := c.World.Snapshot.Clone()
	for _, o := range gone {
		s.Delete(o.Kind(), o.Base().ID)
	}
	for again := true; again; {
		again = false
		for _, k := range policy.Kinds() {
			for _, o := range sorted(s, k) {
				o = withoutGroups(s, o)
				s.Put(o)
				if slices.ContainsFunc(o.References(), func(r policy.Ref) bool { _, ok := s.Get(r.Kind, r.ID); return !ok }) {
					s.Delete(k, o.Base().ID)
					again = true
				}
			}
		}
	}
	return c.over(s)
}

func withoutGroups(s *policy.Snapshot, o policy.Object) policy.Object {
	gone := func(id policy.GroupID) bool { _, ok := policy.Find[*policy.Group](s, id); return !ok }
	o = o.Clone()
	switch o := o.(type) {
	case *policy.Instance:
		o.SecurityGroupIDs = slices.DeleteFunc(o.SecurityGroupIDs, gone)
	case *policy.Port:
		o.SecurityGroupIDs = slices.DeleteFunc(o.SecurityGroupIDs, gone)
	}
	return o
}

// with is the case with another version of an object.
func (c Case) with(o policy.Object) (Case, bool) {
	s := c.World.Snapshot.Clone()
	s.Put(o)
	return c.over(s)
}

// over is the case in another state; ok is false when that is invalid or has not the question's port.
func (c Case) over(s *policy.Snapshot) (Case, bool) {
	for _, k := range policy.Kinds() {
		for o := range s.All(k) {
			if len(policy.Validate(o, s)) > 0 {
				return c, false
			}
		}
	}
	if _, ok := s.PortView(c.Question.Port); !ok {
		return c, false
	}
	w := &World{Seed: c.World.Seed, Snapshot: s, Ports: policy.List[*policy.Port](s, nil), OFPorts: maps.Clone(c.World.OFPorts)}
	maps.DeleteFunc(w.OFPorts, func(id policy.PortID, _ uint16) bool { _, ok := policy.Find[*policy.Port](s, id); return !ok })
	return Case{w, c.Question}, true
}

// simplifications are simpler versions of an object, the simplest first.
func simplifications(o policy.Object) (out []policy.Object) {
	try := func(simpler policy.Object) {
		if line(simpler) != line(o) {
			out = append(out, simpler)
		}
	}
	switch o := o.(type) {
	case *policy.Rule:
		for _, change := range ruleChanges {
			r := o.Clone().(*policy.Rule)
			change(r)
			try(r)
		}
		for i := range o.Remote.CIDRs {
			r := o.Clone().(*policy.Rule)
			r.Remote.CIDRs = slices.Delete(r.Remote.CIDRs, i, i+1)
			try(r)
		}
	case *policy.Port:
		for _, change := range []func(*policy.Port){
			func(p *policy.Port) { p.AllowedAddressPairs = nil }, func(p *policy.Port) { p.Roles = nil },
		} {
			p := o.Clone().(*policy.Port)
			change(p)
			try(p)
		}
		for i := range o.Addresses {
			p := o.Clone().(*policy.Port)
			p.Addresses = slices.Delete(p.Addresses, i, i+1)
			try(p)
		}
		for i := range o.SecurityGroupIDs {
			p := o.Clone().(*policy.Port)
			p.SecurityGroupIDs = slices.Delete(p.SecurityGroupIDs, i, i+1)
			try(p)
		}
	case *policy.Instance:
		i := o.Clone().(*policy.Instance)
		i.Tags = nil
		try(i)
		for n := range o.SecurityGroupIDs {
			i := o.Clone().(*policy.Instance)
			i.SecurityGroupIDs = slices.Delete(i.SecurityGroupIDs, n, n+1)
			try(i)
		}
	case *policy.VPC:
		v := o.Clone().(*policy.VPC)
		v.Profile = policy.ProfileIsolated
		try(v)
	case *policy.Project:
		p := o.Clone().(*policy.Project)
		p.Profile, p.SMTPAllowed = policy.ProfileIsolated, false
		try(p)
	case *policy.Group:
		if o.Evaluation == policy.Ordered {
			g := o.Clone().(*policy.Group)
			g.Evaluation = policy.Union
			try(g)
		}
	case *policy.Subnet:
		for i := range o.CIDRs {
			s := o.Clone().(*policy.Subnet)
			s.CIDRs = slices.Delete(s.CIDRs, i, i+1)
			try(s)
		}
	}
	return out
}

var ruleChanges = []func(*policy.Rule){
	func(r *policy.Rule) { r.Remote = policy.Remote{Any: true} },
	func(r *policy.Rule) {
		r.Protocol, r.PortMin, r.PortMax, r.ICMPType, r.ICMPCode = policy.All, nil, nil, nil, nil
	},
	func(r *policy.Rule) { r.PortMin, r.PortMax = nil, nil },
	func(r *policy.Rule) { r.PortMax = r.PortMin },
	func(r *policy.Rule) { r.PortMin = r.PortMax },
	func(r *policy.Rule) { r.ICMPType, r.ICMPCode = nil, nil },
	func(r *policy.Rule) { r.ICMPCode = nil },
	func(r *policy.Rule) { r.IPVersion = nil },
	func(r *policy.Rule) { r.LocalCIDR = nil },
	func(r *policy.Rule) { r.Position = nil },
	func(r *policy.Rule) { r.Action = policy.Allow },
}

// String lists the objects, one a line, and the question.
func (c Case) String() string {
	var b strings.Builder
	for _, o := range slices.Backward(c.objects()) {
		b.WriteString(line(o) + "\n")
	}
	q := c.Question.Connection
	fmt.Fprintf(&b, "? %s at port %s (OpenFlow port %d): %s -> %s, protocol %d", c.Question.Direction, c.Question.Port, c.World.OFPorts[c.Question.Port],
		netip.AddrPortFrom(q.Src, q.SrcPort), netip.AddrPortFrom(q.Dst, q.DstPort), q.Protocol)
	if q.Protocol == policy.ProtoICMP || q.Protocol == policy.ProtoICMPv6 {
		fmt.Fprintf(&b, ", type %d, code %d", q.ICMPType, q.ICMPCode)
	}
	return b.String()
}

// line is an object as its kind, its id, and what of it is set.
func line(o policy.Object) string {
	raw, err := json.Marshal(o)
	if err != nil {
		return err.Error()
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return err.Error()
	}
	maps.DeleteFunc(fields, func(name string, v any) bool {
		list, isList := v.([]any)
		return v == nil || v == "" || v == false || isList && len(list) == 0 || name == "name" && v == o.Base().ID ||
			slices.Contains([]string{"id", "revision", "created_at", "updated_at", "iface_id"}, name)
	})
	raw, err = json.Marshal(fields)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s %s %s", o.Kind(), o.Base().ID, raw)
}
