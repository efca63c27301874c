package oftest

import (
	"encoding/binary"
	"slices"

	"conjunct/openflow"
)

// describeFlows answers in parts. Dumps are most of what a simulated fleet does, so flows are copied from the bytes that they
// are kept in, and nothing is decoded.
func (c *channel) describeFlows(xid uint32, m openflow.FlowDescRequest) {
	flows := c.s.filtered(openflow.FlowFilter(m))
	size := 0
	for _, l := range flows {
		size += len(l.entry.body.Value()) + len(noStats)
	}
	c.outMu.Lock()
	c.out = slices.Grow(c.out, size)
	c.outMu.Unlock()
	part := make([]byte, 0, min(size, openflow.MaxMessageLen))
	for _, l := range flows {
		record := len(part)
		part = l.entry.describe(part, l.table)
		if record > 0 && len(part) > c.s.config.PartSize {
			c.sendFlows(xid, true, part[:record])
			part = append(part[:0], part[record:]...)
		}
	}
	c.sendFlows(xid, false, part)
}

// sendFlows queues a part of an answer.
func (c *channel) sendFlows(xid uint32, more bool, records []byte) {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	start := len(c.out)
	b, err := openflow.Append(c.out, xid, openflow.FlowDescReply{More: more})
	if length := len(b) - start + len(records); err == nil && length <= openflow.MaxMessageLen {
		c.out = append(b, records...)
		binary.BigEndian.PutUint16(c.out[start+2:], uint16(length))
		return
	}
	c.out, _ = openflow.Append(c.out[:start], xid, openflow.Error{Code: openflow.ErrBadLen})
}

// Where an ofp_flow_mod (OpenFlow 1.5.1, 7.3.4.2) has what an ofp_flow_desc (7.3.5.2) has too.
const (
	modTimeouts = 26 // idle, hard
	modPriority = 30
	modFlags    = 44 // and importance
	modMatch    = 48
)

// noStats is the ofp_stats structure of a flow that has counted nothing: duration, idle time, packets, bytes.
var noStats = []byte{
	0, 0, 0, 52,
	0x80, 0x02, 0 << 1, 8, 0, 0, 0, 0, 0, 0, 0, 0,
	0x80, 0x02, 1 << 1, 8, 0, 0, 0, 0, 0, 0, 0, 0,
	0x80, 0x02, 4 << 1, 8, 0, 0, 0, 0, 0, 0, 0, 0,
	0x80, 0x02, 5 << 1, 8, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0,
}

// statsPackets is where noStats has the packets.
const statsPackets = 4 + 12 + 12 + 4

// describe appends the ofp_flow_desc structure.
func (e *entry) describe(b []byte, table uint8) []byte {
	mod := e.body.Value()
	match := modMatch + int(mod[modMatch+2])<<8 + int(mod[modMatch+3])
	match += -match & 7
	start := len(b)
	b = append(b, 0, 0, 0, 0, table, 0)
	b = append(b, mod[modPriority:modPriority+2]...)
	b = append(b, mod[modTimeouts:modTimeouts+4]...)
	b = append(b, mod[modFlags:modFlags+4]...)
	b = binary.BigEndian.AppendUint64(b, e.cookie)
	b = append(b, mod[modMatch:match]...)
	stats := len(b)
	b = append(b, noStats...)
	binary.BigEndian.PutUint64(b[stats+statsPackets:], e.packets)
	b = append(b, mod[match:]...)
	binary.BigEndian.PutUint16(b[start:], uint16(len(b)-start))
	return b
}
