// Package ovsdb speaks RFC 7047, the Open vSwitch database protocol, to one
// ovsdb-server per hypervisor, and knows the few rows that a controller touches.
//
//	          Listen ◄── ovs-vsctl set-manager ssl:CONTROLLER:6640
//	            │
//	Session ──► Conn      JSON-RPC: calls, pending replies, echo both ways
//	            │
//	          Client ──►  cache ──► Snapshot: Bridges, Ports, Interfaces, Controllers
//	            │                      │
//	            └─ EnsureBridge,  ◄────┘  Next: "these rows changed, here is how all is"
//	               SetInstalled, …
//
// Either side may dial; afterwards there is no difference. A Client holds one
// connection and a cache of it. When the connection ends, so does the Client; the
// next connection starts from an empty cache and a full read, hence nothing can be
// missed across a gap.
//
// The cache is level-based. [Client.Next] names rows that changed since the last
// call and hands out a [Snapshot], consistent in the sense that it is the database
// as it was after some transaction. A slow reader of Next sees fewer, larger steps;
// it never slows down the connection.
//
// Writes are single transactions, computed from a snapshot and guarded inside the
// transaction by what they assumed, so that several controllers may run the same
// operation at once. An operation that finds everything as wanted sends nothing.
//
// The server sends the monitor's update before the reply to the transaction that
// caused it (RFC 7047 leaves it open, ovsdb-server does it), so after [Conn.Transact]
// returns the cache holds what was written.
package ovsdb
