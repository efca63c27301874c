package openflow_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
)

// flowLines are the flows of every kind.
func flowLines(t *testing.T) []string {
	b, err := os.ReadFile("testdata/flows.txt")
	require.NoError(t, err)
	return lines(string(b))
}

func parseFlows(t *testing.T, text []string) []openflow.Flow {
	t.Helper()
	flows := make([]openflow.Flow, len(text))
	seen := map[openflow.FlowKey]string{}
	for i, line := range text {
		f, err := openflow.ParseFlow(line)
		require.NoError(t, err)
		require.Empty(t, seen[f.Key()], "the same flow as %q", line)
		seen[f.Key()], flows[i] = line, f
	}
	return flows
}

func printed(flows []openflow.Flow) []string {
	out := make([]string, len(flows))
	for i, f := range flows {
		out[i] = f.String()
	}
	return out
}

// sameLines compares lines in whatever order, and shows only those that differ.
func sameLines(t *testing.T, want, got []string) {
	t.Helper()
	count := map[string]int{}
	for _, l := range want {
		count[l]++
	}
	for _, l := range got {
		count[l]--
	}
	for l, n := range count {
		if n > 0 {
			t.Errorf("missing:    %s", l)
		} else if n < 0 {
			t.Errorf("unexpected: %s", l)
		}
	}
	require.NotEmpty(t, want)
}

// The official tool installs the flows, and prints them as we do.
func TestSwitchPrintsWhatOfctlInstalledAsWeDo(t *testing.T) {
	s := startOVS(t)
	text := flowLines(t)
	s.ofctl("--bundle", "add-flows", s.bridge(), writeFile(t, strings.Join(text, "\n")))
	sameLines(t, printed(parseFlows(t, text)), s.dump())
}

// Our bytes install the flows, singly; the official tool prints them as we do, and our own dump of the switch has them.
func TestSwitchPrintsWhatWeInstalledAsWeDo(t *testing.T) {
	s := startOVS(t)
	flows := parseFlows(t, flowLines(t))
	p := s.connect()
	for _, f := range flows {
		p.send(openflow.FlowMod{Command: openflow.FlowAdd, Flow: f})
	}
	p.barrier()
	sameLines(t, printed(flows), s.dump())

	var dumped []openflow.Flow
	for _, f := range p.dumpFlows() {
		require.NotZero(t, f.Duration)
		dumped = append(dumped, f.Flow)
	}
	sameLines(t, printed(flows), printed(dumped))
	require.ElementsMatch(t, keys(flows), keys(dumped))
}

// What the switch printed, read back and installed again in a bundle, changes nothing.
func TestSwitchTextInstallsTheSameFlows(t *testing.T) {
	s := startOVS(t)
	s.ofctl("--bundle", "add-flows", s.bridge(), writeFile(t, strings.Join(flowLines(t), "\n")))
	before := s.dump()
	flows := parseFlows(t, before)

	p := s.connect()
	flags := openflow.BundleAtomic | openflow.BundleOrdered
	p.send(openflow.BundleControl{ID: 1, Kind: openflow.BundleOpenRequest, Flags: flags})
	p.send(openflow.BundleAdd{ID: 1, Flags: flags, Message: openflow.FlowMod{Command: openflow.FlowDelete, Flow: openflow.Flow{Table: openflow.AllTables}}})
	for _, f := range flows {
		p.send(openflow.BundleAdd{ID: 1, Flags: flags, Message: openflow.FlowMod{Command: openflow.FlowAdd, Flow: f}})
	}
	p.send(openflow.BundleControl{ID: 1, Kind: openflow.BundleCommitRequest, Flags: flags})
	for _, want := range []openflow.BundleControlType{openflow.BundleOpenReply, openflow.BundleCommitReply} {
		_, m := p.recv()
		require.Equal(t, openflow.BundleControl{ID: 1, Kind: want}, m)
	}
	sameLines(t, before, s.dump())
}

