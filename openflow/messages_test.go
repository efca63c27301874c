package openflow_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
)

// TestVectorsMessages: each message of recorded conversations, with what ovs-ofctl ofp-print says of it and with the
// value that we decode, which encodes to the same bytes.
func TestVectorsMessages(t *testing.T) {
	if *update {
		updateMessages(t)
	}
	kinds := map[string]bool{}
	for _, v := range readVectors(t, "messages.txt") {
		wire := v.bytes(t)
		xid, m, err := openflow.Decode(wire)
		require.NoError(t, err, v["ovs"])
		require.Equal(t, v["go"], describe(m))
		again, err := openflow.Append(nil, xid, m)
		require.NoError(t, err)
		require.Equal(t, v["hex"], hex.EncodeToString(again), v["ovs"])
		kinds[fmt.Sprintf("%T", m)] = true
	}
	for _, m := range everyMessage {
		kind := fmt.Sprintf("%T", m)
		require.True(t, kinds[kind] || unrecorded[kind] != "", "no vector of %s", kind)
	}
}

// everyMessage has one value of each kind.
var everyMessage = []openflow.Message{
	openflow.Hello{}, openflow.Error{}, openflow.EchoRequest{}, openflow.EchoReply{},
	openflow.FeaturesRequest{}, openflow.FeaturesReply{},
	openflow.GetConfigRequest{}, openflow.GetConfigReply{}, openflow.SetConfig{},
	openflow.PacketIn{}, openflow.PacketOut{}, openflow.FlowRemoved{}, openflow.PortStatus{}, openflow.FlowMod{},
	openflow.DescRequest{}, openflow.DescReply{}, openflow.FlowDescRequest{}, openflow.FlowDescReply{},
	openflow.AggregateRequest{}, openflow.AggregateReply{}, openflow.PortDescRequest{}, openflow.PortDescReply{},
	openflow.RawMultipart{}, openflow.BarrierRequest{}, openflow.BarrierReply{},
	openflow.RoleRequest{}, openflow.RoleReply{}, openflow.RoleStatus{},
	openflow.GetAsyncRequest{}, openflow.GetAsyncReply{}, openflow.SetAsync{},
	openflow.BundleControl{}, openflow.BundleAdd{},
	openflow.CTFlushZone{}, openflow.RawExperimenter{}, openflow.Raw{},
}

// unrecorded says why a kind has no vector.
var unrecorded = map[string]string{
	"openflow.Raw": "types that we do not know are not asked for",
}

func describe(m openflow.Message) string {
	return strings.TrimPrefix(fmt.Sprintf("%T %+v", m, m), "openflow.")
}

// recorder stands between a controller and the switch and writes down every message.
type recorder struct {
	s    *ovs
	mu   sync.Mutex
	seen map[string]bool
	all  []vector
}

// serve lets a controller named who connect, until the test ends, and returns the address.
func (r *recorder) serve(who string) string {
	name := r.s.Path(fmt.Sprintf("rec%d.sock", time.Now().UnixNano()))
	l, err := net.Listen("unix", name)
	require.NoError(r.s.t, err)
	r.s.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			controller, err := l.Accept()
			if err != nil {
				return
			}
			sw, err := net.Dial("unix", r.s.Path("br0.mgmt"))
			if err != nil {
				return
			}
			go r.pass(who, controller, sw)
			go r.pass("switch", sw, controller)
		}
	}()
	return "unix:" + name
}

// pass copies messages and keeps one of each look.
func (r *recorder) pass(who string, from, to net.Conn) {
	defer func() { _ = to.Close() }()
	for {
		b := make([]byte, openflow.HeaderLen)
		if _, err := io.ReadFull(from, b); err != nil {
			return
		}
		n, err := openflow.MessageLength(b)
		if err != nil {
			return
		}
		b = append(b, make([]byte, n-len(b))...)
		if _, err := io.ReadFull(from, b[openflow.HeaderLen:]); err != nil {
			return
		}
		r.keep(who, b)
		if _, err := to.Write(b); err != nil {
			return
		}
	}
}

