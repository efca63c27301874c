package ovsdb_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An authority signs certificates as ovs-pki does: a common name and no other.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{key, cert}
}

func (a *authority) sign(t *testing.T, commonName string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: commonName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// server is a configuration that demands certificates of this authority.
func (a *authority) server(t *testing.T, commonName string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.sign(t, commonName)},
		ClientCAs: a.pool(), ClientAuth: tls.RequireAndVerifyClientCert}
}

func (a *authority) client(t *testing.T, commonName string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.sign(t, commonName)}, RootCAs: a.pool()}
}

// flags give a certificate to an ovsdb-server.
func (a *authority) flags(t *testing.T, commonName string) []string {
	signed := a.sign(t, commonName)
	der, err := x509.MarshalPKCS8PrivateKey(signed.PrivateKey)
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	return []string{
		"--private-key=" + write("key.pem", "PRIVATE KEY", der),
		"--certificate=" + write("cert.pem", "CERTIFICATE", signed.Certificate[0]),
		"--ca-cert=" + write("ca.pem", "CERTIFICATE", a.cert.Raw),
	}
}

var errAsked = errors.New("the caller's own check was asked")
