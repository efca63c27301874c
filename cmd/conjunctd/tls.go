package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// peerTLS is how the daemon speaks TLS with hypervisors: both sides show a certificate that the authority has signed. nil
// without one.
func peerTLS(c TLSConfig) (*tls.Config, error) {
	if c.CA == "" && c.Cert == "" && c.Key == "" {
		return nil, nil
	}
	pool, err := authority("tls.ca", c.CA)
	if err != nil {
		return nil, err
	}
	own, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("tls.cert, tls.key: %w", err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{own}, RootCAs: pool, ClientCAs: pool,
		ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	}, nil
}

// authority reads the certificates that are trusted, from the file that the key names.
func authority(key, file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: %s holds no certificate", key, file)
	}
	return pool, nil
}
