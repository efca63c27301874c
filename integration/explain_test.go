package integration

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/flows"
	"conjunct/integration/cloud"
	"conjunct/integration/lab"
	"conjunct/integration/referee"
	"conjunct/policy"
)

// asker is a town of many policies, and who can be an end of a question in it.
type asker struct {
	*town
	vms   map[policy.PortID]*cloud.VM
	lans  map[policy.PortID]policy.SubnetID
	vlans map[policy.SubnetID]int
	vpcs  map[string][]policy.PortID
}

// newAsker makes VMs under three profiles on two hosts, with union and ordered groups, sets, the own subnet and platform rules.
func newAsker(t *testing.T) *asker {
	w := newTown(t)
	a := &asker{town: w, vms: map[policy.PortID]*cloud.VM{}, lans: map[policy.PortID]policy.SubnetID{}, vpcs: map[string][]policy.PortID{},
		vlans: map[policy.SubnetID]int{"lan": 0, "back": 12, "opens": 20, "locked": 30}}
	w.network("o", "opens", a.vlans["opens"])
	w.network("l", "locked", a.vlans["locked"])
	for vpc, profile := range map[string]policy.ProfileName{"o": policy.ProfileOpenUntilRuled, "l": policy.ProfileVPCLocked} {
		_, err := w.API.VPCs().Patch(w.ctx, vpc, map[string]any{"profile": profile})
		w.Must(err)
	}
	back := subnet{name: "back", vlan: a.vlans["back"], net: 2}
	_, err := w.API.Subnets().Put(w.ctx, back.name, &api.Subnet{Name: back.name, VPCID: "v", VLAN: back.vlan, CIDRs: back.cidrs()})
	w.Must(err)
	w.segments[back.name] = back
	for i, entries := range []string{"10.0.0.0/30\n198.51.100.0/24\n", "fd00::/126\n2001:db8::/32\n"} {
		version := 4 + 2*i
		id := fmt.Sprintf("friends%d", version)
		_, err := w.API.IPSets().Put(w.ctx, id, &api.IPSet{IPSet: policy.IPSet{Name: id, ProjectID: "p", IPVersion: version}})
		w.Must(err)
		_, err = w.API.AddEntries(w.ctx, policy.IPSetID(id), strings.NewReader(entries))
		w.Must(err)
	}
	fromSet := func(r policy.Rule, set policy.IPSetID) policy.Rule { r.Remote.IPSetID = set; return r }
	own := ingress(policy.All)
	own.Remote.OwnSubnet = true
	echo := ingress(policy.ICMP)
	echo.Remote.CIDRs = []policy.CIDR{policy.CIDR(netip.MustParsePrefix("10.0.0.0/29"))}
	w.group("clients", egress(policy.All))
	w.group("servers", fromGroup(ingress(policy.TCP, int(portA)), "clients"), fromSet(ingress(policy.UDP, 53, 99), "friends4"),
		fromSet(ingress(policy.UDP, 53, 99), "friends6"), echo, ingress(policy.SCTP, 9999), egress(policy.TCP, 20, 90))
	w.group("web", ingress(policy.TCP, 80), ingress(policy.ICMPv6))
	w.group("trust", own, egress(policy.UDP), egress(policy.ICMP))
	_, err = w.API.Groups().Put(w.ctx, "strict", &api.Group{Group: policy.Group{Name: "strict", ProjectID: "p", Evaluation: policy.Ordered}, Rules: []api.Rule{
		{Rule: dropping(fromGroup(ingress(policy.TCP, 22), "clients"))}, {Rule: ingress(policy.TCP, 1, 1000)}, {Rule: ingress(policy.ICMP)},
		{Rule: dropping(egress(policy.UDP, 53))}, {Rule: egress(policy.UDP)}, {Rule: egress(policy.TCP, 25)},
	}}, api.WaitApplied(cloud.Patience))
	w.Must(err)
	for _, vm := range []struct {
		name, hv string
		n        byte
		subnet   policy.SubnetID
		groups   []string
	}{
		{"client1", "hv1", 1, "lan", []string{"clients"}},
		{"client2", "hv2", 2, "lan", []string{"clients", "strict"}},
		{"server1", "hv1", 5, "lan", []string{"servers"}},
		{"server2", "hv2", 6, "lan", []string{"strict", "servers"}},
		{"back1", "hv1", 7, "back", nil},
		{"back2", "hv2", 8, "back", []string{"trust", "servers"}},
		{"open1", "hv1", 11, "opens", nil},
		{"open2", "hv2", 12, "opens", []string{"web"}},
		{"open3", "hv1", 13, "opens", []string{"strict"}},
		{"locked1", "hv1", 21, "locked", nil},
		{"locked2", "hv2", 22, "locked", []string{"trust", "web"}},
	} {
		vpc := map[policy.SubnetID]string{"lan": "v", "back": "v", "opens": "o", "locked": "l"}[vm.subnet]
		var id policy.PortID
		if vm.subnet == "back" {
			id = w.declareAt(vm.name, "back", vm.n, vm.groups...)
		} else {
			id = w.declare(vm.name, string(vm.subnet), vm.n, vm.groups...)
		}
		a.vms[id], a.lans[id] = w.Plug(vm.hv, vm.name, id), vm.subnet
		a.vpcs[vpc] = append(a.vpcs[vpc], id)
	}
	return a
}

