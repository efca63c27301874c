// Package lab makes a small cloud on one machine: hypervisors that run their own Open vSwitch,
// virtual machines plugged into them, a fabric between them and hosts outside of it, all of it
// real and none of it visible to anything else on the machine.
//
// # What is what
//
//	namespace cjXXXX-net    the fabric switch and the management network, between everybody else
//	namespace cjXXXX-ctl    where a controller runs: 10.255.0.1 on the management network
//	namespace cjXXXX-hv1    a hypervisor: ovsdb-server, ovs-vswitchd, the taps of its VMs
//	namespace cjXXXX-vm-web a VM: one interface, eth0, whose other end is a tap of a hypervisor
//	namespace cjXXXX-out-x  an outside host: eth0 plugged into the fabric
//
//	 vm-web        hv1                                  net                        hv2        vm-db
//	┌──────┐  ┌───────────────────────┐   ┌──────────────────────────────┐   ┌────────────┐  ┌──────┐
//	│ eth0 ┼──┼ web ─ br-int ─ uplink ┼───┼ hv1 ── fabric (trunks) ── hv2┼───┼ uplink ─ … ┼──┼ eth0 │
//	└──────┘  │          mgmt0        ┼───┼ hv1m ─ mgmt (10.255.0.0/24) ─┼───┼ mgmt0      │  └──────┘
//	          └───────────────────────┘   │                │             │   └────────────┘
//	                                      └────────────────┼─────────────┘
//	                                              ctl: mgmt0 10.255.0.1
//
// The prefix cjXXXX is random, so labs run side by side, even with the same names and addresses
// in them. No interface is ever made in the namespace of the machine itself.
//
// # Life
//
// A lab belongs to the process that made it. It is closed when its test or its Run ends, also by
// failure or panic. When the owner is killed its Open vSwitch processes die with it, and what
// else is left is removed when the next lab starts, or by Reap.
//
// # Failure
//
// A lab that can't be built fails its T at once, so building one reads as a list of what there
// is. What a test is about, such as whether a packet arrives, is returned as a value.
package lab
