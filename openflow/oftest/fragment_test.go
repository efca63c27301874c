package oftest_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	. "conjunct/openflow/ofeval"
	. "conjunct/openflow/oftest"
)

var (
	fragmentFrom = netip.MustParseAddr("10.0.0.1")
	fragmentTo   = netip.MustParseAddr("10.0.0.2")
)

// fragmentBytes cuts a datagram of three times 1,200 bytes, less than which Open vSwitch does not reassemble.
func fragmentBytes(id uint16, src, dst netip.AddrPort) []wirePacket {
	const size = 1200
	datagram := binary.BigEndian.AppendUint16(nil, src.Port())
	datagram = binary.BigEndian.AppendUint16(datagram, dst.Port())
	datagram = binary.BigEndian.AppendUint16(datagram, 3*size)
	datagram = append(datagram, make([]byte, 3*size-6)...) // without a checksum
	var parts []wirePacket
	for i, p := range UDP(src, dst).Fragments(uint32(id), 3) {
		n := 20 + size
		offset := uint16(i * size / 8)
		if i < 2 {
			offset |= 0x2000
		}
		h := []byte{0x45, 0, byte(n >> 8), byte(n), byte(id >> 8), byte(id), byte(offset >> 8), byte(offset), 64, openflow.ProtoUDP, 0, 0}
		h = append(append(h, src.Addr().AsSlice()...), dst.Addr().AsSlice()...)
		binary.BigEndian.PutUint16(h[10:], checksum(h))
		parts = append(parts, wirePacket{ether(append(h, datagram[i*size:(i+1)*size]...)), p})
	}
	return parts
}

// Fragments wait at ct() until the packet is whole, whatever their order, and then each goes on with what is known of the whole.
func TestSameFragments_Real(t *testing.T) {
	p := newTap(t, trackingFlows(), 9)
	rounds := 40
	if testing.Short() {
		rounds = 5
	}
	id := uint16(0)
	for round := range rounds {
		g := rand.New(rand.NewPCG(uint64(round), 3))
		s := NewSwitch(Config{})
		s.AddPorts(1, 2, 3, 4, 9)
		require.NoError(t, s.Load(trackingFlows()))
		for _, zone := range []string{"5", "6"} {
			p.o.Ofctl("ct-flush-zone", p.o.Target(), zone)
		}
		var parts []wirePacket
		for range 4 {
			id++
			src, dst := netip.AddrPortFrom(fragmentFrom, 1000), netip.AddrPortFrom(fragmentTo, 80)
			if g.IntN(2) == 0 {
				src, dst = dst, src
			}
			parts = append(parts, fragmentBytes(id, src, dst)...)
		}
		g.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		history := ""
		for _, w := range parts {
			in := 1 + g.IntN(4)
			p.compare(s, in, w, history)
			history += fmt.Sprintf("port %d: %v\n", in, w.packet)
		}
	}
}

// Without its first part a packet never becomes whole, and nothing of it passes connection tracking.
func TestFragments_FirstMissing(t *testing.T) {
	s := NewSwitch(Config{})
	s.AddPorts(1, 2, 9)
	require.NoError(t, s.Load(trackingFlows()))
	parts := UDP(webAt, dbAt(53)).Fragments(1, 3)
	for _, p := range parts[1:] {
		require.Empty(t, must(t, s.Inject(1, p)).Outputs)
	}
	require.Len(t, must(t, s.Inject(1, parts[0])).Outputs, 3)
}

// What a fragment shows depends on how the switch is told to treat fragments.
func TestFragments_Modes(t *testing.T) {
	parts := tcpTo(80, SYN).Fragments(1, 2)
	for mode, want := range map[openflow.FragMode][2]uint64{
		openflow.FragNormal:  {9, 9},
		openflow.FragDrop:    {0, 0},
		openflow.FragNXMatch: {1, 2},
	} {
		s := NewSwitch(Config{})
		s.SetFragments(mode)
		require.NoError(t, s.Load(`
			cookie=1,priority=10,tcp,tp_dst=80 actions=drop
			cookie=2,priority=10,ip,nw_frag=later,nw_dst=10.0.0.2 actions=drop
			cookie=9,priority=0,ip actions=drop`))
		for i, p := range parts {
			f, _ := s.Lookup(0, p)
			if mode == openflow.FragNormal && i == 1 {
				require.EqualValues(t, 2, f.Cookie, "nw_frag can be matched in every mode")
				continue
			}
			require.Equal(t, want[i], f.Cookie, "mode %d part %d", mode, i)
		}
	}
}