// services are what the questions are about; where src or dst is set it is the other end's address.
var services = []struct {
	protocol policy.Protocol
	src, dst int
	to       string // an address in place of a port
	version  int    // 0: either
}{
	{protocol: policy.TCP, dst: int(portA)}, {protocol: policy.TCP, dst: 22}, {protocol: policy.TCP, dst: 25}, {protocol: policy.TCP, dst: 80},
	{protocol: policy.UDP, dst: 53}, {protocol: policy.UDP, dst: 99}, {protocol: policy.UDP, dst: 100}, {protocol: policy.SCTP, dst: 9999},
	{protocol: policy.ICMP, version: 4}, {protocol: policy.ICMPv6, version: 6}, {protocol: "47"},
	{protocol: policy.UDP, src: 68, dst: 67, to: "255.255.255.255", version: 4}, {protocol: policy.UDP, src: 67, dst: 68, version: 4},
	{protocol: policy.UDP, src: 546, dst: 547, to: "ff02::1:2", version: 6}, {protocol: policy.UDP, src: 547, dst: 546, version: 6},
	{protocol: policy.TCP, dst: 80, to: "169.254.169.254", version: 4}, {protocol: policy.TCP, dst: 80, to: "fe80::a9fe:a9fe", version: 6},
	{protocol: policy.TCP, dst: 25, to: "198.51.100.7", version: 4}, {protocol: policy.TCP, dst: 25, to: "2001:db8::7", version: 6},
}

// question is one of the table, between two ports of a VPC or a port and somebody outside.
func (a *asker) question(r *rand.Rand) *api.Question {
	vpc := []string{"v", "v", "o", "l"}[r.IntN(4)]
	ports := a.vpcs[vpc]
	from := r.IntN(len(ports))
	to := (from + 1 + r.IntN(len(ports)-1)) % len(ports)
	s := services[r.IntN(len(services))]
	version := s.version
	if version == 0 {
		version = 4 + 2*r.IntN(2)
	}
	q := &api.Question{Protocol: s.protocol, Version: &version, Packet: policy.PacketKinds[r.IntN(len(policy.PacketKinds))],
		From: api.QuestionEnd{PortID: ports[from]}, To: api.QuestionEnd{PortID: ports[to]}}
	if s.dst != 0 {
		q.Port = new(policy.PortNumber(s.dst))
	}
	if s.src != 0 {
		q.SrcPort = new(policy.PortNumber(s.src))
	}
	outside := api.QuestionEnd{Address: netip.MustParseAddr(map[int]string{4: "198.51.100.7", 6: "2001:db8::7"}[version])}
	switch n := r.IntN(8); {
	case s.to != "":
		q.To = api.QuestionEnd{Address: netip.MustParseAddr(s.to)}
	case n == 0:
		q.From = outside
	case n == 1:
		q.To = outside
	}
	return q
}

// ctStates are what connection tracking says of a packet, in the switch's words.
var ctStates = map[policy.PacketKind]string{
	policy.PacketOpening: "new|trk", policy.PacketLater: "est|trk", policy.PacketReply: "est|rpl|trk", policy.PacketError: "rel|rpl|trk",
}

