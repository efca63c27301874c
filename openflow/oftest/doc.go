// Package oftest is a switch that one can look inside: flow tables, the lookup of
// Open vSwitch with its conjunctions, connection tracking of its userspace
// datapath, and OpenFlow 1.5 on the wire. No root, no kernel, no clock.
//
//	s := oftest.NewSwitch(oftest.Config{DatapathID: 1})
//	s.AddPorts(1, 2)
//	err := s.Load(flowFile)                                  // or over the wire: nc := s.Dial()
//	j := s.Inject(1, oftest.TCP(client, server, openflow.TCPFlagSYN))
//	j.Ports()  // where it went
//	j          // prints the tables it went through
//
// What happens to a packet is what happens in Open vSwitch: a pass through the
// tables ("translation") makes a list of datapath actions, which are then carried
// out; ct(table=N) hands the packet, with what connection tracking says about it, to a new pass.
//
//	packet -> [ pass: tables, registers ] -> output, ct, ... -> ct(table=N) -> [ pass ] -> ...
//
// What the model leaves out: MAC learning (NORMAL floods), groups, meters, NAT, ALG, sequence numbers of TCP (every segment
// has the same), time-outs of connections, flows and fragments, minimal sizes of fragments, packets from and to the
// controller. A packet that meets an action it leaves out goes nowhere, and the Journey says why.
//
// A Switch is small, so that a thousand run in one process: flows are kept in encoded form that switches share, about 100
// bytes a flow and switch beyond that, and what a lookup needs is built for a table at the first lookup in it. A connection
// is one goroutine.
package oftest
