package controller

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow/oftest"
	"conjunct/ovsdb/ovsdbtest"
	"conjunct/policy"
)

// authority signs certificates for tests.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{t, cert, key, pool}
}

// issue makes a configuration with a certificate of the common name; both sides verify.
func (a *authority) issue(name string) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(a.t, err)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		RootCAs:      a.pool, ClientCAs: a.pool, ClientAuth: tls.RequireAndVerifyClientCert, ServerName: "localhost",
	}
}

// Over TLS a host is who its certificate says, for the database and for the switch.
func TestTLS_NamesMustAgree(t *testing.T) {
	ca := newAuthority(t)
	c, _ := start(t, Options{
		Store: openStore(t), TLS: ca.issue("controller"), OVSDBListen: "ssl:127.0.0.1:0", OpenFlowListen: "ssl:127.0.0.1:0",
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
	require.NoError(t, join(ctx, thief, ca.issue("hv2")))
	require.NoError(t, ctx.Err())
	require.Zero(t, thief.Transactions())
	stranger := newAuthority(t).issue("hv1")
	stranger.RootCAs = ca.pool
	if err := join(ctx, thief, stranger); err == nil {
		require.Zero(t, thief.Transactions())
	}
	_, known := c.Host("hv1")
	require.False(t, known)

	db := ovsdbtest.New("hv1")
	t.Cleanup(db.Close)
	done := make(chan struct{})
	go func() { defer close(done); _ = join(ctx, db, ca.issue("hv1")) }()
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
	tap := dial(ca.issue("hv2")).(*wiretap)
	<-tap.closed
	require.Empty(t, sw.Flows())
	dial(ca.issue("hv1"))
	awaitState(t, c, "hv1", policy.HostReady)
}