// traced reports whether the bridge of the VM lets the packet past the VM's side, by ofproto/trace.
func (a *asker) traced(id policy.PortID, d policy.Direction, c policy.Connection, kind policy.PacketKind) (passes bool, trace string) {
	vm := a.vms[id]
	hv := a.Hypervisor(vm.Hypervisor().Name)
	own := c
	if kind.Returns() {
		own = c.Returning(kind)
	}
	const somebody = "02:00:00:00:00:99"
	if sends := (d == policy.Egress) != kind.Returns(); sends {
		trace, err := hv.Trace(fmt.Sprintf("in_port=%d,ct_state=est|trk,%s,%s,dl_src=%s,dl_dst=%s", vm.OFPort(), referee.TupleText(c), referee.PacketText(own), vm.MAC, somebody),
			"--ct-next", strings.ReplaceAll(ctStates[kind], "|", ","))
		a.Must(err)
		return referee.Visits(trace, flows.TableDestination), trace
	}
	uplink := hv.Vsctl("get", "Interface", "uplink", "ofport")
	tag := ""
	if vlan := a.vlans[a.lans[id]]; vlan != 0 {
		tag = fmt.Sprintf("dl_vlan=%d,", vlan)
	}
	trace, err := hv.Trace(fmt.Sprintf("in_port=%s,%s%s,dl_src=%s,dl_dst=%s", uplink, tag, referee.PacketText(own), somebody, vm.MAC))
	a.Must(err)
	if !referee.Resumes(trace, flows.TableRecvJudge) {
		return referee.Visits(trace, flows.TableOutput), trace
	}
	// The original tuple does not survive the way from the uplink; so once more from where the rules judge, with the registers of that way.
	trace, err = hv.Appctl("ofproto/trace-packet-out", lab.IntegrationBridge, fmt.Sprintf("ct_state=%s,%s,%s,%s",
		ctStates[kind], referee.TupleText(c), referee.PacketText(own), referee.Registers(trace)), fmt.Sprintf("resubmit(,%d)", flows.TableRecvJudge))
	a.Must(err)
	return referee.Visits(trace, flows.TableOutput) || referee.Resumes(trace, flows.TableRecvNoted), trace
}

// TestExplain_SaysWhatTheSwitchTraces asks about random packets: what explain finds in the flows of each end's bridge is what the policy says and
// what the bridge's own ofproto/trace says.
func TestExplain_SaysWhatTheSwitchTraces(t *testing.T) {
	const questions = 250
	a := newAsker(t)
	r := rand.New(rand.NewPCG(1, 2))
	ends, passed, far := 0, 0, 0
	tiers, kinds := map[policy.Tier]int{}, map[policy.PacketKind]int{}
	for range questions {
		q := a.question(r)
		answer, err := a.API.Explain(a.ctx, q, api.OfBridges())
		a.Must(err)
		about := fmt.Sprintf("%s of %s v%d %s:%v → %s:%v", q.Packet, q.Protocol, *q.Version, answer.From.Address, answer.Connection.SrcPort, answer.To.Address, answer.Connection.Port)
		require.Empty(t, answer.Findings, about)
		require.Len(t, answer.Bridges, len(answer.Steps), about)
		require.NotEmpty(t, answer.Bridges, about)
		for _, p := range answer.Bridges {
			direction := policy.Ingress
			if p.Port == answer.From.PortID {
				direction = policy.Egress
			}
			passes, trace := a.traced(p.Port, direction, connectionOf(answer), q.Packet)
			require.Equal(t, passes, p.Passed, "%s at %s: explain says %v\n%s\n%+v", about, p.Port, p.Passed, trace, p.Tables)
			ends++
			if passes {
				passed++
			}
			kinds[q.Packet]++
		}
		for _, s := range answer.Steps {
			tiers[s.Tier]++
		}
		if len(answer.Bridges) == 2 && answer.Bridges[0].Host != answer.Bridges[1].Host {
			far++
		}
	}
	t.Logf("%d questions, %d ends, %d passed, %d between hosts; %v; %v", questions, ends, passed, far, tiers, kinds)
	require.Greater(t, passed, ends/4, "the questions have become too easy to refuse")
	require.Less(t, passed, ends*3/4, "the questions have become too easy to allow")
	require.Greater(t, far, questions/10)
	for _, tier := range []policy.Tier{policy.TierPlatform, policy.TierOrdered, policy.TierUnion, policy.TierProfile} {
		require.Positive(t, tiers[tier], "no end was decided by %s", tier)
	}
}

// connectionOf is the connection as the answer understood it.
func connectionOf(a *api.Answer) policy.Connection {
	c := policy.Connection{Src: a.From.Address, Dst: a.To.Address, Protocol: uint8(a.Connection.ProtocolNumber),
		SrcPort: uint16(a.Connection.SrcPort), DstPort: uint16(a.Connection.Port)}
	if kind := a.Connection.ICMPType; kind != nil {
		c.ICMPType, c.ICMPCode = uint8(*kind), uint8(*a.Connection.ICMPCode)
	}
	return c
}

