package flows_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/flows/flowstest"
	"conjunct/openflow"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

// shutWorld is the small world with all kinds of flows that take permission away: VM b has an ordered group that drops from an IP set
// and from a group, above a union group that lets everything in; nobody sends mail.
func shutWorld() *policytest.World {
	port := func(n int) *int { return &n }
	w := smallWorld(policy.Ordered,
		policy.Rule{Protocol: policy.TCP, PortMin: port(80), PortMax: port(80), Remote: policy.Remote{IPSetID: "set"}, Action: policy.Drop},
		policy.Rule{Protocol: policy.UDP, Remote: policy.Remote{GroupID: "clients"}, Action: policy.Drop},
		policy.Rule{Protocol: policy.TCP, PortMin: port(79), PortMax: port(81), Remote: policy.Remote{Any: true}, Action: policy.Allow},
		policy.Rule{Protocol: "4", Remote: policy.Remote{Any: true}, Action: policy.Drop},
	)
	w.Put(&policy.Project{Meta: policy.Meta{ID: "p"}, Name: "p", Profile: policy.ProfileOpenUntilRuled})
	w.Put(&policy.Group{Meta: policy.Meta{ID: "wide"}, Name: "wide", ProjectID: "p"})
	for _, d := range policy.Directions {
		w.Put(&policy.Rule{Meta: policy.Meta{ID: "wide-" + string(d)}, GroupID: "wide", Direction: d, Protocol: policy.All, Remote: policy.Remote{Any: true}})
	}
	b, _ := policy.Find[*policy.Instance](w.Snapshot, policy.InstanceID("b"))
	b = b.Clone().(*policy.Instance)
	b.SecurityGroupIDs = append(b.SecurityGroupIDs, "wide")
	w.Put(b)
	return w
}

// TestCut_WithoutAFlowNothingMorePasses takes every single flow out of a bridge: with what CutWithout says cut off, no connection passes that
// policy refuses. Without, some do, and each kind of cut is needed.
func TestCut_WithoutAFlowNothingMorePasses(t *testing.T) {
	w := shutWorld()
	var questions []policytest.Question
	for _, c := range smallPackets() {
		questions = append(questions, policytest.Question{Port: "b", Direction: policy.Ingress, Connection: c})
	}
	a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	for _, c := range []policy.Connection{
		{Src: a, Dst: b, Protocol: policy.ProtoTCP, SrcPort: 4000, DstPort: 25},
		{Src: b, Dst: a, Protocol: policy.ProtoTCP, SrcPort: 4000, DstPort: 25},
		{Src: a, Dst: b, Protocol: policy.ProtoUDP, SrcPort: 67, DstPort: 68},
		{Src: netip.MustParseAddr("10.0.0.66"), Dst: b, Protocol: policy.ProtoTCP, SrcPort: 4000, DstPort: 79},
	} {
		port := policy.PortID("a")
		if c.Src == b {
			port = "b"
		}
		questions = append(questions, policytest.Question{Port: port, Direction: policy.Egress, Connection: c})
	}
	bench := newBench(t, w)
	host := flowstest.Host(w)
	leaks := func(missing openflow.Flow) *policytest.Disagreement {
		var rest []openflow.Flow
		for f := range host.All() {
			if f.Key() != missing.Key() {
				rest = append(rest, f)
			}
		}
		require.NoError(t, bench.Load(rest))
		for _, q := range questions {
			if _, d := bench.Ask(q); d != nil && d.Switch {
				return d
			}
		}
		return nil
	}
	needed := map[string]int{}
	for _, f := range flowstest.Flows(w, nil) {
		cut, closes := host.CutWithout(&f)
		if leak := leaks(f); leak != nil {
			require.True(t, closes, "%v\n%+v", f, leak)
			switch {
			case cut.Bridge:
				needed["bridge"]++
			case cut.Ordered:
				needed["ordered"]++
			case cut.Groups != "":
				needed["groups"]++
			case cut.Classes != "":
				needed["classes"]++
			}
		}
		if !closes {
			continue // It was tried already.
		}
		host.SetCut(cut)
		leak := leaks(f)
		require.Nil(t, leak, "without %v, cut off %+v", f, cut)
		host.SetCut(flows.Cut{})
	}
	for _, kind := range []string{"bridge", "ordered", "groups", "classes"} {
		require.NotZero(t, needed[kind], "%v", needed)
	}
}
