package ofconn

import (
	"context"

	"conjunct/openflow"
)

// Barrier returns nil when the switch has done everything that was sent before.
func (c *Conn) Barrier(ctx context.Context) error {
	_, err := as[openflow.BarrierReply](ctx, c, openflow.BarrierRequest{})
	return err
}

// defaultMissSendLen is what Open vSwitch has when nobody has set it (OFP_DEFAULT_MISS_SEND_LEN).
const defaultMissSendLen = 128

// SetConfig sets how the switch treats fragments, and how much of a packet it sends on a table miss: 128 bytes for
// MissSendLen 0. An Open vSwitch that was dialled would take 0 as "send nothing unasked", not even port status
// (ofproto/connmgr.c, ofconn_receives_async_msg).
func (c *Conn) SetConfig(ctx context.Context, config openflow.SetConfig) error {
	if config.MissSendLen == 0 {
		config.MissSendLen = defaultMissSendLen
	}
	return c.Send(ctx, config)
}

// GetConfig returns what SetConfig has set.
func (c *Conn) GetConfig(ctx context.Context) (openflow.GetConfigReply, error) {
	return as[openflow.GetConfigReply](ctx, c, openflow.GetConfigRequest{})
}

// SetRole asks for a role. generation fences: the switch refuses, with openflow.ErrRoleStale, one that is older than the newest it
// has seen. For RoleEqual and RoleNoChange it counts for nothing. The reply tells the role and the newest generation.
func (c *Conn) SetRole(ctx context.Context, role openflow.RoleKind, generation uint64) (openflow.RoleReply, error) {
	return as[openflow.RoleReply](ctx, c, openflow.RoleRequest{Role: role, ShortID: 0xffff, GenerationID: generation})
}

// PortsAndRoles makes the switch send port status and role status, in every role, and nothing else unasked.
var PortsAndRoles = openflow.SetAsync{
	PortStatus: openflow.AsyncMasks{Slave: allReasons, Master: allReasons},
	RoleStatus: openflow.AsyncMasks{Slave: allReasons, Master: allReasons},
}

// PortsRolesAndRemovals is PortsAndRoles, and to a master also the flows that are removed and have openflow.FlowSendRemoved.
var PortsRolesAndRemovals = openflow.SetAsync{
	PortStatus:  PortsAndRoles.PortStatus,
	RoleStatus:  PortsAndRoles.RoleStatus,
	FlowRemoved: openflow.AsyncMasks{Master: 1<<(openflow.RemovedEviction+1) - 1},
}

// allReasons are the three reasons that a port status, and a role status, can have.
const allReasons = 1<<3 - 1

// SetAsync sets what the switch sends unasked on this connection; PortsAndRoles is what a controller needs that installs
// flows ahead.
func (c *Conn) SetAsync(ctx context.Context, async openflow.SetAsync) error {
	return c.Send(ctx, async)
}

// FlushZone makes the switch forget all connections of a conntrack zone.
func (c *Conn) FlushZone(ctx context.Context, zone uint16) error {
	return c.Send(ctx, openflow.CTFlushZone{Zone: zone})
}

// Desc returns what kind of switch this is.
func (c *Conn) Desc(ctx context.Context) (openflow.DescReply, error) {
	return as[openflow.DescReply](ctx, c, openflow.DescRequest{})
}

// Aggregate returns the number of flows under the filter, and the sums of their counters.
func (c *Conn) Aggregate(ctx context.Context, filter openflow.AggregateRequest) (openflow.AggregateReply, error) {
	return as[openflow.AggregateReply](ctx, c, filter)
}
