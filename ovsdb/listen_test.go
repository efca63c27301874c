package ovsdb_test

import (
	"context"
	"crypto/tls"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/ovsdb"
	"conjunct/ovsdb/ovsdbtest"
	"conjunct/tlstest"
)

// A controller listens and hands over what comes.
type controller struct {
	address string
	clients chan *ovsdb.Client
	refused chan error
}

func listen(t *testing.T, address string, o ovsdb.Options) *controller {
	t.Helper()
	l, err := ovsdb.Listen(address, o)
	require.NoError(t, err)
	scheme, _, _ := strings.Cut(address, ":")
	k := &controller{scheme + ":" + l.Addr().String(), make(chan *ovsdb.Client), make(chan error, 100)}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		err := l.Serve(ctx, func(ctx context.Context, c *ovsdb.Client) {
			select {
			case k.clients <- c:
				<-c.Done()
			case <-ctx.Done():
			}
		}, func(_ net.Addr, err error) { k.refused <- err })
		if ctx.Err() == nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		serving.Wait()
	})
	return k
}

func (k *controller) accept(t *testing.T) *ovsdb.Client {
	t.Helper()
	select {
	case c := <-k.clients:
		t.Cleanup(func() { c.Close() })
		return c
	case <-testContext(t).Done():
		t.Fatal("nobody has come")
		return nil
	}
}

// dialOut makes the server in process dial until the test ends.
func dialOut(t *testing.T, s *ovsdbtest.Server, dial func(context.Context) (net.Conn, error)) {
	ctx, cancel := context.WithCancel(context.Background())
	var dialling sync.WaitGroup
	dialling.Go(func() { s.DialOut(ctx, dial) })
	t.Cleanup(func() {
		cancel()
		dialling.Wait()
	})
}

func TestHypervisorDialsUs(t *testing.T) {
	k := listen(t, "tcp:127.0.0.1:0", ovsdb.Options{})
	t.Run("fake", func(t *testing.T) {
		w := fakeWorld(t)
		var d net.Dialer
		dialOut(t, w.fake, func(ctx context.Context) (net.Conn, error) {
			return d.DialContext(ctx, "tcp", strings.TrimPrefix(k.address, "tcp:"))
		})
		comesBack(t, w, k)
	})
	t.Run("real", func(t *testing.T) {
		w := realWorld(t)
		w.vsctl(t, "set-manager", k.address)
		comesBack(t, w, k)
		w.vsctl(t, "del-manager")
	})
}

// comesBack checks that a connection made by the other side works like any, and is
// made again after it was lost.
func comesBack(t *testing.T, w *world, k *controller) {
	c := k.accept(t)
	require.Equal(t, "hv1", c.SystemID())
	change, err := c.EnsureBridge(testContext(t), bridgeSpec())
	require.NoError(t, err)
	require.True(t, change.Created)

	w.restart(t)
	<-c.Done()
	c = k.accept(t)
	require.Equal(t, "hv1", c.SystemID())
	change, err = c.EnsureBridge(testContext(t), bridgeSpec())
	require.NoError(t, err)
	require.Zero(t, change)
	require.NoError(t, c.Close())
}

func TestHypervisorDialsUsOnASocket(t *testing.T) {
	path := filepath.Join(shortDir(t), "c.sock")
	k := listen(t, "unix:"+path, ovsdb.Options{})
	w := realWorld(t)
	w.vsctl(t, "set-manager", "unix:"+path)
	require.Equal(t, "hv1", k.accept(t).SystemID())
	w.vsctl(t, "del-manager")
}

