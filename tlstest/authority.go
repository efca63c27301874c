package tlstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Authority signs certificates that hold for an hour.
type Authority struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

// New makes an authority, with a certificate that it signed itself.
func New(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t, cert: template(1, "test authority")}
	a.cert.IsCA, a.cert.BasicConstraintsValid, a.cert.KeyUsage = true, true, x509.KeyUsageCertSign
	var der []byte
	a.key, der = a.create(a.cert)
	var err error
	a.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return a
}

func template(serial int64, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

// create signs the template for a key of its own; the authority's own certificate is signed by the key that it is for.
func (a *Authority) create(c *x509.Certificate) (*ecdsa.PrivateKey, []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	signer := a.key
	if c == a.cert {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), signer)
	require.NoError(a.t, err)
	return key, der
}

// Pool trusts the authority.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Sign makes a certificate of a common name and, as ovs-pki does, of nothing else; with hosts it is also theirs.
func (a *Authority) Sign(name string, hosts ...string) tls.Certificate {
	a.t.Helper()
	c := template(2, name)
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	key, der := a.create(c)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Files are PEM files of the authority's certificate, and of a certificate that it signs and its key, in a folder of the test.
func (a *Authority) Files(name string, hosts ...string) (ca, cert, key string) {
	a.t.Helper()
	signed := a.Sign(name, hosts...)
	private, err := x509.MarshalPKCS8PrivateKey(signed.PrivateKey)
	require.NoError(a.t, err)
	dir := a.t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(a.t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	return write("ca.pem", "CERTIFICATE", a.cert.Raw), write("cert.pem", "CERTIFICATE", signed.Certificate[0]), write("key.pem", "PRIVATE KEY", private)
}