func (r *recorder) keep(who string, b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	look := who + string(b[1]) + string(b[openflow.HeaderLen:])
	if r.seen[look] {
		return
	}
	r.seen[look] = true
	text := strings.Join(lines(r.s.Run("ovs-ofctl", "ofp-print", hex.EncodeToString(b))), " | ")
	if who == "conjunct" && strings.Contains(text, "***decode error") {
		return // sent to hear what the switch says
	}
	v := vector{"from": who, "ovs": text, "hex": hex.EncodeToString(b)}
	if _, m, err := openflow.Decode(b); err == nil {
		v["go"] = describe(m)
	}
	r.all = append(r.all, v)
}

// updateMessages has ovs-ofctl and this package talk to a switch about everything.
func updateMessages(t *testing.T) {
	s := startOVS(t)
	s.vsctl("set", "bridge", "br0", "other-config:datapath-id=00000000000000a1", "other-config:hwaddr=02:00:00:00:00:a1")
	r := &recorder{s: s, seen: map[string]bool{}}
	official(r)
	ours(r)
	for _, v := range r.all {
		first, _, _ := strings.Cut(v["ovs"], " | ") // an error message quotes what was wrong
		require.NotContains(t, first, "***decode error", v["go"])
	}
	writeVectors(t, "messages.txt", "Messages between ovs-ofctl, or this package, and a switch; what ovs-ofctl ofp-print says of them; what we read.",
		r.all, "from", "ovs", "go", "hex")
}

// official has ovs-ofctl say everything that it can say.
func official(r *recorder) {
	do := func(args ...string) {
		for i, a := range args {
			if a == "SWITCH" {
				args[i] = r.serve("ovs-ofctl")
			}
		}
		r.s.ofctl(args...)
	}
	do("show", "SWITCH")
	do("dump-desc", "SWITCH")
	do("dump-ports-desc", "SWITCH", "LOCAL")
	do("set-frags", "SWITCH", "nx-match")
	do("get-frags", "SWITCH")
	do("add-flow", "SWITCH", "table=1,cookie=0x11,priority=10,ip,reg0=7 actions=ct(commit,zone=NXM_NX_REG1[0..15]),goto_table:2")
	do("--bundle", "add-flow", "SWITCH", "table=2,cookie=0x12,priority=10,ct_state=+trk-inv,ip,ct_nw_src=10.0.0.0/8 actions=conjunction(9,1/2)")
	do("mod-flows", "SWITCH", "cookie=0x11/0xff,ip actions=output:3")
	do("--strict", "mod-flows", "SWITCH", "table=1,cookie=0x13,priority=10,ip,reg0=7 actions=output:3")
	do("dump-flows", "SWITCH")
	do("dump-flows", "SWITCH", "table=1,cookie=0x11/-1,out_port=3,ip")
	do("dump-aggregate", "SWITCH", "table=2")
	do("--strict", "del-flows", "SWITCH", "table=1,priority=10,ip,reg0=7")
	do("del-flows", "SWITCH", "cookie=0x12/-1,out_port=3")
	do("packet-out", "SWITCH", "in_port=LOCAL,packet=020000000002020000000001080000,actions=set_field:1->reg0,output:1")
	do("ct-flush-zone", "SWITCH", "7")
	do("ct-flush", "SWITCH", "zone=7", "ct_nw_src=10.0.0.1,ct_nw_proto=17,ct_tp_dst=53")
	do("dump-group-features", "SWITCH")
}

