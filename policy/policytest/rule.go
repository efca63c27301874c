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
			Protocol: pick(w, policy.All, policy.TCP, policy.TCP, policy.UDP, policy.UDP, policy.SCTP, policy.SCTP, policy.ICMP, policy.ICMPv6,
				pick[policy.Protocol](w, unnamed...)),
		}
		w.service(r)
		w.remote(r)
		w.turn(r)
		if w.chance(3) || w.profileOf(r).IPVersion == policy.IPVersionRequired {
			r.IPVersion = new(w.version())
		}
		if w.chance(6) {
			local := policy.CIDR(w.prefix(w.version()))
			r.LocalCIDR = &local
		}
		policy.Normalize(r, w.Snapshot)
		if len(policy.Validate(r, w.Snapshot)) == 0 {
			return r
		}
	}
}

// unnamed are IP protocols that rules name by their number.
var unnamed = []policy.Protocol{"2", "4", "41", "47", "50", "89", "112", "136", "255"}

func (w *World) profileOf(r *policy.Rule) *policy.Profile {
	g, _ := policy.Find[*policy.Group](w.Snapshot, r.GroupID)
	return w.Snapshot.ProfileOfGroup(g)
}

// turn gives a rule of an ordered group its action and its position; now and then two have the same, or none.
func (w *World) turn(r *policy.Rule) {
	g, _ := policy.Find[*policy.Group](w.Snapshot, r.GroupID)
	if g.Evaluation != policy.Ordered {
		return
	}
	r.Action = pick(w, policy.Allow, policy.Drop)
	switch w.r.IntN(10) {
	case 0, 1:
	case 2:
		r.Position = new(pick(w, 100, 3999, 9000, policy.MaxPosition))
	default:
		r.Position = new(1 + w.r.IntN(rulesOfGroup+1))
	}
}

// edges are port numbers at the edges of aligned blocks, of the range, and of what is known.
var edges = []int{1, 2, 3, 22, 25, 79, 80, 81, 443, 1000, 1023, 1024, 1025, 32767, 32768, 49152, 65534, 65535}

func (w *World) service(r *policy.Rule) {
	switch {
	case r.Protocol.HasPorts() && !w.chance(4):
		low, high := pick(w, edges...), 0
		switch w.r.IntN(3) {
		case 0:
			high = low
		case 1:
			high = min(65535, low+w.r.IntN(70))
		case 2:
			high = pick(w, edges...)
		}
		low, high = min(low, high), max(low, high)
		r.PortMin, r.PortMax = &low, &high
	case r.Protocol.IsICMP() && w.chance(2):
		kind := pick(w, 8, 8, 8, 8, 13, 13, 15, 3, 0, 255)
		if r.Protocol == policy.ICMPv6 {
			kind = pick(w, 128, 128, 128, 128, 128, 128, 1, 129, 255)
		}
		r.ICMPType = &kind
		if w.chance(3) {
			r.ICMPCode = new(pick(w, 0, 0, 0, 1, 255))
		}
	}
}

func (w *World) remote(r *policy.Rule) {
	switch w.r.IntN(8) {
	case 0:
		r.Remote = policy.Remote{Any: true}
	case 1, 2:
		r.Remote = policy.Remote{GroupID: policy.GroupID(fmt.Sprintf("g%d", w.r.IntN(groups)))}
	case 3:
		r.Remote = policy.Remote{IPSetID: policy.IPSetID(fmt.Sprintf("set%d", w.r.IntN(sets)))}
	case 4:
		r.Remote = policy.Remote{SubnetID: policy.SubnetID(fmt.Sprintf("%s-s%d", pick(w, vpcs...).Name, w.r.IntN(2)))}
	case 5:
		r.Remote = policy.Remote{OwnSubnet: true}
	case 6, 7:
		for range 1 + w.r.IntN(3) {
			r.Remote.CIDRs = append(r.Remote.CIDRs, policy.CIDR(w.prefix(pick(w, 4, 4, 6))))
		}
	}
}
