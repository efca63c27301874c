package flows_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/flows/flowstest"
	"conjunct/openflow"
	"conjunct/openflow/ofeval"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

// turning is a bridge whose tables become others while a packet is in connection tracking, before it comes out at a table.
type turning struct {
	before, after *ofeval.Bridge
	at            uint8
	turned        bool
}

func (t *turning) Lookup(table uint8, p *ofeval.Packet) ofeval.Hit {
	if t.turned = t.turned || table == t.at; t.turned {
		return t.after.Lookup(table, p)
	}
	return t.before.Lookup(table, p)
}

func (t *turning) Ports() []openflow.Port { return t.before.Ports() }

// movingWorld has a port that changes its groups and one that keeps them, so that its class stays in use.
func movingWorld(e policy.Evaluation, groups []policy.GroupID, loose bool) *policytest.World {
	w := policytest.Empty()
	meta := func(id string) policy.Meta { return policy.Meta{ID: id} }
	w.Put(&policy.VPC{Meta: meta("v"), Name: "v", ProjectID: "p"})
	w.Put(&policy.Subnet{Meta: meta("s"), Name: "s", VPCID: "v", VLAN: 7, CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}})
	w.Put(&policy.Group{Meta: meta("old"), Name: "old", ProjectID: "p", Evaluation: e})
	w.Put(&policy.Group{Meta: meta("new"), Name: "new", ProjectID: "p"})
	if loose {
		for i, d := range policy.Directions {
			r := &policy.Rule{Meta: meta(fmt.Sprint("all", i)), GroupID: "old", Direction: d, Protocol: policy.All, Remote: policy.Remote{Any: true}}
			if e == policy.Ordered {
				position := i + 1
				r.Position, r.Action = &position, policy.Allow
			}
			w.Put(r)
		}
	}
	for i, g := range [][]policy.GroupID{groups, {"old"}} {
		id := fmt.Sprint("vm", i+1)
		w.Put(&policy.Instance{Meta: meta(id), Name: id, ProjectID: "p", SecurityGroupIDs: g})
		w.Put(&policy.Port{
			Meta: meta(id), InstanceID: policy.InstanceID(id), SubnetID: "s", MAC: policy.MAC{0xfa, 0x16, 0x3e, 0, 0, byte(i + 1)},
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})},
		})
		w.OFPorts[policy.PortID(id)] = uint16(i + 1)
	}
	return w
}

// A port leaves a group in the step in which the group begins to allow: neither before nor after does anything pass, and so does not
// what is in connection tracking meanwhile.
func TestInFlight_GroupsAndRulesOfOneMoment(t *testing.T) {
	for _, e := range []policy.Evaluation{policy.Union, policy.Ordered} {
		before, after := movingWorld(e, []policy.GroupID{"old"}, false), movingWorld(e, []policy.GroupID{"new"}, true)
		for _, d := range policy.Directions {
			t.Run(fmt.Sprint(e, " ", d), func(t *testing.T) {
				b := newBench(t, before)
				c := policy.Connection{Src: netip.MustParseAddr("10.0.0.1"), Dst: netip.MustParseAddr("192.0.2.1"), Protocol: policy.ProtoUDP, SrcPort: 4000, DstPort: 53}
				if d == policy.Ingress {
					c.Src, c.Dst = c.Dst, c.Src
				}
				q := policytest.Question{Port: "vm1", Direction: d, Connection: c}
				for _, w := range []*policytest.World{before, after} {
					decision, _ := policy.Decide(w.Snapshot, "vm1", d, c)
					require.False(t, decision.Allowed)
				}
				from, to, _ := b.Ends(q)
				in, out, at := from.Port, to.Port, flows.TableSenderJudge
				p := flowstest.Frame(c).With(openflow.MAC(openflow.EthSrc, from.MAC), openflow.MAC(openflow.EthDst, to.MAC))
				if d == policy.Ingress {
					at = flows.TableRecvJudge
					p = p.With(openflow.Exact(openflow.VLANVID, 7|openflow.VLANPresent))
				}
				bridge := func(w *policytest.World) *ofeval.Bridge {
					return ofeval.NewBridge(slices.Values(flowstest.Flows(w, nil)), 1, 2, flowstest.Uplink)
				}
				tables := &turning{before: bridge(before), after: bridge(after), at: at}
				j := new(ofeval.Datapath).Inject(tables, 0, p.With(openflow.Exact(openflow.InPort, uint64(in))))
				require.True(t, tables.turned, "it came to be judged\n%s", j)
				require.False(t, j.Reached(out), "%s", j)
			})
		}
	}
}
