package referee

import (
	"fmt"
	"strings"
	"testing"

	"conjunct/flows"
	"conjunct/flows/flowstest"
	"conjunct/openflow/oftest/real"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

// Tracer asks a real switch's own ofproto/trace.
type Tracer struct {
	ovs    *real.OVS
	tamper flowstest.Tamper

	world *policytest.World
}

// NewTracer starts an Open vSwitch that ends with the test. A test is skipped where there is none.
func NewTracer(t testing.TB, tamper flowstest.Tamper) *Tracer {
	o := real.Start(t)
	numbers := []int{flowstest.Uplink}
	for n := range mostPorts {
		numbers = append(numbers, n+1)
	}
	o.AddPorts(numbers...)
	return &Tracer{ovs: o, tamper: tamper}
}

// mostPorts is how many ports a world may have.
const mostPorts = 16

// Load makes the bridge hold what the world compiles to.
func (tr *Tracer) Load(w *policytest.World) error {
	all := flowstest.Flows(w, tr.tamper)
	var text strings.Builder
	for i := range all {
		text.WriteString(all[i].String())
		text.WriteByte('\n')
	}
	if err := tr.ovs.Replace(text.String()); err != nil {
		return err
	}
	tr.world = w
	return nil
}

// Ask traces all packets that the question stands for, on the side of its port: what the VM sends from where it comes in, what is for the
// VM from the fabric, and once more from where its ingress side judges.
func (tr *Tracer) Ask(q policytest.Question) (policytest.Tried, *policytest.Disagreement, error) {
	v, _ := tr.world.Snapshot.PortView(q.Port)
	d := policy.DecideAt(tr.world.Snapshot, v, q.Direction, q.Connection)
	tried := policytest.Tried{}
	for _, p := range packetsOf(q, v, d) {
		passes, trace, err := tr.trace(q, v, p)
		if err != nil {
			return tried, nil, err
		}
		tried.Packets++
		if passes {
			tried.Passed++
		}
		if passes != d.Allowed {
			return tried, &policytest.Disagreement{
				Packet: p.name, By: "ofproto/trace of the real switch, at the port,", Policy: d.Allowed, Reason: policytest.Reason(d) + "\n", Switch: passes, Trace: trace,
			}, nil
		}
	}
	return tried, nil, nil
}

// trace reports whether a packet passes the port.
func (tr *Tracer) trace(q policytest.Question, v *policy.PortView, p packet) (passes bool, trace string, err error) {
	n := tr.world.OFPorts[q.Port]
	if sends := (q.Direction == policy.Egress) != p.reverse; sends {
		// Connection tracking says of the packet what it is told to at the first look-up; what it says behind is of no interest.
		trace, err = tr.ovs.Appctl("ofproto/trace", "--ct-next", strings.ReplaceAll(p.state, "|", ","), "br0",
			fmt.Sprintf("in_port=%d,ct_state=est|trk,%s,%s,dl_src=%s,dl_dst=02:00:00:00:00:99", n, TupleText(p.original), PacketText(p.own), flowstest.SourceMAC(v, p.own.Src)))
		return Visits(trace, flows.TableDestination), trace, err
	}
	if p.name == policytest.Opening {
		trace, err = tr.ovs.Appctl("ofproto/trace", "br0",
			fmt.Sprintf("in_port=%d,dl_vlan=%d,%s,dl_src=02:00:00:00:00:99,dl_dst=%s", flowstest.Uplink, v.Subnet.VLAN, PacketText(p.own), v.Port.MAC))
		if err != nil || !Resumes(trace, flows.TableRecvJudge) {
			return Visits(trace, flows.TableOutput), trace, err
		}
	}
	// A trace from the fabric would lose the original tuple on the way: the receiver's side begins by forgetting what the sender's found.
	trace, err = tr.ovs.Appctl("ofproto/trace-packet-out", "br0", fmt.Sprintf("ct_state=%s,%s,%s,reg0=%d,reg2=%d,reg6=%d,reg7=%d", p.state,
		TupleText(p.original), PacketText(p.own), v.VPC.Number, n, v.Subnet.Number, n), fmt.Sprintf("resubmit(,%d)", flows.TableRecvJudge))
	return Visits(trace, flows.TableOutput) || Resumes(trace, flows.TableRecvNoted), trace, err
}

// packet is one packet of a connection, with what connection tracking says about it.
type packet struct {
	name  string
	state string // ct_state, such as new|trk
	// own is the packet's own tuple, original that of its connection.
	own, original policy.Connection
	reverse       bool // travels from the responder to the initiator
}

// packetsOf are the packets of a connection that must get the decision.
func packetsOf(q policytest.Question, v *policy.PortView, d policy.Decision) []packet {
	c := q.Connection
	out := []packet{{name: policytest.Opening, state: "new|trk", own: c, original: c}}
	if d.Tier == policy.TierAntiSpoofing || d.Tier == policy.TierPlatform && !d.Platform.Judged {
		return out // It is not tracked.
	}
	isICMP := c.Protocol == policy.ProtoICMP || c.Protocol == policy.ProtoICMPv6
	if _, answered := policytest.Answer(c); isICMP && !answered {
		return out // It begins no connection.
	}
	out = append(out, packet{name: policytest.Later, state: "est|trk", own: c, original: c})
	if q.Direction == policy.Ingress && (!v.Owns(c.Dst) || policy.DecideAt(policy.NewSnapshot(""), v, policy.Egress, policytest.Back(c)).Tier == policy.TierPlatform) {
		return out // The port can't answer.
	}
	out = append(out, packet{name: policytest.Reply, state: "est|rpl|trk", own: policytest.Back(c), original: c, reverse: true})
	failure := policy.Connection{Src: c.Dst, Dst: c.Src, Protocol: policy.ProtoICMP, ICMPType: 3, ICMPCode: 1}
	if policy.Version(c.Src) == 6 {
		failure.Protocol, failure.ICMPType = policy.ProtoICMPv6, 1
	}
	// The tuples of ICMP and SCTP have neither type nor ports: an error passes when a rule for the peers and the protocol exists at all.
	if d.Allowed || !isICMP && c.Protocol != policy.ProtoSCTP {
		out = append(out, packet{name: policytest.ICMPError, state: "rel|rpl|trk", own: failure, original: c, reverse: true})
	}
	return out
}
