// Package referee holds two switches against policy.Decide: the one that one can look inside, and the real one.
//
//	seed ──► world ──► questions ──► policy.Decide ─┐
//	           │          │                         ├──► agree, or the smallest world in which they don't
//	           └► flows ──┼────────► fake switch ───┤
//	                      └────────► ofproto/trace ─┘
//
// The fake switch gets whole packets, from one end of the connection to the other, and tracks them. The real switch is asked, for each
// packet of the connection, what it would do on the side of the port in question, with what connection tracking says of the
// packet: ofproto/trace tracks nothing by itself.
package referee
