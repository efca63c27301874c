package ofconn_test

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/openflow/ofconn"
)

// A script is a switch's end of a connection that a test writes message by message.
type script struct {
	t    *testing.T
	conn net.Conn
}

// scripted returns a connection, and the other end of it after the handshake.
func scripted(t *testing.T) (*ofconn.Conn, *script) {
	t.Helper()
	ours, theirs := net.Pipe()
	s := &script{t, theirs}
	t.Cleanup(func() { theirs.Close() })
	go func() {
		s.recv()
		s.send(1, openflow.Hello{Versions: openflow.HelloVersions15})
		xid, _ := s.recv()
		s.send(xid, openflow.FeaturesReply{DatapathID: 7})
	}()
	c, err := ofconn.New(ctx(t), ours, ofconn.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c, s
}

func (s *script) send(xid uint32, m openflow.Message) {
	b, err := openflow.Append(nil, xid, m)
	if err == nil {
		_, err = s.conn.Write(b)
	}
	if err != nil {
		s.t.Error(err)
	}
}

func (s *script) recv() (uint32, openflow.Message) {
	b := make([]byte, openflow.HeaderLen)
	_, err := io.ReadFull(s.conn, b)
	if err == nil {
		var n int
		n, err = openflow.MessageLength(b)
		b = append(b, make([]byte, n-len(b))...)
		if err == nil {
			_, err = io.ReadFull(s.conn, b[openflow.HeaderLen:])
		}
	}
	xid, m, decodeErr := openflow.Decode(b)
	if err != nil || decodeErr != nil {
		s.t.Error(err, decodeErr)
	}
	return xid, m
}

// A switch that asks for an echo gets one, with what it sent.
func TestEcho_Answered(t *testing.T) {
	_, s := scripted(t)
	s.send(99, openflow.EchoRequest{Data: []byte("alive?")})
	xid, m := s.recv()
	require.EqualValues(t, 99, xid)
	require.Equal(t, openflow.EchoReply{Data: []byte("alive?")}, m)
}

// Replies find their request by xid, whatever their order. What nobody asked for is no reply.
func TestRoundTrip_OutOfOrder(t *testing.T) {
	c, s := scripted(t)
	first, second := make(chan error), make(chan error)
	go func() { first <- c.Barrier(ctx(t)) }()
	xid1, _ := s.recv()
	go func() {
		_, err := c.GetConfig(ctx(t))
		second <- err
	}()
	xid2, _ := s.recv()
	s.send(xid1+1000, openflow.BarrierReply{})
	s.send(xid1, openflow.PortStatus{Port: openflow.PortDesc{Port: 3}}) // unasked, though it has the xid of a request
	s.send(xid2, openflow.GetConfigReply{})
	require.NoError(t, <-second)
	s.send(xid1, openflow.BarrierReply{})
	require.NoError(t, <-first)
	require.IsType(t, openflow.PortStatus{}, <-c.Events())
}

// A reply of another kind is an error of that call alone.
func TestRoundTrip_WrongKind(t *testing.T) {
	c, s := scripted(t)
	done := make(chan error)
	go func() { done <- c.Barrier(ctx(t)) }()
	xid, _ := s.recv()
	s.send(xid, openflow.GetConfigReply{})
	require.ErrorIs(t, <-done, ofconn.ErrUnexpected)
	require.NoError(t, c.Err())
}

// An error about something that nobody waits for is an event.
func TestEvents_Error(t *testing.T) {
	c, s := scripted(t)
	s.send(12345, openflow.Error{Code: openflow.ErrTableFull})
	require.Equal(t, openflow.Error{Code: openflow.ErrTableFull}, <-c.Events())
}

// Bytes that are no message end the connection.
func TestGarbage(t *testing.T) {
	for _, b := range [][]byte{
		{6, 0, 0, 4, 0, 0, 0, 0},               // shorter than a header
		{6, 12, 0, 12, 0, 0, 0, 0, 1, 2, 3, 4}, // a port status that is cut
		{4, 3, 0, 8, 0, 0, 0, 0},               // another version
	} {
		c, s := scripted(t)
		_, err := s.conn.Write(b)
		require.NoError(t, err)
		<-c.Done()
		require.Error(t, c.Err())
		require.NotErrorIs(t, c.Err(), ofconn.ErrClosed)
	}
}
