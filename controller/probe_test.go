package controller

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

// worldBenches are bridges as they should be, one for the even ports of a world and one for the odd ones; or one for all.
func worldBenches(w *policytest.World, hosts int) (of func(policy.PortID) *bench) {
	const uplink = 1000
	benches := make([]*bench, hosts)
	for i := range benches {
		var ids []policy.PortID
		b := &bench{host: &host{id: policy.HostID([]string{"hv0", "hv1"}[i])}, uplinks: []uint16{uplink}, ports: []openflow.Port{uplink}, want: make(installed)}
		numbers := make(map[policy.PortID]uint16)
		for id, n := range w.OFPorts {
			if int(n)%hosts == i {
				ids = append(ids, id)
				numbers[id] = n
				b.ports = append(b.ports, openflow.Port(n))
			}
		}
		slices.Sort(ids)
		for _, f := range flows.Compile(w.Snapshot, policy.Resolve(w.Snapshot, b.host.id, ids), numbers, b.uplinks) {
			b.want[f.Key()] = &f
		}
		b.have = b.want
		b.compare()
		benches[i] = b
	}
	return func(id policy.PortID) *bench { return benches[int(w.OFPorts[id])%hosts] }
}

// TestProbe_TellsWhatThePolicySays takes random packets of all kinds through what random worlds compile to, on one bridge and across two:
// each end's verdict is that of the policy.
func TestProbe_TellsWhatThePolicySays(t *testing.T) {
	asked, allowed, both := 0, 0, 0
	for seed := range uint64(20) {
		w := policytest.New(seed)
		benchOf := worldBenches(w, 1+int(seed%2))
		for range 25 {
			q := w.Question()
			v, _ := w.Snapshot.PortView(q.Port)
			ends := [2]policy.End{}
			here, there := 0, 1
			if q.Direction == policy.Ingress {
				here, there = 1, 0
			}
			ends[here].Port = v
			if peer, ok := w.Snapshot.PortAt(policy.VPCID(v.VPC.ID), q.Connection.Remote(q.Direction)); ok && peer.Port.ID != v.Port.ID {
				ends[there].Port = peer
				both++
			}
			for _, kind := range policy.PacketKinds {
				verdict := policy.ExplainPacket(w.Snapshot, ends[0], ends[1], q.Connection, kind)
				r := &probe{Probe: policy.Probe{From: ends[0], To: ends[1], Connection: q.Connection, Packet: kind}, benches: map[*host]*bench{}}
				for i, e := range ends {
					if e.Port != nil {
						b := benchOf(policy.PortID(e.Port.Port.ID))
						r.benches[b.host] = b
						r.ends[i] = &probeEnd{view: e.Port, host: b.host, bench: b, ofport: w.OFPorts[policy.PortID(e.Port.Port.ID)]}
					}
				}
				trip := r.run(wantedFlows, nil)
				again := r.run(installedFlows, trip)
				for _, step := range verdict.Steps {
					if !step.IsExact(q.Connection, kind) {
						continue
					}
					i := 0
					if step.Port == ends[1].Port {
						i = 1
					}
					if step.Decision.Allowed && slices.ContainsFunc(trip.steps[r.ends[i]], saysInvalid) {
						continue // An ICMP type that opens no connection, or answers none.
					}
					require.Equal(t, step.Decision.Allowed, trip.passed[r.ends[i]], "seed %d: %s %+v at %s: %+v\n%v", seed, kind, q.Connection, step.Port.Port.ID, step.Decision, trip.steps[r.ends[i]])
					require.Equal(t, trip.passed[r.ends[i]], again.passed[r.ends[i]])
					asked++
					allowed += len(verdict.Steps) * map[bool]int{true: 1}[step.Decision.Allowed]
				}
			}
		}
	}
	t.Logf("%d verdicts, %d allowed, %d questions between two ports", asked, allowed, both)
	require.Greater(t, allowed, asked/10)
	require.Greater(t, both, 30)
}

// probe asks a question between ports of the small cloud.
func (w *small) probe(t *testing.T, from, to policy.PortID, port uint16, kind policy.PacketKind) (policy.Verdict, []policy.Passage) {
	t.Helper()
	var p policy.Probe
	var verdict policy.Verdict
	w.View(func(s *policy.Snapshot) {
		a, ok := s.PortView(from)
		require.True(t, ok)
		b, ok := s.PortView(to)
		require.True(t, ok)
		p = policy.Probe{From: policy.End{Port: a}, To: policy.End{Port: b}, Packet: kind, Connection: policy.Connection{
			Src: a.Port.Addresses[0], Dst: b.Port.Addresses[0], Protocol: policy.ProtoTCP, SrcPort: 4000, DstPort: port,
		}}
		verdict = policy.ExplainPacket(s, p.From, p.To, p.Connection, kind)
	})
	passages, err := w.c.Probe(t.Context(), p)
	require.NoError(t, err)
	return verdict, passages
}