// TestExplain_FindsWhatSomebodyDidToABridge changes flows of the receiver's bridge by hand: explain names host and flow and what is
// otherwise, the command line ends with status 7, and once the bridge is as it should be there is nothing to find.
func TestExplain_FindsWhatSomebodyDidToABridge(t *testing.T) {
	const drift = 7
	w := newTown(t, "--bridge-compare=1h", "--bridge-foreign=remove")
	w.group("clients", egress(policy.All))
	w.group("servers", ingress(policy.TCP, int(portA)))
	client := w.vm("client", "hv1", 1, "clients")
	server := w.vm("server", "hv2", 2, "servers")
	hv := w.Hypervisor("hv2")
	ask := func(port uint16) *api.Answer {
		t.Helper()
		answer, err := w.API.Explain(w.ctx, &api.Question{From: api.QuestionEnd{PortID: client.Port}, To: api.QuestionEnd{PortID: server.Port},
			Protocol: policy.TCP, Port: new(policy.PortNumber(port))}, api.OfBridges())
		w.Must(err)
		return answer
	}
	clean := func() {
		t.Helper()
		for port, passes := range map[uint16]bool{portA: true, portB: false} {
			answer := ask(port)
			require.Equal(t, passes, answer.Allowed)
			require.Empty(t, answer.Findings)
		}
	}
	clean()
	for _, c := range []struct {
		name    string
		do      func()
		port    uint16
		kind    policy.DifferenceKind
		flow    []string
		got     string
		measure func(*lab.Host, lab.Probe)
	}{
		{"a foreign flow lets pass", func() {
			hv.AddFlows("table=44,priority=9999,tcp actions=set_field:0x1/0x1->reg4")
		}, portB, policy.FlowExtra, []string{"table=44", "priority=9999,tcp"}, "allowed", w.passes},
		{"a foreign flow drops", func() {
			hv.AddFlows("table=41,priority=9999,tcp,tp_dst=7001 actions=drop")
		}, portA, policy.FlowExtra, []string{"table=41", "priority=9999", "7001"}, "refused", w.stops},
		{"a flow of ours is gone", func() {
			_, err := hv.Ofctl("--strict", "del-flows", lab.IntegrationBridge, w.flowOf(hv, "servers"))
			w.Must(err)
		}, portA, policy.FlowMissing, []string{"table=44"}, "refused", w.stops},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.do()
			answer := ask(c.port)
			require.NotEmpty(t, answer.Findings, "%+v", answer.Bridges)
			f := answer.Findings[0]
			require.Equal(t, policy.HostID("hv2"), f.Host)
			require.Equal(t, server.Port, f.PortID)
			require.Equal(t, c.kind, f.Kind)
			for _, part := range c.flow {
				require.Contains(t, f.Flow, part)
			}
			require.Equal(t, map[bool]string{true: "allowed", false: "refused"}[answer.Allowed], f.Expected)
			require.Equal(t, c.got, f.Got)
			c.measure(client.Host, lab.TCP(server.Addr4(), c.port)) // It is so.

			command := []string{"explain", "client", "server", "tcp", fmt.Sprint(c.port), "--source", "bridge"}
			text, status := w.ConjunctStatus(command...)
			require.Equal(t, drift, status, text)
			require.Contains(t, text, "finding: hv2 at server")
			require.Contains(t, text, f.Flow)

			w.Must(w.StopDaemon()) // One that starts compares.
			w.StartDaemon()
			w.Until("the bridge is as it should be", func() bool {
				h, err := w.API.Hypervisors().Get(w.ctx, "hv2")
				return err == nil && h.State == policy.HostReady
			})
			w.Until("both hosts are there", func() bool {
				h, err := w.API.Hypervisors().Get(w.ctx, "hv1")
				return err == nil && h.State == policy.HostReady
			})
			clean()
			text, status = w.ConjunctStatus(command...)
			require.Zero(t, status, text)
			require.Contains(t, text, "the flows do what the policy says")
		})
	}
}

// flowOf is the priority and the match of the flow that counts for a group's one rule.
func (w *town) flowOf(hv *lab.Hypervisor, group policy.GroupID) string {
	w.t.Helper()
	rules, err := w.API.RulesOf(group).List(w.ctx)
	w.Must(err)
	lines := slices.Collect(strings.Lines(hv.DumpFlows(fmt.Sprintf("table=%d,cookie=%#x/-1", flows.TableIngrRules, flows.Cookie(flows.CookieRule, rules[0].Number)))))
	for _, line := range lines {
		if match, _, ok := strings.Cut(line, " actions="); ok {
			return match[strings.Index(match, "priority="):]
		}
	}
	w.t.Fatalf("no flow of rule %d: %v", rules[0].Number, lines)
	return ""
}
