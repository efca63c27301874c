package policytest

import (
	"fmt"

	"conjunct/policy"
)

// rule makes a valid rule; its kinds are as frequent as they are worth testing.
func (w *World) rule(group string, n int) *policy.Rule {
	for {
		r := &policy.Rule{
			Meta: policy.Meta{ID: fmt.Sprintf("%s-r%d", group, n)}, GroupID: policy.GroupID(group),
			Direction: pick(w, policy.Ingress, policy.Egress),
			Protocol:  pick(w, policy.All, policy.TCP, policy.TCP, policy.UDP, policy.UDP, policy.SCTP, policy.ICMP, policy.ICMPv6, policy.Protocol("4"), policy.Protocol("47")),
		}
		w.service(r)
		w.remote(r)
		w.turn(r)
		if w.chance(3) {
			r.IPVersion = new(pick(w, 4, 6))
		}
		if w.chance(6) {
			local := policy.CIDR(w.prefix(pick(w, 4, 6)))
			r.LocalCIDR = &local
		}
		policy.Normalize(r, w.Snapshot)
		if len(policy.Validate(r, w.Snapshot)) == 0 {
			return r
		}
	}
}

// turn gives a rule of an ordered group its action and its position; now and then two have the same, or none.
func (w *World) turn(r *policy.Rule) {
	g, _ := policy.Find[*policy.Group](w.Snapshot, r.GroupID)
	if g.Evaluation != policy.Ordered {
		return
	}
	r.Action = pick(w, policy.Allow, policy.Allow, policy.Drop)
	if !w.chance(5) {
		r.Position = new(1 + w.r.IntN(rulesOfGroup+1))
	}
}

func (w *World) service(r *policy.Rule) {
	switch {
	case r.Protocol.HasPorts() && !w.chance(4):
		low := pick(w, 22, 80, 443, 1000, 1023, 1024, 65535, 1)
		high := low
		if w.chance(2) {
			high = min(65535, low+w.r.IntN(70))
		}
		r.PortMin, r.PortMax = &low, &high
	case r.Protocol.IsICMP() && w.chance(2):
		kind := pick(w, 8, 13, 3)
		if r.Protocol == policy.ICMPv6 {
			kind = pick(w, 128, 1)
		}
		r.ICMPType = &kind
		if w.chance(3) {
			r.ICMPCode = new(0)
		}
	}
}

func (w *World) remote(r *policy.Rule) {
	switch w.r.IntN(6) {
	case 0:
		r.Remote = policy.Remote{Any: true}
	case 1, 2:
		r.Remote = policy.Remote{GroupID: policy.GroupID(fmt.Sprintf("g%d", w.r.IntN(groups)))}
	case 3:
		r.Remote = policy.Remote{IPSetID: policy.IPSetID(fmt.Sprintf("set%d", w.r.IntN(3)))}
	case 4:
		r.Remote = policy.Remote{SubnetID: policy.SubnetID(fmt.Sprintf("v%d-s%d", 1+w.r.IntN(2), w.r.IntN(2)))}
	case 5:
		for range 1 + w.r.IntN(3) {
			r.Remote.CIDRs = append(r.Remote.CIDRs, policy.CIDR(w.prefix(pick(w, 4, 4, 6))))
		}
	}
}
