package oftest_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	. "conjunct/openflow/ofeval"
	. "conjunct/openflow/oftest"
)

// conntrackFlows show what connection tracking says: the packet leaves by port 9 with ct_state, and the protocol and
// destination port of the original tuple, as its Ethernet destination, and part of the original addresses as its Ethernet
// source. How it came in says how it is tracked: port 1 looks, port 2 commits, port 3 commits by force, port 4 looks,
// forgets and commits.
const conntrackFlows = `
	table=0,priority=100,dl_type=0x88b5 actions=output:9
	table=0,priority=10,in_port=1,ip actions=ct(table=1,zone=5)
	table=0,priority=10,in_port=1,ipv6 actions=ct(table=1,zone=5)
	table=0,priority=10,in_port=2,ip actions=ct(commit,table=1,zone=5)
	table=0,priority=10,in_port=2,ipv6 actions=ct(commit,table=1,zone=5)
	table=0,priority=10,in_port=3,ip actions=ct(commit,force,table=1,zone=5)
	table=0,priority=10,in_port=3,ipv6 actions=ct(commit,force,table=1,zone=5)
	table=0,priority=10,in_port=4,ip actions=ct(table=2,zone=6)
	table=0,priority=10,in_port=4,ipv6 actions=ct(table=2,zone=6)
	table=2,priority=10,ip,ct_state=+new actions=ct_clear,ct(commit,table=1,zone=5)
	table=2,priority=10,ip actions=ct(commit,table=1,zone=5)
	table=2,priority=10,ipv6 actions=ct(commit,table=1,zone=5)
	table=1,priority=20,ct_state=+inv actions=move:NXM_NX_CT_STATE[0..7]->NXM_OF_ETH_DST[0..7],output:9
`

// trackingFlows is conntrackFlows with what shows the original tuple, for each protocol and family.
func trackingFlows() string {
	flows := conntrackFlows
	for _, family := range []struct{ match, src, dst string }{{"ip", "NXM_NX_CT_NW_SRC", "NXM_NX_CT_NW_DST"}, {"ipv6", "NXM_NX_CT_IPV6_SRC", "NXM_NX_CT_IPV6_DST"}} {
		for _, proto := range []int{1, 6, 17, 47, 58, 132} {
			flows += fmt.Sprintf("table=1,priority=10,ct_state=+trk-inv,%s,ct_nw_proto=%d actions=move:NXM_NX_CT_STATE[0..7]->NXM_OF_ETH_DST[0..7],"+
				"move:NXM_NX_CT_NW_PROTO[]->NXM_OF_ETH_DST[8..15],move:NXM_NX_CT_TP_DST[]->NXM_OF_ETH_DST[16..31],move:NXM_NX_CT_TP_SRC[]->NXM_OF_ETH_DST[32..47],"+
				"move:%s[0..15]->NXM_OF_ETH_SRC[0..15],move:%s[0..15]->NXM_OF_ETH_SRC[16..31],output:9\n", family.match, proto, family.src, family.dst)
		}
	}
	return flows
}

// Random packets of a few connections, in both directions and in every order, are new, established, replies, related or
// invalid here when they are in the userspace datapath, with the same original tuple.
func TestSameTracking_Real(t *testing.T) {
	p := newTap(t, trackingFlows(), 9)
	rounds, packets := 60, 40
	if testing.Short() {
		rounds = 6
	}
	states := map[byte]int{}
	for round := range rounds {
		g := rand.New(rand.NewPCG(uint64(round), 2))
		s := NewSwitch(Config{})
		s.AddPorts(1, 2, 3, 4, 9)
		require.NoError(t, s.Load(trackingFlows()))
		for _, zone := range []string{"5", "6"} {
			p.o.Ofctl("ct-flush-zone", p.o.Target(), zone)
		}
		client, server := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
		if round%3 == 2 {
			client, server = netip.MustParseAddr("fd00::1"), netip.MustParseAddr("fd00::2")
		}
		history := ""
		for range packets {
			w := randomPacket(g, client, server)
			in := []int{1, 1, 2, 2, 2, 3, 4}[g.IntN(7)]
			states[lastState(p.compare(s, in, w, history))]++
			history += fmt.Sprintf("port %d: %v\n", in, w.packet)
		}
	}
	t.Logf("%d packets, by ct_state: %v", rounds*packets, states)
	const trk, est, rpl, rel = openflow.CTTracked, openflow.CTEstablished, openflow.CTReply, openflow.CTRelated
	for _, state := range []byte{trk | openflow.CTNew, trk | est, trk | est | rpl, trk | rel, trk | rel | rpl, trk | openflow.CTInvalid} {
		require.NotZero(t, states[state], "no packet had ct_state %#x", state)
	}
}

// lastState is the ct_state that the last packet that left shows.
func lastState(outputs []Output) byte {
	if len(outputs) == 0 {
		return 0
	}
	p := outputs[len(outputs)-1].Packet
	return p.Get(openflow.EthDst).MAC()[5]
}

// randomPacket is one of a few connections between two hosts.
func randomPacket(g *rand.Rand, client, server netip.Addr) wirePacket {
	w := plainPacket(g, client, server)
	if g.IntN(5) > 0 {
		return w
	}
	// An error about it, from the other host or from a router in between.
	_, from := packetEnds(w)
	if g.IntN(3) == 0 {
		from = client.Next().Next().Next()
	}
	kind := []uint8{3, 11}[g.IntN(2)]
	if from.Is6() {
		kind = []uint8{1, 2, 3}[g.IntN(3)]
	}
	return errorBytes(from, kind, 0, w)
}

func packetEnds(w wirePacket) (src, dst netip.Addr) {
	if w.bytes[12] == 0x86 {
		src, _ = netip.AddrFromSlice(w.bytes[22:38])
		dst, _ = netip.AddrFromSlice(w.bytes[38:54])
		return src, dst
	}
	src, _ = netip.AddrFromSlice(w.bytes[26:30])
	dst, _ = netip.AddrFromSlice(w.bytes[30:34])
	return src, dst
}

func plainPacket(g *rand.Rand, client, server netip.Addr) wirePacket {
	src, dst := netip.AddrPortFrom(client, 1000), netip.AddrPortFrom(server, 80)
	reply := g.IntN(2) == 0
	if reply {
		src, dst = dst, src
	}
	switch g.IntN(10) {
	case 0, 1, 2, 3:
		flags := []uint16{SYN, SYN, SYN | ACK, ACK, ACK, ACK | PSH, FIN | ACK, RST, RST | ACK, SYN | FIN, 0}
		return tcpBytes(src, dst, flags[g.IntN(len(flags))])
	case 4, 5:
		return udpBytes(src, dst)
	case 6:
		return sctpBytes(src, dst)
	case 7:
		return protoBytes(src.Addr(), dst.Addr(), 47)
	default:
		kinds := []uint8{8, 8, 0, 0, 13, 14, 9}
		if src.Addr().Is6() {
			kinds = []uint8{128, 129, 128, 129, 134}
		}
		return icmpBytes(src.Addr(), dst.Addr(), kinds[g.IntN(len(kinds))], 0, 7)
	}
}
