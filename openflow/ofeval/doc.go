// Package ofeval says what Open vSwitch does with a packet, given flows: the lookup of its classifier with conjunctions, the passes
// through the tables with registers and resubmits, and connection tracking of its userspace datapath. No switch, no clock.
//
//	b := ofeval.NewBridge(slices.Values(flows), 1, 2)         // flows, such as a dump's, and ports
//	j := b.Inject(1, ofeval.TCP(client, server, ofeval.SYN))
//	j.Ports()  // where it went
//	j.Steps    // the tables it went through, the flow in each, and the components of conjunctions
//
// A pass through the tables ("translation") makes a list of datapath actions, which are then carried
// out; ct(table=N) hands the packet, with what connection tracking says about it, to a new pass.
//
//	packet -> [ pass: tables, registers ] -> output, ct, ... -> ct(table=N) -> [ pass ] -> ...
//
// What the model leaves out: MAC learning (NORMAL floods), groups, meters, NAT, ALG, sequence numbers of TCP (every segment
// has the same), time-outs of connections and fragments, minimal sizes of fragments, packets from and to the
// controller. A packet that meets an action it leaves out goes nowhere, and the Journey says why.
//
// Package oftest, a switch with an OpenFlow channel, takes its packets through this one, and its tests hold both against a real
// switch.
package ofeval
