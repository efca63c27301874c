package ovsdb

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
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
	secure, ok := c.nc.(*tls.Conn)
	if !ok {
		return nil
	}
	state := secure.ConnectionState()
	if len(state.PeerCertificates) == 0 || len(state.VerifiedChains) == 0 && !c.chainVerified {
		return nil
	}
	return certificateNames(state.PeerCertificates[0])
}

// IsPeer tells whether name, such as a system-id, is one of [Conn.PeerNames].
func (c *Conn) IsPeer(name string) bool {
	return name != "" && slices.Contains(c.PeerNames(), name)
}

func certificateNames(certificate *x509.Certificate) []string {
	names := slices.Clone(certificate.DNSNames)
	if cn := certificate.Subject.CommonName; cn != "" {
		names = append(names, cn)
		if short, _, found := strings.Cut(cn, " id:"); found && short != "" {
			names = append(names, short)
		}
	}
	return names
}

var (
	errNoTLS   = errors.New("ssl needs a TLS configuration")
	errNoRoots = errors.New("ssl needs the authorities (RootCAs) that sign the hypervisors' certificates")
)

// clientTLS prepares a configuration for dialling a hypervisor. Its certificate bears
// the name of the system, not of the address dialled, and often as a common name only.
// So, unless ServerName is set, what is verified here is that one of RootCAs has signed
// it; whose it is, is for the caller to ask with IsPeer.
func clientTLS(config *tls.Config) (*tls.Config, error) {
	switch {
	case config == nil:
		return nil, errNoTLS
	case config.ServerName != "":
		return config, nil
	case config.RootCAs == nil:
		return nil, errNoRoots
	}
	config = config.Clone()
	roots, then := config.RootCAs, config.VerifyConnection
	config.InsecureSkipVerify = true // replaced by the verification that follows
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if err := verifyChain(state.PeerCertificates, roots); err != nil {
			return err
		}
		if then != nil {
			return then(state)
		}
		return nil
	}
	return config, nil
}

func verifyChain(chain []*x509.Certificate, roots *x509.CertPool) error {
	if len(chain) == 0 {
		return errors.New("no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}
