package openflow_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/openflow/oftest/real"
)

// ovs is a real ovs-vswitchd of the test's own, with the dummy datapath and one bridge, br0.
type ovs struct {
	*real.OVS
	t *testing.T
}

func startOVS(t *testing.T) *ovs { return &ovs{real.Start(t), t} }

// bridge is the address of the bridge for ovs-ofctl.
func (s *ovs) bridge() string { return s.Target() }

func (s *ovs) ofctl(args ...string) string {
	s.t.Helper()
	return s.Run("ovs-ofctl", append([]string{"-O", "OpenFlow15", "--no-names", "--timeout=20"}, args...)...)
}

// dump returns the lines of dump-flows without counts.
func (s *ovs) dump() []string {
	s.t.Helper()
	return lines(s.ofctl("--no-stats", "dump-flows", s.bridge()))
}

// connect opens a connection to the bridge and says hello.
func (s *ovs) connect() *peer {
	s.t.Helper()
	c, err := net.Dial("unix", s.Path("br0.mgmt"))
	require.NoError(s.t, err)
	p := newPeer(s.t, c)
	p.hello()
	return p
}

// peer is one end of an OpenFlow connection that the test reads and writes message by message.
type peer struct {
	t    *testing.T
	conn net.Conn
	xid  uint32
}

func newPeer(t *testing.T, c net.Conn) *peer {
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return &peer{t: t, conn: c, xid: 100}
}

func (p *peer) hello() {
	p.t.Helper()
	p.send(openflow.Hello{Versions: openflow.HelloVersions15})
	_, m := p.recv()
	require.IsType(p.t, openflow.Hello{}, m)
}

// send writes a message and returns its xid.
func (p *peer) send(m openflow.Message) uint32 {
	p.t.Helper()
	p.xid++
	b, err := openflow.Append(nil, p.xid, m)
	require.NoError(p.t, err)
	_, err = p.conn.Write(b)
	require.NoError(p.t, err)
	return p.xid
}

// recvRaw reads the bytes of one message.
func (p *peer) recvRaw() ([]byte, error) {
	b := make([]byte, openflow.HeaderLen)
	if _, err := io.ReadFull(p.conn, b); err != nil {
		return nil, err
	}
	n, err := openflow.MessageLength(b)
	if err != nil {
		return nil, err
	}
	b = append(b, make([]byte, n-len(b))...)
	_, err = io.ReadFull(p.conn, b[openflow.HeaderLen:])
	return b, err
}

// recv reads one message; it answers echo requests by itself.
func (p *peer) recv() (uint32, openflow.Message) {
	p.t.Helper()
	for {
		b, err := p.recvRaw()
		require.NoError(p.t, err)
		xid, m, err := openflow.Decode(b)
		require.NoError(p.t, err, "%x", b)
		echo, ok := m.(openflow.EchoRequest)
		if !ok {
			return xid, m
		}
		b, err = openflow.Append(nil, xid, openflow.EchoReply(echo))
		require.NoError(p.t, err)
		_, err = p.conn.Write(b)
		require.NoError(p.t, err)
	}
}

// barrier waits until the switch has done all that was sent, and fails on an error message.
func (p *peer) barrier() {
	p.t.Helper()
	xid := p.send(openflow.BarrierRequest{})
	for {
		got, m := p.recv()
		if e, ok := m.(openflow.Error); ok {
			require.NoError(p.t, e, "xid %d", got)
		}
		if _, ok := m.(openflow.BarrierReply); ok && got == xid {
			return
		}
	}
}

// lines splits a text, without empty lines, comments and blanks around.
func lines(s string) []string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
			out = append(out, l)
		}
	}
	return out
}
