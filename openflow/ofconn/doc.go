// Package ofconn is a live channel to one switch: handshake, requests and their
// replies, dumps, bundles, and what the switch says unasked.
//
//	nc, err := ofconn.Dial(ctx, "tcp:192.0.2.1:6653", nil)
//	c, err := ofconn.New(ctx, nc, ofconn.Options{})
//	defer c.Close()
//	err = c.Bundle(ctx, mods)                       // all of them, or none
//	for f, err := range c.DumpFlows(ctx, ofconn.FlowFilter{}) { ... }
//	for m := range c.Events() { ... }               // port status and the like, until the end
//
// A connection is two goroutines, which Close waits for:
//
//	 callers                                   callers
//	    | append encoded messages                 ^ replies by xid     ^ Events
//	    v                                         |                    |
//	[ outbox ] --writer--> switch --reader--> [ calls: xid -> waiter ] [ queue ]
//
// The writer sends all that has gathered in one write. The reader never waits for
// a caller longer than Options.StallTimeout, so neither a slow dump nor a deaf
// owner of the events stops echoes and replies. A switch that says nothing is asked for an
// echo and then given up. Every call takes a context, and ends when the connection ends.
//
// Only OpenFlow 1.5 is spoken. A switch that cannot is refused with a VersionError.
package ofconn
