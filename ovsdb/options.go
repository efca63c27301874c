package ovsdb

import (
	"crypto/tls"
	"time"
)

// Options are common to both directions of dialling. The zero value is usable.
type Options struct {
	// TLS is required for ssl: addresses and not used for others. To listen it must
	// ask for and verify client certificates, else peers stay nameless; to dial it
	// must name the authorities (see [DialConn]).
	TLS *tls.Config

	// Probe is how long the peer may be silent before it is sent an echo; after the
	// same time again without any byte the connection is closed. Default 5 s.
	Probe time.Duration

	// Setup limits dialling, the TLS handshake and the first read of the database
	// together. Default 15 s.
	Setup time.Duration

	// MaxMessage limits one message from the peer, in bytes. Default [MaxMessage].
	MaxMessage int
}

func (o Options) withDefaults() Options {
	if o.Probe <= 0 {
		o.Probe = 5 * time.Second
	}
	if o.Setup <= 0 {
		o.Setup = 15 * time.Second
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = MaxMessage
	}
	return o
}
