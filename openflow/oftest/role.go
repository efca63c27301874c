package oftest

import "conjunct/openflow"

// masterState fences controllers.
type masterState struct {
	generation uint64 // newest that was seen
	known      bool   // whether one was
}

// setRole gives a controller a role. A new master makes the old one a slave, and tells it.
func (c *channel) setRole(xid uint32, m openflow.RoleRequest) error {
	s := c.s
	switch m.Role {
	case openflow.RoleMaster, openflow.RoleSlave:
		if s.masters.known && int64(m.GenerationID-s.masters.generation) < 0 {
			return openflow.ErrRoleStale
		}
		s.masters = masterState{m.GenerationID, true}
	case openflow.RoleEqual, openflow.RoleNoChange:
	default:
		return openflow.ErrBadRole
	}
	if m.Role == openflow.RoleMaster && c.role != openflow.RoleMaster {
		for other := range s.channels {
			if other != c && other.role == openflow.RoleMaster {
				other.role = openflow.RoleSlave
				other.send(0, openflow.RoleStatus{Role: openflow.RoleSlave, GenerationID: s.masters.generation})
				s.told = append(s.told, other)
			}
		}
	}
	if m.Role != openflow.RoleNoChange {
		c.role = m.Role
	}
	generation := s.masters.generation
	if !s.masters.known {
		generation = ^uint64(0)
	}
	c.send(xid, openflow.RoleReply{Role: c.role, ShortID: m.ShortID, GenerationID: generation})
	return nil
}

// defaultAsync is what Open vSwitch sends unasked to a controller that has not said otherwise.
var defaultAsync = openflow.Async{
	PacketIn:    openflow.AsyncMasks{Master: 1<<openflow.PacketTableMiss | 1<<openflow.PacketApplyAction},
	PortStatus:  openflow.AsyncMasks{Slave: 7, Master: 7},
	FlowRemoved: openflow.AsyncMasks{Master: 0x3f},
	RoleStatus:  openflow.AsyncMasks{Slave: 7, Master: 7},
}

// asyncKind picks the masks of one kind of message.
type asyncKind func(*openflow.Async) openflow.AsyncMasks

func asyncPort(a *openflow.Async) openflow.AsyncMasks    { return a.PortStatus }
func asyncRemoved(a *openflow.Async) openflow.AsyncMasks { return a.FlowRemoved }

// tell queues a message for every controller that wants it, and returns these, to be flushed when the switch is unlocked.
func (s *Switch) tell(m openflow.Message, kind asyncKind, reason uint) []*channel {
	var told []*channel
	for c := range s.channels {
		masks := kind(&c.async)
		mask := masks.Master
		if c.role == openflow.RoleSlave {
			mask = masks.Slave
		}
		if mask&(1<<reason) != 0 && (!c.service || c.missLen != 0) {
			c.send(0, m)
			told = append(told, c)
		}
	}
	return told
}

// tellRemoved reports a flow that was deleted and asked for that.
func (s *Switch) tellRemoved(c change) {
	if c.new != nil || c.old == nil {
		return
	}
	f := c.old.stats()
	if f.Flags&openflow.FlowSendRemoved == 0 {
		return
	}
	f.Table = c.table
	f.Actions, f.Goto, f.Instructions = nil, 0, nil
	told := s.tell(openflow.FlowRemoved{Reason: openflow.RemovedDelete, Flow: f}, asyncRemoved, uint(openflow.RemovedDelete))
	s.told = append(s.told, told...)
}
