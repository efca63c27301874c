package controller

import (
	"crypto/tls"
	"slices"
	"strings"
)

// namesPeer reports whether the peer's verified certificate bears the name: as a DNS name, as the common name, or as the
// NAME of a common name "NAME id:UUID", which ovs-pki writes.
func namesPeer(state *tls.ConnectionState, name string) bool {
	if len(state.VerifiedChains) == 0 {
		return false
	}
	leaf := state.PeerCertificates[0]
	short, _, _ := strings.Cut(leaf.Subject.CommonName, " id:")
	return slices.Contains(leaf.DNSNames, name) || leaf.Subject.CommonName == name || short == name
}
