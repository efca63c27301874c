package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"
)

// openPacket opens a packet socket on an interface, bound to all protocols when it is to hear,
// to none when it is only to send.
func (n *Namespace) openPacket(iface string, hear bool) (*os.File, error) {
	protocol := uint16(0)
	if hear {
		protocol = htons(unix.ETH_P_ALL)
	}
	fd := -1
	err := n.Do(func() error {
		link, err := net.InterfaceByName(iface)
		if err != nil {
			return err
		}
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1),
			unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20),
			unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: link.Index}))
	})
	if err != nil {
		if fd >= 0 {
			unix.Close(fd)
		}
		return nil, fmt.Errorf("packet socket on %s/%s: %w", n.Name, iface, err)
	}
	return os.NewFile(uintptr(fd), iface), nil
}

func htons(v uint16) uint16 { return binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, v)) }

// SendFrames sends Ethernet frames as they are out of the host's eth0.
func (h *Host) SendFrames(frames ...[]byte) {
	h.lab.t.Helper()
	h.lab.must(h.sendFrames(frames...))
}

func (h *Host) sendFrames(frames ...[]byte) error {
	f, err := h.openPacket(hostPort, false)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, frame := range frames {
		if _, err := f.Write(frame); err != nil {
			return fmt.Errorf("send frame from %s: %w", h.Label, err)
		}
	}
	return nil
}

// Announce tells the network where the host is, as a machine does when it has moved: gratuitous
// ARP and unsolicited neighbour advertisements for all of its addresses.
func (h *Host) Announce() {
	h.lab.t.Helper()
	for _, p := range h.Addrs {
		claim := Claim{p.Addr(), h.MAC}
		if p.Addr().Is4() {
			h.SendFrames(ARPFrame(h.MAC, layers.ARPRequest, claim, Claim{Addr: p.Addr()}))
		} else {
			h.SendFrames(NAFrame(IPHeader{h.MAC, MulticastMAC(AllNodes6), p.Addr(), AllNodes6}, claim))
		}
	}
}

// hear calls f with each frame that arrives at an interface, VLAN tag included, one after the
// other, until the lab or the returned function closes it.
func (l *Lab) hear(n *Namespace, iface string, f func(gopacket.Packet)) (stop func(), err error) {
	file, err := n.openPacket(iface, true)
	if err != nil {
		return nil, err
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	l.serve(file, func() {
		for {
			frame, err := receive(raw)
			if err != nil {
				return // closed
			}
			if frame == nil { // the interface is down or gone
				time.Sleep(time.Millisecond)
				continue
			}
			f(gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default))
		}
	})
	return func() { file.Close() }, nil
}

// receive waits for one frame of a packet socket; nil when the interface has none to give.
func receive(raw syscall.RawConn) (frame []byte, err error) {
	b, oob := make([]byte, 65536), make([]byte, 256)
	err = raw.Read(func(fd uintptr) bool {
		n, oobn, _, _, err := unix.Recvmsg(int(fd), b, oob, 0)
		if err == nil {
			frame = withVLAN(b[:n], oob[:oobn])
		}
		return !errors.Is(err, unix.EAGAIN)
	})
	return frame, err
}

// withVLAN copies a frame and puts back the VLAN tag that the kernel hands over beside it.
func withVLAN(frame, oob []byte) []byte {
	const addresses = 12 // bytes in front of the EtherType
	copied := append([]byte(nil), frame...)
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(frame) < addresses {
		return copied
	}
	for _, m := range messages {
		if m.Header.Level != unix.SOL_PACKET || m.Header.Type != unix.PACKET_AUXDATA ||
			len(m.Data) < int(unsafe.Sizeof(unix.TpacketAuxdata{})) {
			continue
		}
		aux := (*unix.TpacketAuxdata)(unsafe.Pointer(&m.Data[0]))
		if aux.Status&unix.TP_STATUS_VLAN_VALID == 0 {
			continue
		}
		tagged := append([]byte(nil), frame[:addresses]...)
		tagged = binary.BigEndian.AppendUint16(tagged, aux.Vlan_tpid)
		tagged = binary.BigEndian.AppendUint16(tagged, aux.Vlan_tci)
		return append(tagged, frame[addresses:]...)
	}
	return copied
}
