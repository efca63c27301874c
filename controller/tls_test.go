package controller

import (
	"context"
	"crypto/tls"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow/oftest"
	"conjunct/ovsdb/ovsdbtest"
	"conjunct/policy"
	"conjunct/tlstest"
)

// peer is a configuration with a certificate of the common name; both sides verify.
func peer(ca *tlstest.Authority, name string) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{ca.Sign(name, "localhost")},
		RootCAs:      ca.Pool(), ClientCAs: ca.Pool(), ClientAuth: tls.RequireAndVerifyClientCert, ServerName: "localhost",
	}
}

// Over TLS a host is who its certificate says, for the database and for the switch.
func TestTLS_NamesMustAgree(t *testing.T) {
	ca := tlstest.New(t)
	c, _ := start(t, Options{
		Store: openStore(t), TLS: peer(ca, "controller"), OVSDBListen: "ssl:127.0.0.1:0", OpenFlowListen: "ssl:127.0.0.1:0",
	})
	// join serves a database named hv1 to the controller, with the certificate of somebody; it returns when it is let go.
	join := func(ctx context.Context, db *ovsdbtest.Server, as *tls.Config) error {
		nc, err := (&tls.Dialer{Config: as}).DialContext(ctx, "tcp", c.OVSDBAddr().String())
		if err != nil {
			return err
		}
		defer context.AfterFunc(ctx, func() { nc.Close() })()
		db.ServeConn(nc)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	thief := ovsdbtest.New("hv1")
	t.Cleanup(thief.Close)
	require.NoError(t, join(ctx, thief, peer(ca, "hv2")))
	require.NoError(t, ctx.Err())
	require.Zero(t, thief.Transactions())
	stranger := peer(tlstest.New(t), "hv1")
	stranger.RootCAs = ca.Pool()
	if err := join(ctx, thief, stranger); err == nil {
		require.Zero(t, thief.Transactions())
	}
	_, known := c.Host("hv1")
	require.False(t, known)

	db := ovsdbtest.New("hv1")
	t.Cleanup(db.Close)
	done := make(chan struct{})
	go func() { defer close(done); _ = join(ctx, db, peer(ca, "hv1")) }()
	defer func() { cancel(); <-done }()
	eventually(t, func() bool { return len(db.Targets("br-int")) == 1 })
	require.Equal(t, "ssl:"+c.OpenFlowAddr().String(), db.Targets("br-int")[0])

	sw := oftest.NewSwitch(oftest.Config{DatapathID: DatapathID("hv1")})
	t.Cleanup(sw.Close)
	dial := func(as *tls.Config) net.Conn {
		nc, err := (&tls.Dialer{Config: as}).DialContext(ctx, "tcp", c.OpenFlowAddr().String())
		require.NoError(t, err)
		tap := &wiretap{Conn: nc, h: &hypervisor{counts: make(map[byte]int)}, closed: make(chan struct{})}
		sw.Attach(tap)
		return tap
	}
	tap := dial(peer(ca, "hv2")).(*wiretap)
	<-tap.closed
	require.Empty(t, sw.Flows())
	dial(peer(ca, "hv1"))
	awaitState(t, c, "hv1", policy.HostReady)
}
