// Package ovsdbtest is an OVSDB server in this process: the Open_vSwitch schema as far
// as package ovsdb touches it, with what makes the real server particular: guards,
// indexes, immutable columns, strong references and the collection of rows that
// nothing refers to, three dialects of monitoring.
//
// A [Server] stands for one hypervisor. It can be dialled ([Server.Pipe],
// [Server.Listen]) or dial out, as after ovs-vsctl set-manager ([Server.DialOut]).
// Faults are injected with [Server.Drop], [Server.Refuse], [Server.Mute],
// [Server.Delay] and [Server.FailNext]. It plays no ovs-vswitchd: who needs a port number, a datapath id or a
// connected controller writes it, with [Server.Plug] and its like.
//
// The tests of package ovsdb run the same bodies against this server and the real one.
// A thousand servers fit into one process: the schema is shared and columns at their
// default take no room.
package ovsdbtest
