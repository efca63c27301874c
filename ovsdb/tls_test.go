package ovsdb_test

import (
	"crypto/tls"
	"errors"

	"conjunct/tlstest"
)

// demanding is a configuration of a server that demands certificates of the authority, which signs as ovs-pki does: a common name
// and no other.
func demanding(ca *tlstest.Authority, name string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{ca.Sign(name)}, ClientCAs: ca.Pool(), ClientAuth: tls.RequireAndVerifyClientCert}
}

func calling(ca *tlstest.Authority, name string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{ca.Sign(name)}, RootCAs: ca.Pool()}
}

// flags give a certificate to an ovsdb-server.
func flags(ca *tlstest.Authority, name string) []string {
	authority, cert, key := ca.Files(name)
	return []string{"--private-key=" + key, "--certificate=" + cert, "--ca-cert=" + authority}
}

var errAsked = errors.New("the caller's own check was asked")
