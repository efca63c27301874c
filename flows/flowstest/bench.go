package flowstest

import (
	"fmt"
	"net/netip"
	"slices"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/openflow/ofeval"
	"conjunct/openflow/oftest"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

// Uplink is the port number by which a bench reaches the fabric.
const Uplink = 100

// Bench is a fake switch that holds what a world compiles to, all ports on one host.
type Bench struct {
	World  *policytest.World
	Switch *oftest.Switch
	// Tamper, where it is not nil, changes what is compiled before the switch gets it: a fault to be found.
	Tamper Tamper
}

// Tamper makes other flows of some.
type Tamper func([]openflow.Flow) []openflow.Flow

// NewBench returns a bench that holds the world. Close its Switch.
func NewBench(w *policytest.World, tamper Tamper) (*Bench, error) {
	b := &Bench{World: w, Switch: oftest.NewSwitch(oftest.Config{DatapathID: 1}), Tamper: tamper}
	b.Switch.SetFragments(openflow.FragNXMatch)
	b.Switch.AddPorts(Uplink)
	for _, n := range w.OFPorts {
		b.Switch.AddPorts(openflow.Port(n))
	}
	if err := b.Program(); err != nil {
		b.Switch.Close()
		return nil, err
	}
	return b, nil
}

// Flows is what the world compiles to.
func Flows(w *policytest.World, tamper Tamper) []openflow.Flow {
	all := slices.SortedFunc(Host(w).All(), flows.Compare)
	if tamper != nil {
		all = tamper(all)
	}
	return all
}

// Host is the bridge with all ports of the world.
func Host(w *policytest.World) *flows.Host {
	var ids []policy.PortID
	for _, p := range policy.List[*policy.Port](w.Snapshot, nil) {
		ids = append(ids, policy.PortID(p.ID))
	}
	return flows.HostOf(w.Snapshot, policy.Resolve(w.Snapshot, "h", ids), w.OFPorts, []uint16{Uplink})
}

// Program makes the switch hold what the world is now; connections tracked stay.
func (b *Bench) Program() error { return b.Load(Flows(b.World, b.Tamper)) }

// Load makes the flows the whole content of the switch.
func (b *Bench) Load(all []openflow.Flow) error {
	mods := []openflow.FlowMod{{Command: openflow.FlowDelete, Flow: openflow.Flow{Table: openflow.AllTables}}}
	for _, f := range all {
		mods = append(mods, openflow.FlowMod{Command: openflow.FlowAdd, Flow: f})
	}
	return b.Switch.Apply(mods...)
}

// End is a port of the world, or somebody on the fabric when View is nil.
type End struct {
	View *policy.PortView
	Port openflow.Port
	MAC  policy.MAC
	Addr netip.Addr
}

var outsideMAC = policy.MAC{2, 0, 0, 0, 0, 0x99}

// Ends are sender and receiver of a question: its port, and the port that has the other address in the segment or else the fabric. ok
// is false when both are the same.
func (b *Bench) Ends(q policytest.Question) (from, to End, ok bool) {
	here := b.end(q.Port, q.Connection.Local(q.Direction))
	there := End{Port: Uplink, MAC: outsideMAC, Addr: q.Connection.Remote(q.Direction)}
	if other, found := b.World.Snapshot.PortAt(policy.VPCID(here.View.VPC.ID), there.Addr); found && other.Subnet.ID == here.View.Subnet.ID {
		there = b.end(policy.PortID(other.Port.ID), there.Addr)
	}
	if q.Direction == policy.Ingress {
		return there, here, there.Port != here.Port
	}
	return here, there, there.Port != here.Port
}

func (b *Bench) end(id policy.PortID, addr netip.Addr) End {
	v, _ := b.World.Snapshot.PortView(id)
	return End{View: v, Port: openflow.Port(b.World.OFPorts[id]), MAC: v.Port.MAC, Addr: addr}
}

// SourceMAC is the MAC with which the port sends from the address: that of the pair by which it may, or its own.
func SourceMAC(v *policy.PortView, from netip.Addr) policy.MAC {
	alone := *v.Port
	alone.AllowedAddressPairs = slices.DeleteFunc(slices.Clone(alone.AllowedAddressPairs), func(p policy.AddressPair) bool { return !p.MAC.IsZero() })
	if (&policy.PortView{Port: &alone}).Owns(from) {
		return v.Port.MAC
	}
	for _, pair := range v.Port.AllowedAddressPairs {
		if pair.CIDR.Contains(from) {
			return pair.MAC
		}
	}
	return v.Port.MAC
}

// Send injects a packet at one end, with the MACs that belong there, and reports whether it came out at the other.
func (b *Bench) Send(p ofeval.Packet, from, to End) (bool, ofeval.Journey) {
	src := from.MAC
	if from.View != nil {
		src = SourceMAC(from.View, from.Addr)
	}
	p = p.With(openflow.MAC(openflow.EthSrc, src), openflow.MAC(openflow.EthDst, to.MAC))
	if from.View == nil && to.View.Subnet.VLAN != 0 { // The frame arrives with the tag of the other end's segment.
		p = p.With(openflow.Exact(openflow.VLANVID, uint64(to.View.Subnet.VLAN)|openflow.VLANPresent))
	}
	j := b.Switch.Inject(from.Port, p)
	return j.Reached(to.Port), j
}

// Ask sends the question's connection through the switch, from one end to the other: the packet that opens it and, when that passes,
// the reply, the next packet and an ICMP error about it.
func (b *Bench) Ask(q policytest.Question) (policytest.Tried, *policytest.Disagreement) {
	from, to, ok := b.Ends(q)
	if !ok {
		return policytest.Tried{}, nil
	}
	for _, n := range b.World.OFPorts { // Without ports (SCTP in the userspace datapath, IP-in-IP) the reverse of an earlier question is its reply.
		b.Switch.FlushZone(n)
	}
	c := q.Connection
	want := policy.Explain(b.World.Snapshot, policy.End{Port: from.View}, policy.End{Port: to.View}, c)
	if !policytest.Trackable(c) && slices.ContainsFunc(want.Steps, func(s policy.Step) bool { return s.Decision.Tier != policy.TierPlatform }) {
		return policytest.Tried{}, nil
	}
	tried := policytest.Tried{}
	try := func(what string, p ofeval.Packet, from, to End) *policytest.Disagreement {
		got, j := b.Send(p, from, to)
		tried.Packets++
		if got {
			tried.Passed++
		}
		if got == want.Allowed {
			return nil
		}
		return &policytest.Disagreement{Packet: what, By: "the fake switch, end to end", Policy: want.Allowed, Reason: reason(want), Switch: got, Trace: j.String()}
	}
	p := Frame(c)
	if d := try(policytest.Opening, p, from, to); d != nil || !want.Allowed || aboutPlatform(want) || !Answerable(q, to) {
		return tried, d
	}
	answer := p.Reply()
	if c.Protocol == policy.ProtoTCP {
		answer = answer.With(openflow.Exact(openflow.TCPFlags, ofeval.SYN|ofeval.ACK))
	}
	if d := try(policytest.Reply, answer, to, from); d != nil {
		return tried, d
	}
	if c.Protocol == policy.ProtoTCP {
		p = p.With(openflow.Exact(openflow.TCPFlags, ofeval.ACK))
	}
	if d := try(policytest.Later, p, from, to); d != nil {
		return tried, d
	}
	return tried, try(policytest.ICMPError, ofeval.Unreachable(to.Addr, p), to, from)
}

func reason(v policy.Verdict) string {
	out := ""
	for _, s := range v.Steps {
		out += fmt.Sprintf("%s at %s: %s\n", s.Direction, s.Port.Port.ID, policytest.Reason(s.Decision))
	}
	return out
}

// aboutPlatform reports whether an end lets the connection pass without looking: it is not tracked there.
func aboutPlatform(v policy.Verdict) bool {
	return slices.ContainsFunc(v.Steps, func(s policy.Step) bool { return s.Decision.Tier == policy.TierPlatform })
}

// Answerable reports whether the receiver may answer: it must have the address, and what it sends must not be what no VM may send.
func Answerable(q policytest.Question, to End) bool {
	if to.View == nil {
		return true
	}
	return to.View.Owns(to.Addr) && policy.DecideAt(policy.NewSnapshot(""), to.View, policy.Egress, policytest.Back(q.Connection)).Tier != policy.TierPlatform
}
