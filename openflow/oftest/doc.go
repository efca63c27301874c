// Package oftest is a switch that one can look inside: flow tables, packets that go through them as package ofeval says, and
// OpenFlow 1.5 on the wire. No root, no kernel, no clock.
//
//	s := oftest.NewSwitch(oftest.Config{DatapathID: 1})
//	s.AddPorts(1, 2)
//	err := s.Load(flowFile)                                  // or over the wire: nc := s.Dial()
//	j := s.Inject(1, ofeval.TCP(client, server, ofeval.SYN))
//	j.Ports()  // where it went
//	j          // prints the tables it went through
//
// Flows don't time out.
//
// A Switch is small, so that a thousand run in one process: flows are kept in encoded form that switches share, about 100
// bytes a flow and switch beyond that, and what a lookup needs is built for a table at the first lookup in it. A connection
// is one goroutine.
package oftest
