package flows

import (
	"cmp"
	"slices"

	"conjunct/openflow"
	"conjunct/policy"
)

// toMany matches broadcast and multicast frames.
var toMany = openflow.MatchField{
	Field: openflow.EthDst, Value: openflow.BitsMAC([6]byte{0: 1}), Mask: openflow.BitsMAC([6]byte{0: 1}),
}

// segmentPorts are the local ports of a segment, by number.
func (h *Host) segmentPorts(n policy.Number) []*Port {
	var out []*Port
	for _, p := range h.ports {
		if p.Segment.Number == n {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *Port) int { return cmp.Compare(a.OFPort, b.OFPort) })
	return out
}

// deliver hands the packet to a port's ingress side and comes back.
func deliver(p *Port) []openflow.Action {
	return []openflow.Action{openflow.Set(RegDest, uint64(p.OFPort)), openflow.Resubmit{Table: TableReceiver}}
}

// deliveryFlows send what is for a MAC of the segment to the port that has it. A MAC of address pairs may be in use elsewhere too, as
// that of a VRRP group is by whoever is its master: what is for it goes to each local port that may use it, and to the fabric.
func (h *Host) deliveryFlows(segment policy.Number, mac policy.MAC) []openflow.Flow {
	var local []openflow.Action
	shared := false
	for _, p := range h.segmentPorts(segment) {
		if slices.Contains(p.macs(), mac) {
			local = append(local, deliver(p)...)
			shared = shared || p.MAC != mac
		}
	}
	if local == nil {
		return nil
	}
	to := openflow.NewMatch(openflow.Exact(RegSegment, uint64(segment)), openflow.MAC(openflow.EthDst, mac))
	flow := func(priority uint16, m openflow.Match, actions ...openflow.Action) openflow.Flow {
		return openflow.Flow{Table: TableDestination, Priority: priority, Cookie: Cookie(CookieSegment, segment), Match: m, Actions: actions}
	}
	if !shared || len(h.uplinks) == 0 {
		return []openflow.Flow{flow(priorityDirect, to, local...)}
	}
	return []openflow.Flow{
		flow(priorityDirect+10, to.With(openflow.Exact(RegSource, 0)), local...),
		flow(priorityDirect, to, append(toFabric(), local...)...),
	}
}

// toFabric sends the packet out by the uplinks and comes back. Where it goes to local ports too, the fabric is first: fragments that
// connection tracking lets go at a local port's side (layout.go) must find nothing after it.
func toFabric() []openflow.Action {
	return []openflow.Action{openflow.Set(RegDest, 0), openflow.Resubmit{Table: TableOutput}}
}

// segmentFlows are the fabric's side of a segment, and its floods: to every local port through its ingress side, and from
// a local port to the uplinks too. What comes from the fabric never goes back to it.
func (h *Host) segmentFlows(n policy.Number) []openflow.Flow {
	ports := h.segmentPorts(n)
	if len(ports) == 0 {
		return nil
	}
	s := ports[0].Segment
	var out []openflow.Flow
	add := func(table uint8, priority uint16, next uint8, m []openflow.MatchField, actions ...openflow.Action) {
		out = append(out, openflow.Flow{Table: table, Priority: priority, Cookie: Cookie(CookieSegment, n), Match: openflow.NewMatch(m...), Actions: actions, Goto: next})
	}
	segment := openflow.Exact(RegSegment, uint64(n))
	var flood []openflow.Action
	for _, p := range ports {
		flood = append(flood, deliver(p)...)
	}
	add(TableDestination, priorityPort+10, 0, []openflow.MatchField{segment, toMany, openflow.Exact(RegSource, 0)}, flood...)
	if len(h.uplinks) == 0 {
		add(TableDestination, priorityPort, 0, []openflow.MatchField{segment, toMany}, flood...)
		return out
	}
	add(TableDestination, priorityPort, 0, []openflow.MatchField{segment, toMany}, append(toFabric(), flood...)...)
	add(TableDestination, priorityTrack, 0, []openflow.MatchField{segment}, toFabric()...)

	var output []openflow.Action
	tag := openflow.Exact(openflow.VLANVID, 0)
	var untag []openflow.Action
	if s.VLAN != 0 {
		vid := uint64(s.VLAN) | openflow.VLANPresent
		tag = openflow.Exact(openflow.VLANVID, vid)
		untag = []openflow.Action{openflow.PopVLAN{}}
		output = append(output, openflow.PushVLAN{EtherType: 0x8100}, openflow.Set(openflow.VLANVID, vid))
	}
	for _, u := range h.uplinks {
		add(TableClassify, priorityPort, TableDestination, []openflow.MatchField{openflow.Exact(openflow.InPort, uint64(u)), tag},
			append(untag, openflow.Set(RegVPC, uint64(s.VPC)), openflow.Set(RegSegment, uint64(n)))...)
		output = append(output, openflow.Output{Port: openflow.Port(u)})
	}
	output = append(output, untag...)
	add(TableOutput, priorityPort, 0, []openflow.MatchField{openflow.Exact(RegDest, 0), segment}, output...)
	return out
}
