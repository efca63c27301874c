package oftest_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	. "conjunct/openflow/ofeval"
	. "conjunct/openflow/oftest"
	"conjunct/openflow/oftest/real"
)

// A tap is a real switch whose ports write what leaves by them to files.
type tap struct {
	t     testing.TB
	o     *real.OVS
	ports []int
	read  map[int]int // bytes of each file that were taken
	marks uint32      // packets that were sent to mark an end
}

const (
	pcapHeader       = 24
	pcapPacketHeader = 16
	markPort         = 9 // where marks leave
)

// markFlow lets a mark, which is of a type of its own, leave before anything else is looked at.
const markFlow = "table=0,priority=65535,dl_type=0x88b5 actions=output:9\n"

// newTap starts a switch with ports 1 to 4 and 9, and watches some of them; 9 always.
func newTap(t testing.TB, flows string, watched ...int) *tap {
	o := real.Start(t)
	o.AddPorts(1, 2, 3, 4, markPort)
	p := &tap{t: t, o: o, ports: watched, read: map[int]int{}}
	if !slices.Contains(p.ports, markPort) {
		p.ports = append(p.ports, markPort)
	}
	for _, n := range p.ports {
		o.Vsctl("set", "interface", fmt.Sprintf("p%d", n), "options:tx_pcap="+p.file(n))
		p.read[n] = pcapHeader
	}
	o.ReplaceFlows(markFlow + flows)
	return p
}

func (p *tap) file(port int) string { return fmt.Sprintf("%s/tx%d.pcap", p.o.Dir(), port) }

// A sent is a frame that left by a port.
type sent struct {
	port  int
	frame []byte
}

// send lets a packet come in, and returns what leaves before a second packet does, which has a number and always leaves.
func (p *tap) send(in int, frame []byte) (left []sent) {
	p.t.Helper()
	p.marks++
	mark := binary.BigEndian.AppendUint32([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5}, p.marks)
	mark = append(mark, make([]byte, 46)...)
	for _, b := range [][]byte{frame, mark} {
		_, err := p.o.Appctl("netdev-dummy/receive", fmt.Sprintf("p%d", in), hex.EncodeToString(b))
		require.NoError(p.t, err)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Microsecond) {
		over := false
		for _, f := range p.left(markPort) {
			if f[12] == 0x88 && f[13] == 0xb5 {
				over = over || binary.BigEndian.Uint32(f[14:]) == p.marks
			} else {
				left = append(left, sent{markPort, f})
			}
		}
		if !over {
			continue
		}
		for _, port := range p.ports {
			for _, f := range p.left(port) {
				left = append(left, sent{port, f})
			}
		}
		return left
	}
	p.t.Fatal("the packet that marks the end does not leave")
	return nil
}

// left returns the frames that were written to a port's file since the last time.
func (p *tap) left(port int) (frames [][]byte) {
	file, err := os.ReadFile(p.file(port))
	require.NoError(p.t, err)
	at := p.read[port]
	for at+pcapPacketHeader <= len(file) {
		n := int(binary.LittleEndian.Uint32(file[at+8:]))
		if at+pcapPacketHeader+n > len(file) {
			break
		}
		frames = append(frames, file[at+pcapPacketHeader:at+pcapPacketHeader+n])
		at += pcapPacketHeader + n
	}
	p.read[port] = at
	return frames
}

// compare sends a packet through both switches and requires that the same leaves by the same ports. It returns what left.
func (p *tap) compare(s *Switch, in int, w wirePacket, history string) []Output {
	p.t.Helper()
	var want []string
	for _, f := range p.send(in, w.bytes) {
		want = append(want, fmt.Sprintf("%d %x", f.port, f.frame[:12]))
	}
	j := s.Inject(openflow.Port(in), w.packet.With(
		openflow.MAC(openflow.EthDst, [6]byte(w.bytes[:6])), openflow.MAC(openflow.EthSrc, [6]byte(w.bytes[6:12]))))
	require.Empty(p.t, j.Problem)
	var got []string
	for _, o := range j.Outputs {
		dst, src := o.Packet.Get(openflow.EthDst).MAC(), o.Packet.Get(openflow.EthSrc).MAC()
		got = append(got, fmt.Sprintf("%d %x%x", o.Port, dst, src))
	}
	slices.Sort(want) // fragments leave in the order of the datapath's batches
	slices.Sort(got)
	require.Equal(p.t, want, got, "%s\nport %d: %x\n%s", history, in, w.bytes, j)
	return j.Outputs
}