// TestProbe_FindsWhatIsOtherwise changes the bridge by hand, in ways that let pass what should not, or drop what should pass.
func TestProbe_FindsWhatIsOtherwise(t *testing.T) {
	w := newSmall(t, Options{Bridge: Bridge{Foreign: ForeignReport}})
	awaitApplied(t, w.c, put(t, w.Store, &policy.Rule{Meta: policy.Meta{ID: "out"}, GroupID: "web", Direction: policy.Egress, Protocol: policy.TCP}))
	for _, kind := range policy.PacketKinds {
		for port, allowed := range map[uint16]bool{22: true, 23: false} {
			verdict, passages := w.probe(t, "vm1", "vm2", port, kind)
			require.Equal(t, allowed, verdict.Allowed)
			for i, p := range passages {
				require.Equal(t, verdict.Steps[i].Decision.Allowed, p.Passed, "%s to %d at %s: %+v", kind, port, p.Port, p.Tables)
				require.Empty(t, p.Differences)
				require.Equal(t, policy.HostID("hv1"), p.Host)
				if allowed {
					require.Empty(t, p.Note)
				}
			}
		}
	}
	_, passages := w.probe(t, "vm1", "vm2", 22, policy.PacketOpening)
	at := slices.IndexFunc(passages[1].Tables, func(l policy.FlowLookup) bool { return l.RuleID == "web-ssh" })
	require.Positive(t, at)
	require.Contains(t, passages[1].Tables[at].Meaning, "rule web-ssh of group web")
	require.NotEmpty(t, passages[1].Tables[at].Components)

	for name, c := range map[string]struct {
		flow   string // put in
		remove string // taken out: a part of its text
		port   uint16
		end    int
		passed bool
		kind   policy.DifferenceKind
	}{
		"a hole at the receiver":                    {flow: "table=44,priority=9999,ip actions=set_field:0x1/0x1->reg4", port: 23, end: 1, passed: true, kind: policy.FlowExtra},
		"a way around everything":                   {flow: "table=0,priority=9999,in_port=1 actions=output:2", port: 23, end: 1, passed: true, kind: policy.FlowExtra},
		"a drop at the sender":                      {flow: "table=10,priority=9999,tcp actions=drop", port: 22, end: 0, passed: false, kind: policy.FlowExtra},
		"a drop between the two":                    {flow: "table=30,priority=9999,tcp actions=drop", port: 22, end: 1, passed: false, kind: policy.FlowExtra},
		"what a rule allows is dropped":             {flow: "table=46,priority=9999,tcp actions=drop", port: 22, end: 1, passed: false, kind: policy.FlowExtra},
		"a flow that is ours, with another action":  {flow: "table=50,priority=100,reg2=0x2 actions=drop", port: 22, end: 1, passed: false, kind: policy.FlowChanged},
		"the flow of the rule is gone":              {remove: "cookie=0xc004000000000001,", port: 22, end: 1, passed: false, kind: policy.FlowMissing},
		"a component of its conjunction is gone":    {remove: "conjunction(1,", port: 22, end: 1, passed: false, kind: policy.FlowMissing},
		"the way to the receiver's side is gone":    {remove: "table=31, ", port: 22, end: 1, passed: false, kind: policy.FlowMissing},
		"the groups of the receiver are gone":       {remove: "table=60, priority=100,reg6=0x1,reg7=0x2 ", port: 22, end: 1, passed: false, kind: policy.FlowMissing},
		"the port is gone from the first table":     {remove: "in_port=1,", port: 22, end: 0, passed: false, kind: policy.FlowMissing},
		"the table of verdicts lets everybody pass": {flow: "table=46,priority=9999 actions=goto_table:50", port: 23, end: 1, passed: true, kind: policy.FlowExtra},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.hv.sw.Flows()
			if c.flow != "" {
				require.NoError(t, w.hv.sw.Load(c.flow))
			}
			removed := 0
			for _, f := range before {
				if c.remove != "" && strings.Contains(f.Flow.String(), c.remove) {
					require.NoError(t, w.hv.sw.Apply(removal(f.Flow)))
					removed++
				}
			}
			require.Equal(t, c.remove != "", removed > 0)
			_, passages := w.probe(t, "vm1", "vm2", c.port, policy.PacketOpening)
			mods := []openflow.FlowMod{{Command: openflow.FlowDelete, Flow: openflow.Flow{Table: openflow.AllTables}}}
			for _, f := range before {
				mods = append(mods, openflow.FlowMod{Command: openflow.FlowAdd, Flow: f.Flow})
			}
			require.NoError(t, w.hv.sw.Apply(mods...))
			p := passages[c.end]
			require.Equal(t, c.passed, p.Passed, "%+v", p)
			require.NotEmpty(t, p.Differences, "%+v", p.Tables)
			require.Equal(t, c.kind, p.Differences[0].Kind, "%+v", p.Differences)
		})
	}
}

// TestProbe_NeedsAHost says why nothing can be asked.
func TestProbe_NeedsAHost(t *testing.T) {
	w := newSmall(t, Options{})
	put(t, w.Store, vm("vm3", 3, "web")...)
	ask := func(id policy.PortID) error {
		var p policy.Probe
		w.View(func(s *policy.Snapshot) {
			v, _ := s.PortView(id)
			p = policy.Probe{From: policy.End{Port: v}, Packet: policy.PacketOpening}
		})
		_, err := w.c.Probe(t.Context(), p)
		return err
	}
	eventually(t, func() bool { _, _, err := w.c.model.seatOf("vm3"); return err != nil && !isNotFound(err) })
	require.ErrorIs(t, ask("vm3"), errNotPlugged)
	w.hv.cutOff(true)
	awaitState(t, w.c, "hv1", policy.HostDisconnected)
	require.Error(t, ask("vm1"))
}

func isNotFound(err error) bool {
	_, is := err.(*policy.NotFound) //nolint:errorlint // seatOf returns it as it is.
	return is
}