func TestHypervisorDialsUsWithTLS(t *testing.T) {
	ours := tlstest.New(t)
	k := listen(t, "ssl:127.0.0.1:0", ovsdb.Options{TLS: demanding(ours, "controller")})
	check := func(t *testing.T, names ...string) {
		c := k.accept(t)
		require.Equal(t, "hv1", c.SystemID())
		require.Equal(t, names, c.PeerNames())
		require.True(t, c.IsPeer("hv1"))
		require.False(t, c.IsPeer("hv2"))
		require.False(t, c.IsPeer(""))
	}
	t.Run("fake", func(t *testing.T) {
		s := ovsdbtest.New("hv1")
		t.Cleanup(s.Close)
		d := tls.Dialer{Config: calling(ours, "hv1")}
		d.Config.InsecureSkipVerify = true // as ovsdb-server, which checks no names
		dialOut(t, s, func(ctx context.Context) (net.Conn, error) {
			return d.DialContext(ctx, "tcp", strings.TrimPrefix(k.address, "ssl:"))
		})
		check(t, "hv1")
	})
	t.Run("real, named as ovs-pki does", func(t *testing.T) {
		w := realWorld(t, flags(ours, "hv1 id:36bef046-7da7-43a5-905c-c17899216fcb")...)
		w.vsctl(t, "set-manager", k.address)
		check(t, "hv1 id:36bef046-7da7-43a5-905c-c17899216fcb", "hv1")
	})
	t.Run("another authority's", func(t *testing.T) {
		w := realWorld(t, flags(tlstest.New(t), "hv1")...)
		w.vsctl(t, "set-manager", k.address)
		require.Error(t, <-k.refused)
	})
	t.Run("no TLS", func(t *testing.T) {
		w := realWorld(t)
		w.vsctl(t, "set-manager", "tcp:"+strings.TrimPrefix(k.address, "ssl:"))
		require.ErrorContains(t, <-k.refused, "TLS")
	})
}

func TestWeDialWithTLS(t *testing.T) {
	ours := tlstest.New(t)
	dial := func(t *testing.T, address string, config *tls.Config) (*ovsdb.Client, error) {
		return ovsdb.Dial(testContext(t), address, ovsdb.Options{TLS: config})
	}
	body := func(t *testing.T, address string) {
		c, err := dial(t, address, calling(ours, "controller"))
		require.NoError(t, err)
		defer c.Close()
		require.Equal(t, "hv1", c.SystemID())
		require.True(t, c.IsPeer("hv1"))
		require.False(t, c.IsPeer("hv2"))

		_, err = dial(t, address, calling(tlstest.New(t), "controller"))
		require.ErrorContains(t, err, "certificate signed by unknown authority")

		named := calling(ours, "controller")
		named.ServerName = "hv1"
		_, err = dial(t, address, named)
		require.Error(t, err, "ServerName asks for the full verification")

		asked := calling(ours, "controller")
		asked.VerifyConnection = func(tls.ConnectionState) error { return errAsked }
		_, err = dial(t, address, asked)
		require.ErrorIs(t, err, errAsked)
	}
	t.Run("fake", func(t *testing.T) {
		s := ovsdbtest.New("hv1")
		t.Cleanup(s.Close)
		addr, err := s.Listen("tcp", "127.0.0.1:0", demanding(ours, "hv1"))
		require.NoError(t, err)
		body(t, "ssl:"+addr.String())
	})
	t.Run("real", func(t *testing.T) {
		address := freeTCP(t)
		_, port, err := net.SplitHostPort(strings.TrimPrefix(address, "tcp:"))
		require.NoError(t, err)
		w := realWorld(t, append(flags(ours, "hv1"), "--remote=pssl:"+port+":127.0.0.1")...)
		require.NotEmpty(t, w.unix)
		body(t, "ssl:127.0.0.1:"+port)
	})
}

// A peer that says nothing holds up neither others nor the end.
func TestSilentPeers(t *testing.T) {
	k := listen(t, "tcp:127.0.0.1:0", ovsdb.Options{Setup: 50 * time.Millisecond})
	silent, err := net.Dial("tcp", strings.TrimPrefix(k.address, "tcp:"))
	require.NoError(t, err)
	defer silent.Close()
	require.ErrorIs(t, <-k.refused, context.DeadlineExceeded)

	w := fakeWorld(t)
	var d net.Dialer
	dialOut(t, w.fake, func(ctx context.Context) (net.Conn, error) {
		return d.DialContext(ctx, "tcp", strings.TrimPrefix(k.address, "tcp:"))
	})
	require.Equal(t, "hv1", k.accept(t).SystemID())
}

func TestListenRefuses(t *testing.T) {
	k := listen(t, "tcp:127.0.0.1:0", ovsdb.Options{})
	_, err := ovsdb.Listen(k.address, ovsdb.Options{})
	require.ErrorContains(t, err, k.address)
}
