package integration

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/integration/lab"
	"conjunct/openflow"
	"conjunct/policy"
)

// tracer asks a real switch's own ofproto/trace what it would do, over the daemon's control socket (JSON-RPC, as
// ovs-appctl speaks it).
type tracer struct {
	hv   *lab.Hypervisor
	conn net.Conn
	in   *json.Decoder
}

func newTracer(t *testing.T) *tracer {
	l := lab.New(t, lab.Options{})
	hv := l.Hypervisor("hv1")
	hv.CreateBridge("secure")
	conn, err := net.Dial("unix", filepath.Join(l.Dir(), "hv1", "run", "vswitchd.ctl"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &tracer{hv: hv, conn: conn, in: json.NewDecoder(conn)}
}

func (tr *tracer) call(t testing.TB, method string, params ...string) string {
	b, err := json.Marshal(map[string]any{"method": method, "params": params, "id": 0})
	require.NoError(t, err)
	_, err = tr.conn.Write(b)
	require.NoError(t, err)
	var reply struct {
		Result string
		Error  any
	}
	require.NoError(t, tr.in.Decode(&reply))
	require.Nil(t, reply.Error, "%s %v", method, params)
	return reply.Result
}

// load makes the flows the whole content of the bridge.
func (tr *tracer) load(all []openflow.Flow) {
	texts := make([]string, len(all))
	for i := range all {
		texts[i] = all[i].String()
	}
	tr.hv.ReplaceFlows(texts...)
}

// packet is one packet of a connection, with what connection tracking says about it.
type packet struct {
	state string // ct_state, such as new|trk
	// Src and Dst, protocol and ports are the packet's own; original is the tuple of its connection.
	own, original policy.Connection
}

// judge sends the packet into a judging table, with the registers that it would have there, and returns the trace.
func (tr *tracer) judge(t testing.TB, table uint8, p packet, registers string) string {
	match := fmt.Sprintf("ct_state=%s,%s,%s,%s", p.state, tupleText(p.original), packetText(p.own), registers)
	return tr.call(t, "ofproto/trace-packet-out", "br-int", match, fmt.Sprintf("resubmit(,%d)", table))
}

func tupleText(c policy.Connection) string {
	names := []string{"ct_nw_src", "ct_nw_dst"}
	if policy.Version(c.Src) == 6 {
		names = []string{"ct_ipv6_src", "ct_ipv6_dst"}
	}
	out := fmt.Sprintf("%s=%s,%s=%s,ct_nw_proto=%d", names[0], c.Src, names[1], c.Dst, c.Protocol)
	if c.Protocol == policy.ProtoTCP || c.Protocol == policy.ProtoUDP { // The userspace datapath tracks SCTP without ports.
		out += fmt.Sprintf(",ct_tp_src=%d,ct_tp_dst=%d", c.SrcPort, c.DstPort)
	}
	return out
}

// protocolKeywords are ovs-fields(7)'s, without the 6 of IPv6.
var protocolKeywords = map[uint8]string{
	policy.ProtoTCP: "tcp", policy.ProtoUDP: "udp", policy.ProtoSCTP: "sctp", policy.ProtoICMP: "icmp", policy.ProtoICMPv6: "icmp",
}

func packetText(c policy.Connection) string {
	src, dst, ether := "nw_src", "nw_dst", "ip"
	if policy.Version(c.Src) == 6 {
		src, dst, ether = "ipv6_src", "ipv6_dst", "ipv6"
	}
	word := fmt.Sprintf("%s,nw_proto=%d", ether, c.Protocol)
	if keyword, ok := protocolKeywords[c.Protocol]; ok {
		word = keyword
		if ether == "ipv6" {
			word += "6"
		}
	}
	out := fmt.Sprintf("%s,%s=%s,%s=%s", word, src, c.Src, dst, c.Dst)
	switch c.Protocol {
	case policy.ProtoTCP, policy.ProtoUDP, policy.ProtoSCTP:
		name := protocolKeywords[c.Protocol]
		out += fmt.Sprintf(",%s_src=%d,%s_dst=%d", name, c.SrcPort, name, c.DstPort)
	case policy.ProtoICMP:
		out += fmt.Sprintf(",icmp_type=%d,icmp_code=%d", c.ICMPType, c.ICMPCode)
	case policy.ProtoICMPv6:
		out += fmt.Sprintf(",icmpv6_type=%d,icmpv6_code=%d", c.ICMPType, c.ICMPCode)
	}
	return out
}

// visited reports whether a trace came to a table.
func visited(trace string, table uint8) bool {
	for line := range strings.Lines(trace) {
		if strings.HasPrefix(strings.TrimSpace(line), fmt.Sprintf("%d. ", table)) {
			return true
		}
	}
	return false
}

// localClasses reads from the compiled flows which class each port has.
func localClasses(all []openflow.Flow) map[uint16]uint64 {
	out := map[uint16]uint64{}
	for _, f := range all {
		if f.Table != flows.TableReceiver {
			continue
		}
		port, _, _ := f.Match.Get(flows.RegDest)
		for _, a := range f.Actions {
			if set, ok := a.(openflow.SetField); ok && set.Field == flows.RegLocalClass {
				out[uint16(port.Uint64())] = set.Value.Uint64()
			}
		}
	}
	return out
}
