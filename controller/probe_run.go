package controller

import (
	"fmt"
	"slices"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/openflow/ofeval"
	"conjunct/policy"
)

// probe is a packet on its way.
type probe struct {
	policy.Probe
	benches map[*host]*bench
	ends    [2]*probeEnd // the one that opens the connection, and the other; nil: no port
}

// probeEnd is an end of the connection that is a port.
type probeEnd struct {
	view      *policy.PortView
	host      *host
	bench     *bench
	ofport    uint16
	direction policy.Direction
}

// trip is what happened on the packet's way. An end's steps are its own side's.
type trip struct {
	steps  map[*probeEnd][]ofeval.Step
	passed map[*probeEnd]bool
	notes  map[*probeEnd]string
	left   bool // it left the sender's bridge by some port
	direct bool // it came to the receiver's side on the sender's bridge
}

// fromTo are the ends in the direction of the packet.
func (r *probe) fromTo() (from, to *probeEnd) {
	if r.Packet.Returns() {
		return r.ends[1], r.ends[0]
	}
	return r.ends[0], r.ends[1]
}

// run takes the packet from end to end. Where it goes further on the wanted trip, if there was one, what lies behind is not asked by itself.
func (r *probe) run(which whichFlows, wanted *trip) *trip {
	if wanted == nil {
		wanted = new(trip)
	}
	t := &trip{steps: make(map[*probeEnd][]ofeval.Step), passed: make(map[*probeEnd]bool), notes: make(map[*probeEnd]string)}
	from, to := r.fromTo()
	bridges := make(map[*host]*ofeval.Bridge)
	for h, b := range r.benches {
		bridges[h] = b.bridge(which)
	}
	if r.Packet != policy.PacketOpening {
		for _, e := range r.ends {
			if e != nil {
				bridges[e.host].Establish(e.ofport, r.opening())
			}
		}
	}
	p := r.packet(from, to)
	if from == nil {
		r.arrive(t, bridges[to.host], to, p, "")
		return t
	}
	j := bridges[from.host].Inject(openflow.Port(from.ofport), p)
	arrived := slices.IndexFunc(j.Steps, func(s ofeval.Step) bool { return s.Table == flows.TableReceiver })
	if arrived < 0 {
		arrived = len(j.Steps)
	}
	here := to != nil && to.host == from.host
	t.steps[from], t.left = j.Steps, len(j.Outputs) > 0
	forwarded := slices.ContainsFunc(j.Steps, func(s ofeval.Step) bool { return s.Table == flows.TableDestination })
	t.direct = here && (arrived < len(j.Steps) || j.Reached(openflow.Port(to.ofport)))
	t.passed[from] = t.left || forwarded && (wanted.direct || !wanted.left)
	if here && (forwarded || t.left) {
		t.steps[from] = j.Steps[:arrived]
	}
	if to == nil {
		return t
	}
	switch {
	case t.direct, wanted.direct && forwarded:
		t.steps[to], t.passed[to] = j.Steps[arrived:], j.Reached(openflow.Port(to.ofport))
	case !here && t.left:
		r.cross(t, bridges[to.host], to, j)
	case t.passed[from] && from.view.Subnet.ID == to.view.Subnet.ID:
		r.arrive(t, bridges[to.host], to, p, "nothing leaves hypervisor "+string(from.host.id)+" for it; its side is asked by itself")
	case t.passed[from]:
		r.arrive(t, bridges[to.host], to, p, from.routed(to))
	default:
		r.arrive(t, bridges[to.host], to, p, "the other side refuses it already; this side is asked by itself")
	}
	return t
}

// routed says how the packet comes from one subnet to another: what the router does is not asked.
func (e *probeEnd) routed(to *probeEnd) string {
	return fmt.Sprintf("between subnets %s and %s stands a router, which is not asked: this side is, as if the packet came from the fabric", e.view.Subnet.Label(), to.view.Subnet.Label())
}

// cross brings what left one bridge to the other one, in its segment when both ends are in the same, as a router would otherwise.
func (r *probe) cross(t *trip, b *ofeval.Bridge, to *probeEnd, j ofeval.Journey) {
	out := j.Outputs[0].Packet
	if r.ends[0].view.Subnet.ID != r.ends[1].view.Subnet.ID {
		r.arrive(t, b, to, out, r.ends[0].routed(r.ends[1]))
		return
	}
	if len(to.bench.uplinks) == 0 {
		r.arrive(t, b, to, out, "hypervisor "+string(to.host.id)+" has no uplink, so that nothing comes there; its side is asked by itself")
		return
	}
	r.receive(t, to, b.Inject(openflow.Port(to.bench.uplinks[0]), out.OnWire()))
}

// arrive lets the packet come to the port's bridge from the fabric, in the port's segment.
func (r *probe) arrive(t *trip, b *ofeval.Bridge, to *probeEnd, p ofeval.Packet, note string) {
	t.notes[to] = note
	p = p.OnWire().With(openflow.MAC(openflow.EthDst, to.view.Port.MAC))
	if len(to.bench.uplinks) > 0 {
		if vlan := to.view.Subnet.VLAN; vlan != 0 {
			p = p.With(openflow.Exact(openflow.VLANVID, uint64(vlan)|openflow.VLANPresent))
		} else {
			p = p.With(openflow.Exact(openflow.VLANVID, 0))
		}
		r.receive(t, to, b.Inject(openflow.Port(to.bench.uplinks[0]), p))
		return
	}
	// Without an uplink: as the flow of one would have it (flows.TableClassify).
	r.receive(t, to, b.Enter(flows.TableDestination, p.With(
		openflow.Exact(openflow.InPort, uint64(openflow.PortLocal)), openflow.Exact(openflow.VLANVID, 0),
		openflow.Exact(flows.RegVPC, uint64(to.view.VPC.Number)), openflow.Exact(flows.RegSegment, uint64(to.view.Subnet.Number)))))
}

func (r *probe) receive(t *trip, to *probeEnd, j ofeval.Journey) {
	t.steps[to], t.passed[to] = j.Steps, j.Reached(openflow.Port(to.ofport))
}
