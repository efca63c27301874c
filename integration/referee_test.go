package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

const (
	refereeWorlds    = 200
	refereeQuestions = 50
)

// TestReferee holds the real switch's ofproto/trace against policy.Decide: random policies of every kind of rule in two VPCs
// with the same addresses, and for each question the packet that opens the connection, its reply and an ICMP error.
func TestReferee(t *testing.T) {
	tr := newTracer(t)
	asked, allowed := 0, 0
	for seed := range uint64(refereeWorlds) {
		w := policytest.New(seed)
		var ids []policy.PortID
		for _, p := range w.Ports {
			ids = append(ids, policy.PortID(p.ID))
		}
		all := flows.Compile(w.Snapshot, policy.Resolve(w.Snapshot, "hv1", ids), w.OFPorts, nil)
		tr.load(all)
		r := referee{tracer: tr, world: w, classes: localClasses(all), flows: all}
		for range refereeQuestions {
			n, yes := r.ask(t, w.Question())
			asked, allowed = asked+n, allowed+yes
		}
	}
	t.Logf("%d worlds, %d questions each, %d packets traced, %d allowed", refereeWorlds, refereeQuestions, asked, allowed)
	require.Greater(t, allowed, asked/20, "the questions have become too easy to refuse")
	require.Less(t, allowed, asked*19/20, "the questions have become too easy to allow")
}

type referee struct {
	*tracer
	world   *policytest.World
	classes map[uint16]uint64
	flows   []openflow.Flow
}

// ask traces all packets that a question stands for and returns how many there were, and how many passed.
func (r *referee) ask(t testing.TB, q policytest.Question) (asked, allowed int) {
	d, known := policy.Decide(r.world.Snapshot, q.Port, q.Direction, q.Connection)
	require.True(t, known)
	view, _ := r.world.Snapshot.PortView(q.Port)
	if q.Direction == policy.Egress {
		r.askFront(t, q, d, view)
		if d.Tier == policy.TierAntiSpoofing || (d.Tier == policy.TierPlatform && !d.Platform.Guard) {
			return 1, 0 // Decided before anything is judged.
		}
	} else if d.Tier == policy.TierPlatform {
		return 0, 0 // Table 40 lets it pass; what comes in is no business of table 41.
	}
	for name, p := range packetsOf(q, d.Allowed) {
		table, noted, next := r.tables(q.Direction, p.reverse)
		n := r.world.OFPorts[q.Port]
		reg := "reg1=0,reg2"
		if table == flows.TableSenderJudge {
			reg = "reg2=0,reg1"
		}
		trace := r.judge(t, table, p.packet, fmt.Sprintf("reg0=%d,reg6=%d,%s=%d,reg3=%d", view.VPC.Number, view.Subnet.Number, reg, n, r.classes[n]))
		// A trace that begins with a packet-out ends where a connection is noted.
		passes := visited(trace, next) || strings.Contains(trace, fmt.Sprintf("will be resumed at table %d.", noted))
		if passes != d.Allowed {
			t.Fatalf("seed %d: %s of %s %s %+v: switch %v, policy %+v\n%s", r.world.Seed, name, q.Port, q.Direction, q.Connection, passes, d, trace)
		}
		asked++
		if passes {
			allowed++
		}
	}
	return asked, allowed
}

// tables are where a packet of the connection is judged at the port, and where it goes on, when its connection is noted before or
// not: what leaves the port is judged on the sender's side, what arrives on the receiver's.
func (r *referee) tables(d policy.Direction, reverse bool) (judge, noted, next uint8) {
	if (d == policy.Egress) != reverse {
		return flows.TableSenderJudge, flows.TableSenderNoted, flows.TableDestination
	}
	return flows.TableRecvJudge, flows.TableRecvNoted, flows.TableOutput
}

// askFront sends the opening packet in by its port and checks anti-spoofing and the platform's tier.
func (r *referee) askFront(t testing.TB, q policytest.Question, d policy.Decision, v *policy.PortView) {
	match := fmt.Sprintf("%s,reg1=%d,dl_src=%s,dl_dst=02:00:00:00:00:99", packetText(q.Connection), r.world.OFPorts[q.Port], v.Port.MAC)
	trace := r.call(t, "ofproto/trace-packet-out", "br-int", match, fmt.Sprintf("resubmit(,%d)", flows.TableAntiSpoof))
	want := flows.TableSenderCT
	switch {
	case d.Tier == policy.TierAntiSpoofing, d.Tier == policy.TierPlatform && !d.Allowed && !d.Platform.Guard:
		want = 0
	case d.Tier == policy.TierPlatform && d.Allowed:
		want = flows.TableDestination
	}
	got := uint8(0)
	for _, table := range []uint8{flows.TableSenderCT, flows.TableDestination} {
		if visited(trace, table) {
			got = table
		}
	}
	require.Equal(t, want, got, "seed %d: %s %+v, policy %+v\n%s", r.world.Seed, q.Port, q.Connection, d, trace)
}

type traced struct {
	packet
	reverse bool // travels from the responder to the initiator
}

// packetsOf are the packets of a connection that must get one verdict.
func packetsOf(q policytest.Question, allowed bool) map[string]traced {
	c := q.Connection
	back := policy.Connection{Src: c.Dst, Dst: c.Src, Protocol: c.Protocol, SrcPort: c.DstPort, DstPort: c.SrcPort}
	if answer, ok := icmpAnswers[[2]uint8{c.Protocol, c.ICMPType}]; ok {
		back.ICMPType = answer
	}
	failure := policy.Connection{Src: c.Dst, Dst: c.Src, Protocol: policy.ProtoICMP, ICMPType: 3, ICMPCode: 1}
	if policy.Version(c.Src) == 6 {
		failure.Protocol, failure.ICMPType = policy.ProtoICMPv6, 1
	}
	out := map[string]traced{
		"opening packet": {packet: packet{state: "new|trk", own: c, original: c}},
		"later packet":   {packet: packet{state: "est|trk", own: c, original: c}},
		"reply":          {packet: packet{state: "est|rpl|trk", own: back, original: c}, reverse: true},
		"ICMP error":     {packet: packet{state: "rel|rpl|trk", own: failure, original: c}, reverse: true},
	}
	if _, isICMP := icmpAnswers[[2]uint8{c.Protocol, c.ICMPType}]; (isICMP || c.Protocol == policy.ProtoSCTP) && !allowed {
		// Their tuples have neither type nor ports: an error passes when a rule for the peers and the protocol exists at all.
		delete(out, "ICMP error")
	}
	return out
}

var icmpAnswers = map[[2]uint8]uint8{
	{policy.ProtoICMP, 8}: 0, {policy.ProtoICMP, 13}: 14, {policy.ProtoICMPv6, 128}: 129,
}
