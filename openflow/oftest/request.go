package oftest

import (
	"fmt"

	"conjunct/openflow"
)

// do carries out a message; the switch is locked. again is false when the connection is to end.
func (c *channel) do(xid uint32, m openflow.Message) (again bool, err error) {
	s := c.s
	switch m := m.(type) {
	case openflow.Hello:
		if (openflow.Hello{Versions: s.config.Versions}).Common(m) == 0 {
			c.send(xid, openflow.Error{Code: openflow.ErrHelloIncompatible, Data: []byte("no common version")})
			return false, nil
		}
	case openflow.EchoRequest:
		c.send(xid, openflow.EchoReply(m))
	case openflow.FeaturesRequest:
		c.send(xid, openflow.FeaturesReply{DatapathID: s.config.DatapathID, Tables: numTables, Capabilities: capabilities})
	case openflow.GetConfigRequest:
		c.send(xid, openflow.GetConfigReply{Frags: s.frags, MissSendLen: c.missLen})
	case openflow.SetConfig:
		if c.missLen = m.MissSendLen; c.service || c.role != openflow.RoleSlave {
			s.frags = m.Frags
		}
	case openflow.FlowMod:
		return true, c.flowMod(m)
	case openflow.BarrierRequest:
		if !s.faults.losesBarrier() {
			c.send(xid, openflow.BarrierReply{})
		}
	case openflow.RoleRequest:
		return true, c.setRole(xid, m)
	case openflow.SetAsync:
		if c.async = openflow.Async(m); c.service && c.missLen == 0 {
			c.missLen = missSendLen
		}
	case openflow.GetAsyncRequest:
		c.send(xid, openflow.GetAsyncReply(c.async))
	case openflow.BundleControl:
		return c.bundleControl(xid, m)
	case openflow.BundleAdd:
		return true, c.bundleAdd(xid, m)
	case openflow.CTFlushZone:
		s.datapath.FlushZone(m.Zone)
	case openflow.FlowDescRequest:
		c.describeFlows(xid, m)
	case openflow.AggregateRequest:
		c.aggregate(xid, m)
	case openflow.PortDescRequest:
		c.describePorts(xid, m)
	case openflow.DescRequest:
		c.send(xid, openflow.DescReply{Manufacturer: "Conjunct", Software: "oftest", Datapath: fmt.Sprintf("%016x", s.config.DatapathID)})
	case openflow.EchoReply, openflow.Error:
	default:
		return true, openflow.ErrBadType
	}
	return true, nil
}

// capabilities: flow, table and port statistics, and IP reassembly of no kind (OFPC_*).
const capabilities = 1<<0 | 1<<1 | 1<<2

// flowMod carries out a flow mod outside of a bundle.
func (c *channel) flowMod(m openflow.FlowMod) error {
	if c.role == openflow.RoleSlave {
		return openflow.ErrIsSlave
	}
	if c.s.faults.refuses(&m) {
		return c.s.faults.RefuseWith
	}
	_, err := c.s.carryOut([]openflow.FlowMod{m})
	return err
}

func (c *channel) aggregate(xid uint32, m openflow.AggregateRequest) {
	var sum openflow.AggregateReply
	for _, l := range c.s.filtered(openflow.FlowFilter(m)) {
		sum.Flows++
		sum.Packets += l.entry.packets
	}
	c.send(xid, sum)
}

// describePorts answers in parts of maxPortsPart.
func (c *channel) describePorts(xid uint32, m openflow.PortDescRequest) {
	const maxPortsPart = 500
	var ports []openflow.PortDesc
	for _, p := range c.s.portDescs() {
		if m.Port == 0 || m.Port == p.Port {
			ports = append(ports, p)
		}
	}
	for len(ports) > maxPortsPart {
		c.send(xid, openflow.PortDescReply{More: true, Ports: ports[:maxPortsPart]})
		ports = ports[maxPortsPart:]
	}
	c.send(xid, openflow.PortDescReply{Ports: ports})
}