// Every flow can be deleted by its own name, whatever its match is.
func TestSwitchDeletesEachFlowByItsName(t *testing.T) {
	s := startOVS(t)
	s.ofctl("--bundle", "add-flows", s.bridge(), writeFile(t, strings.Join(flowLines(t), "\n")))
	s.addForeignFlows()
	p := s.connect()
	flows := p.dumpFlows()
	require.Greater(t, len(flows), 200)
	for _, f := range flows {
		p.send(openflow.FlowMod{Command: openflow.FlowDeleteStrict, Flow: f.Flow})
	}
	p.barrier()
	require.Empty(t, s.dump())
}

// foreignFlows use what this package has no name for.
var foreignFlows = []string{
	"table=200,priority=1,mpls,mpls_label=5 actions=pop_mpls:0x0800,output:1",
	"table=200,priority=2,tun_flags=oam actions=drop",
	"table=200,priority=3,ip actions=meter:1,learn(table=3,eth_type=0x800,NXM_OF_IP_SRC[]),ct(commit,nat(src=10.0.0.1))",
	"table=200,priority=4,ip actions=write_actions(output:1),goto_table:201",
	"table=200,priority=5,ip actions=clone(output:1),check_pkt_larger(1500)->NXM_NX_REG0[0],write_metadata:0x5/0xff,goto_table:201",
	"table=200,priority=6,dl_type=0x894f,nsh_spi=5 actions=controller(id=3,reason=no_match)",
	"table=200,priority=7,tun_metadata0=1 actions=drop",
	"table=200,priority=8,icmp6,icmp_type=135,nd_options_type=1,nd_reserved=5 actions=drop",
	"table=200,priority=9,eth actions=drop",
	"table=200,priority=10,packet_type=(1,0x800) actions=drop",
	"table=200,priority=11,udp,tun_gbp_id=3,ct_mark=1 actions=learn(table=4,eth_type=0x800,nw_proto=17,udp_dst=udp_src),enqueue:1:2",
}

func (s *ovs) addForeignFlows() {
	s.ofctl("add-tlv-map", s.bridge(), "{class=0xffff,type=0,len=4}->tun_metadata0")
	s.ofctl("add-meter", s.bridge(), "meter=1 pktps bands=type=drop rate=1")
	s.ofctl("--bundle", "add-flows", s.bridge(), writeFile(s.t, strings.Join(foreignFlows, "\n")))
}

// Flows of somebody else survive a round trip through our values and our text.
func TestSwitchForeignFlowsSurvive(t *testing.T) {
	s := startOVS(t)
	s.addForeignFlows()
	before := s.dump()
	p := s.connect()
	flows := p.dumpFlows()
	require.Len(t, flows, len(foreignFlows))
	p.send(openflow.FlowMod{Command: openflow.FlowDelete, Flow: openflow.Flow{Table: openflow.AllTables}})
	for _, f := range flows {
		again, err := openflow.ParseFlow(f.Flow.String())
		require.NoError(t, err)
		require.Equal(t, f.Key(), again.Key())
		p.send(openflow.FlowMod{Command: openflow.FlowAdd, Flow: again})
	}
	p.barrier()
	sameLines(t, before, s.dump())
}

func (p *peer) dumpFlows() []openflow.FlowStats {
	p.t.Helper()
	xid := p.send(openflow.FlowDescRequest{Table: openflow.AllTables})
	var flows []openflow.FlowStats
	for {
		got, m := p.recv()
		require.Equal(p.t, xid, got)
		require.IsType(p.t, openflow.FlowDescReply{}, m)
		reply := m.(openflow.FlowDescReply)
		if flows = append(flows, reply.Flows...); !reply.More {
			return flows
		}
	}
}

func keys(flows []openflow.Flow) []openflow.FlowKey {
	out := make([]openflow.FlowKey, len(flows))
	for i := range flows {
		out[i] = flows[i].Key()
	}
	return out
}

func writeFile(t *testing.T, s string) string {
	name := t.TempDir() + "/flows"
	require.NoError(t, os.WriteFile(name, []byte(s+"\n"), 0o600))
	return name
}