// ours has this package say the rest, and hears what the switch says unasked.
func ours(r *recorder) {
	t := r.s.t
	dial := func() *peer {
		c, err := net.Dial("unix", strings.TrimPrefix(r.serve("conjunct"), "unix:"))
		require.NoError(t, err)
		p := newPeer(t, c)
		p.hello()
		return p
	}
	p := dial()
	await := func(kind openflow.Message) {
		for {
			if _, m := p.recv(); fmt.Sprintf("%T", m) == fmt.Sprintf("%T", kind) {
				return
			}
		}
	}
	ask := func(request, reply openflow.Message) { p.send(request); await(reply) }

	ask(openflow.EchoRequest{Data: []byte("ping")}, openflow.EchoReply{})
	ask(openflow.RoleRequest{Role: openflow.RoleMaster, ShortID: 0xffff, GenerationID: 5}, openflow.RoleReply{})
	ask(openflow.RoleRequest{Role: openflow.RoleMaster, GenerationID: 4}, openflow.Error{})
	ask(openflow.GetAsyncRequest{}, openflow.GetAsyncReply{})
	all := openflow.AsyncMasks{Master: 7, Slave: 7}
	p.send(openflow.SetAsync{PacketIn: openflow.AsyncMasks{Master: 0x3f}, PortStatus: all, FlowRemoved: all, RoleStatus: all})
	ask(openflow.BundleControl{ID: 3, Kind: openflow.BundleCommitRequest}, openflow.Error{})
	flags := openflow.BundleAtomic | openflow.BundleOrdered
	ask(openflow.BundleControl{ID: 4, Kind: openflow.BundleOpenRequest, Flags: flags}, openflow.BundleControl{})
	flow, err := openflow.ParseFlow("table=3,priority=1,ip,cookie=0x99,send_flow_rem actions=CONTROLLER:40")
	require.NoError(t, err)
	p.send(openflow.BundleAdd{ID: 4, Flags: flags, Message: openflow.FlowMod{Flow: flow}})
	ask(openflow.BundleControl{ID: 4, Kind: openflow.BundleCloseRequest, Flags: flags}, openflow.BundleControl{})
	ask(openflow.BundleControl{ID: 4, Kind: openflow.BundleCommitRequest, Flags: flags}, openflow.BundleControl{})
	ask(openflow.BundleControl{ID: 5, Kind: openflow.BundleOpenRequest}, openflow.BundleControl{})
	ask(openflow.BundleControl{ID: 5, Kind: openflow.BundleDiscardRequest}, openflow.BundleControl{})
	ask(openflow.FlowMod{Flow: openflow.Flow{Match: openflow.NewMatch(openflow.Exact(openflow.TCPDst, 80))}}, openflow.Error{})
	ask(openflow.FlowMod{Flow: openflow.Flow{Actions: []openflow.Action{openflow.Conjunction{ID: 1, N: 1}}}}, openflow.Error{})

	r.s.vsctl("add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy")
	await(openflow.PortStatus{})
	p.send(openflow.PacketOut{
		Match:   openflow.NewMatch(openflow.Exact(openflow.InPort, uint64(openflow.PortLocal)), openflow.Exact(openflow.Reg0, 3)),
		Actions: []openflow.Action{openflow.Resubmit{Table: 3}}, Data: udpPacket,
	})
	await(openflow.PacketIn{})
	ask(openflow.FlowMod{Command: openflow.FlowDeleteStrict, Flow: flow}, openflow.FlowRemoved{})
	p.send(openflow.CTFlushZone{Zone: 65535})
	q := dial()
	q.send(openflow.RoleRequest{Role: openflow.RoleMaster, GenerationID: 6})
	await(openflow.RoleStatus{})
	ask(openflow.FlowMod{Flow: flow}, openflow.Error{}) // a slave may not
	r.s.vsctl("del-port", "br0", "p1")
	await(openflow.PortStatus{})
	require.NoError(t, p.conn.Close())
	require.NoError(t, q.conn.Close())
}

// udpPacket is 10.0.0.1:1 to 10.0.0.2:2 in an Ethernet frame.
var udpPacket = []byte{
	2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
	0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0x66, 0xcf, 10, 0, 0, 1, 10, 0, 0, 2,
	0, 1, 0, 2, 0, 8, 0, 0,
}

func (s *ovs) vsctl(args ...string) {
	s.t.Helper()
	s.Run("ovs-vsctl", append([]string{"--db=unix:" + s.Path("db.sock"), "--timeout=20"}, args...)...)
}
