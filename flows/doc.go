// Package flows turns what one hypervisor needs to know into the flows of its bridge. It is pure: no clock, no network, no
// logger.
//
//	Port, Group, member and IP set changes ──► Host ──► Changes: the flow-mods that bring the bridge up to date
//	                                            └─────► All:     every flow that the bridge should hold
//
// A Host is the desired state of one bridge. It keeps ports, active rules and the classes in use; the flows themselves are a
// function of that and of the shared directories of members, produced for one unit at a time. A unit is a small
// set of flows that one thing stands behind: a port, a segment, a MAC, a rule, a component of conjunctions, an address.
// Changing something touches units: the flows of a unit are looked at before and after, and the difference is the
// change. All runs over every unit with the same code, so that what a restart computes is what the changes had led to.
//
// # The pipeline
//
//	 in_port             sender's side                        receiver's side
//	    │    ┌─────────────────────────────────┐      ┌─────────────────────────────────────┐
//	0 classify ─► 10 anti-spoof ─► 20 ct ─► 21 judge ─► 30 destination ─► 31 receiver ─► 40 ct ─► 41 judge ─► 50 output
//	    │                                  │  ▲ 26            ▲                             │  ▲ 46
//	    └ from the fabric ─────────────────┼──┼───────────────┘                             │  │
//	         60 class 22 groups 23 sets 25, 27 ordered 24 rules   60 class 42 groups 43 sets 45, 47 ordered 44 rules
//
// Every packet is judged by the rules of now. Connection tracking answers two questions only: is it a reply, and what is
// the connection's original tuple. What is not a reply is judged by the rules of its own direction; a reply by those of
// the other direction of the same port, since the connection was opened from the other end. Rules match the
// original tuple, so a packet, its reply and an ICMP error about it meet the same flows.
//
// Fragments go a longer way. In the userspace datapath they come out of connection tracking when their packet is complete, and
// before Open vSwitch 3.6 with whichever packet is there next, whosever it is and at whichever ct action. So after each one a
// fragment shows whose it is (29 and 49), and after ct(commit) (28 and 48) it is judged once more.
//
// # Rules
//
// A rule is a conjunction of at most three dimensions: the local class × the remote × the service.
//
//	local    reg3=C                     one component per class of local ports that has the rule's group
//	remote   reg8=C | reg9=C | ct_nw_…  one per class of addresses that holds the remote group or set, or one per CIDR (the own subnet: with reg6)
//	service  ct_nw_proto=6,ct_tp_dst=…  one per family and aligned block of ports
//
// Invariants (ovs-fields(7), ovs-actions(7), and seen on the switch):
//
//  1. conj_id is the rule's number: one id per rule, never used for another.
//  2. The conj_id flow and all components of a rule have one table and one priority.
//  3. Two conjunctions with the same match share a flow, with a sorted list of actions. A match stands for one dimension of
//     a rule at most, because the dimensions use disjoint fields.
//  4. A dimension that is "anything" is left out. A rule with the local dimension alone is a plain flow, above the conjunctions.
//  5. All flows of one priority in a rules table that one packet can meet have the same effect, because which of several complete ids is found depends on
//     the order of insertion.
//     (In an ordered group each run of rules with equal action has a priority of its own; reg5 keeps groups apart.)
//  6. A class number is a function of the classes in use alone (class.go), so a restart finds the same flows.
package flows
