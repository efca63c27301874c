package oftest_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	. "conjunct/openflow/oftest"
	"conjunct/openflow/oftest/real"
)

// conntrackFlows show what connection tracking says: the packet leaves by port 9 with ct_state, and the protocol and destination
// port of the original tuple, as its Ethernet destination, and part of the original addresses as its Ethernet source. How it came in says how it is tracked:
// port 1 looks, port 2 commits, port 3 commits by force, port 4 looks, forgets and commits.
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

// A tap is a real switch with trackingFlows and what has left it by port 9.
type tap struct {
	t    testing.TB
	o    *real.OVS
	pcap string
	read int // bytes of pcap that were taken
	sent uint32
}

const (
	pcapHeader       = 24
	pcapPacketHeader = 16
)

func newTap(t testing.TB) *tap {
	o := real.Start(t)
	o.AddPorts(1, 2, 3, 4, 9)
	p := &tap{t: t, o: o, pcap: o.Dir() + "/tx.pcap", read: pcapHeader}
	o.Vsctl("set", "interface", "p9", "options:tx_pcap="+p.pcap)
	o.ReplaceFlows(trackingFlows())
	return p
}

// send lets a packet come in, and returns what leaves by port 9 before a second packet, which has a number and always leaves.
func (p *tap) send(in int, frame []byte) [][]byte {
	p.t.Helper()
	p.sent++
	mark := binary.BigEndian.AppendUint32([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5}, p.sent)
	mark = append(mark, make([]byte, 46)...)
	for _, b := range [][]byte{frame, mark} {
		_, err := p.o.Appctl("netdev-dummy/receive", fmt.Sprintf("p%d", in), hex.EncodeToString(b))
		require.NoError(p.t, err)
	}
	var left [][]byte
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Microsecond) {
		for _, frame := range p.left() {
			if frame[12] != 0x88 || frame[13] != 0xb5 {
				left = append(left, frame)
			} else if binary.BigEndian.Uint32(frame[14:]) == p.sent {
				return left
			}
		}
	}
	p.t.Fatal("the packet that marks the end does not leave")
	return nil
}

// left returns the frames that were written to the file since the last time.
func (p *tap) left() (frames [][]byte) {
	file, err := os.ReadFile(p.pcap)
	require.NoError(p.t, err)
	for p.read+pcapPacketHeader <= len(file) {
		n := int(binary.LittleEndian.Uint32(file[p.read+8:]))
		if p.read+pcapPacketHeader+n > len(file) {
			break
		}
		frames = append(frames, file[p.read+pcapPacketHeader:p.read+pcapPacketHeader+n])
		p.read += pcapPacketHeader + n
	}
	return frames
}

// compare sends a packet through both switches and requires that the same leaves.
func (p *tap) compare(s *Switch, in int, w wirePacket, history string) (state byte) {
	p.t.Helper()
	var want []string
	for _, frame := range p.send(in, w.bytes) {
		want = append(want, hex.EncodeToString(frame[:12]))
	}
	j := s.Inject(openflow.Port(in), w.packet.With(
		openflow.MAC(openflow.EthDst, [6]byte(w.bytes[:6])), openflow.MAC(openflow.EthSrc, [6]byte(w.bytes[6:12]))))
	require.Empty(p.t, j.Problem)
	var got []string
	for _, o := range j.Outputs {
		dst, src := o.Packet.Get(openflow.EthDst).MAC(), o.Packet.Get(openflow.EthSrc).MAC()
		got = append(got, hex.EncodeToString(append(dst[:], src[:]...)))
		state = dst[5]
	}
	slices.Sort(want) // fragments leave in the order of the datapath's batches
	slices.Sort(got)
	require.Equal(p.t, want, got, "%s\nport %d: %x\n%s", history, in, w.bytes, j)
	return state
}

// Random packets of a few connections, in both directions and in every order, are new, established, replies, related or invalid here when
// they are in the userspace datapath, with the same original tuple.
func TestSameTracking_Real(t *testing.T) {
	p := newTap(t)
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
			states[p.compare(s, in, w, history)]++
			history += fmt.Sprintf("port %d: %v\n", in, w.packet)
		}
	}
	t.Logf("%d packets, by ct_state: %v", rounds*packets, states)
	const trk, est, rpl, rel = openflow.CTTracked, openflow.CTEstablished, openflow.CTReply, openflow.CTRelated
	for _, state := range []byte{trk | openflow.CTNew, trk | est, trk | est | rpl, trk | rel, trk | rel | rpl, trk | openflow.CTInvalid} {
		require.NotZero(t, states[state], "no packet had ct_state %#x", state)
	}
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
