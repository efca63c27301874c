package ofconn

import "time"

// Options are the limits of a connection. Zero values are replaced by the defaults named.
type Options struct {
	HandshakeTimeout time.Duration // for TLS, hello and features together: 10 s
	ProbeAfter       time.Duration // silence after which the switch is asked for an echo: 5 s
	ProbeTimeout     time.Duration // further silence after which the switch is given up: 10 s
	WriteTimeout     time.Duration // for 64 KiB to leave: 10 s
	StallTimeout     time.Duration // for the caller of a dump to take one part of it: 30 s
	// EventQueue is how many unasked messages wait for the owner of Events: 1024. When it is full, packets, removed
	// flows and errors about nothing known are dropped (see Dropped); any other message ends the connection with
	// ErrEventOverflow, for a lost port status is worse than a new handshake.
	EventQueue int

	rooms *rooms // shared by the connections of a server; nil: the connection's own
}

func (o Options) withDefaults() Options {
	setDefault(&o.HandshakeTimeout, 10*time.Second)
	setDefault(&o.ProbeAfter, 5*time.Second)
	setDefault(&o.ProbeTimeout, 10*time.Second)
	setDefault(&o.WriteTimeout, 10*time.Second)
	setDefault(&o.StallTimeout, 30*time.Second)
	if o.EventQueue <= 0 {
		o.EventQueue = 1024
	}
	if o.rooms == nil {
		o.rooms = new(rooms)
	}
	return o
}

func setDefault(d *time.Duration, v time.Duration) {
	if *d <= 0 {
		*d = v
	}
}
