package ovsdb

import (
	"crypto/tls"
	"net"
	"slices"
	"strings"
)

// PeerNames are the names that the peer has proven to own: the DNS names and the
// common name of its certificate. It is empty unless the connection is TLS and the
// certificate was verified against the configured authorities.
//
// ovs-pki signs certificates with a common name of "NAME id:UUID"; there NAME is one
// of the names too.
func (c *Conn) PeerNames() []string {
	return peerNames(c.nc)
}

// IsPeer tells whether name, such as a system-id, is one of [Conn.PeerNames].
func (c *Conn) IsPeer(name string) bool {
	return name != "" && slices.Contains(c.PeerNames(), name)
}

func peerNames(nc net.Conn) []string {
	secure, ok := nc.(*tls.Conn)
	if !ok {
		return nil
	}
	state := secure.ConnectionState()
	if len(state.VerifiedChains) == 0 {
		return nil
	}
	certificate := state.PeerCertificates[0]
	names := slices.Clone(certificate.DNSNames)
	if cn := certificate.Subject.CommonName; cn != "" {
		names = append(names, cn)
		if short, _, found := strings.Cut(cn, " id:"); found && short != "" {
			names = append(names, short)
		}
	}
	return names
}
