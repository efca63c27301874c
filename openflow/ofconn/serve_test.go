package ofconn_test

import (
	"context"
	"crypto/tls"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow/ofconn"
	"conjunct/openflow/oftest"
	"conjunct/tlstest"
)

// serve runs a server until the test ends, and returns the names in the certificates of the switches that came, and what
// was refused.
func serve(t *testing.T, l net.Listener, options ofconn.Options) (came chan string, refused chan error) {
	t.Helper()
	came, refused = make(chan string, 10), make(chan error, 10)
	ctx, stop := context.WithCancel(context.Background())
	server := ofconn.Server{
		Options: options,
		Handle: func(ctx context.Context, c *ofconn.Conn) {
			name := ""
			if state := c.TLS(); state != nil {
				name = state.PeerCertificates[0].Subject.CommonName
			}
			came <- name
			<-c.Done()
		},
		Refused: func(_ net.Addr, err error) { refused <- err },
	}
	done := make(chan error)
	go func() { done <- server.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
	})
	return came, refused
}

func TestServe_TLS(t *testing.T) {
	us, them := tlstest.New(t), tlstest.New(t)
	ours, theirs := us.Sign("controller", "127.0.0.1"), them.Sign("hv1")
	l, err := ofconn.Listen(ctx(t), "pssl:0:127.0.0.1", &tls.Config{Certificates: []tls.Certificate{ours}, ClientCAs: them.Pool(), ClientAuth: tls.RequireAndVerifyClientCert})
	require.NoError(t, err)
	came, refused := serve(t, l, ofconn.Options{})
	target := "ssl:" + l.Addr().String()

	s := oftest.NewSwitch(oftest.Config{})
	t.Cleanup(s.Close)
	nc, err := ofconn.Dial(ctx(t), target, &tls.Config{Certificates: []tls.Certificate{theirs}, RootCAs: us.Pool()})
	require.NoError(t, err)
	s.Attach(nc)
	require.Equal(t, "hv1", <-came)

	nc, err = ofconn.Dial(ctx(t), target, &tls.Config{RootCAs: us.Pool()}) // without a certificate
	require.NoError(t, err)
	s.Attach(nc)
	require.ErrorContains(t, <-refused, "certificate")
	s.Disconnect()
}

// A switch that says nothing is refused after a while, and delays no other.
func TestServe_Slow(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := ofconn.Listen(ctx(t), "punix:"+socket, nil)
	require.NoError(t, err)
	came, refused := serve(t, l, ofconn.Options{HandshakeTimeout: 300 * time.Millisecond})
	silent, err := ofconn.Dial(ctx(t), "unix:"+socket, nil)
	require.NoError(t, err)
	defer silent.Close()
	s := oftest.NewSwitch(oftest.Config{})
	t.Cleanup(s.Close)
	nc, err := ofconn.Dial(ctx(t), "unix:"+socket, nil)
	require.NoError(t, err)
	s.Attach(nc)
	<-came
	require.ErrorIs(t, <-refused, context.DeadlineExceeded)
	s.Disconnect()
}

func TestTargets(t *testing.T) {
	for _, target := range []string{"", "tcp", "tcp:", "udp:1.2.3.4:6653", "ssl:127.0.0.1:1"} {
		_, err := ofconn.Dial(ctx(t), target, nil)
		require.Error(t, err, target)
	}
	for _, target := range []string{"", "tcp:1", "pssl:0:127.0.0.1"} {
		_, err := ofconn.Listen(ctx(t), target, nil)
		require.Error(t, err, target)
	}
}

// drip hands out what it reads byte by byte.
type drip struct{ net.Conn }

func (d drip) Read(b []byte) (int, error) { return d.Conn.Read(b[:1]) }

// Messages may come in pieces of any size.
func TestPieces(t *testing.T) {
	s := oftest.NewSwitch(oftest.Config{})
	t.Cleanup(s.Close)
	require.NoError(t, s.Apply(manyFlows(300)...))
	c, err := ofconn.New(ctx(t), drip{s.Dial()}, ofconn.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.Len(t, cookies(t, c, ofconn.FlowFilter{}), 300)
}

// garble is a connection that hands out bytes that are no messages.
type garble struct {
	net.Conn
	sent bool
}

func (g *garble) Read(b []byte) (int, error) {
	if g.sent {
		return g.Conn.Read(b)
	}
	g.sent = true
	return copy(b, "GET / HTTP/1.1\r\n\r\n"), nil
}

func TestNotASwitch(t *testing.T) {
	s := oftest.NewSwitch(oftest.Config{})
	t.Cleanup(s.Close)
	_, err := ofconn.New(ctx(t), &garble{Conn: s.Dial()}, ofconn.Options{HandshakeTimeout: time.Second})
	require.Error(t, err)
}
