// Package openflow holds OpenFlow 1.5 messages, and the Open vSwitch
// extensions that security groups need, as values that encode, decode, print
// and parse. It does no I/O.
//
// The nouns, from small to large:
//
//	Field       a row of the field table: name, OXM number, width, prerequisites
//	Match       a set of (field, value, mask); equal matches are equal values
//	Action      what happens to a packet: Output, SetField, CT, Conjunction, ...
//	Flow        table, priority, cookie, match, actions, goto
//	Message     anything with an OpenFlow header: FlowMod, BundleAdd, FlowDescReply, ...
//
// Text is the syntax of ovs-ofctl. What a Flow prints is byte for byte what
// "ovs-ofctl -O OpenFlow15 dump-flows --no-names" prints for it, and what
// ParseFlow reads is what "ovs-ofctl add-flow" reads:
//
//	f, _ := openflow.ParseFlow("table=44,priority=100,ip,reg3=2 actions=conjunction(1001,1/3)")
//	b, _ := openflow.Append(nil, 7, openflow.FlowMod{Command: openflow.FlowAdd, Flow: f})
//
// On the wire:
//
//	 0      1      2             4                     8
//	+------+------+-------------+---------------------+----------
//	| 0x06 | type | length      | xid                 | body ...
//	+------+------+-------------+---------------------+----------
//
// MessageLength tells a stream reader where the next message ends, Decode reads
// one message, Append writes one. Decoding never panics and never reads past the
// message; what it does not know it keeps raw, so that a flow of somebody else
// survives a round trip and can be deleted by its own match.
//
// Sources: "OpenFlow Switch Specification 1.5.1", and of Open vSwitch
// include/openflow/{openflow-1.5,nicira-ext}.h, include/openvswitch/{meta-flow,ofp-msgs}.h.
package openflow
