package openflow

// RoleKind is what a controller is to a switch (OFPCR_ROLE_*).
type RoleKind uint32

// The roles.
const (
	RoleNoChange RoleKind = 0 // asks, or answers, without a change
	RoleEqual    RoleKind = 1
	RoleMaster   RoleKind = 2 // only one controller has it; it takes it from another one
	RoleSlave    RoleKind = 3 // reads only, hears of ports only
)

// Role is the body of RoleRequest and RoleReply (OpenFlow 1.5.1, 7.3.8).
type Role struct {
	Role    RoleKind
	ShortID uint16 // of the controller; 0xffff: none
	// GenerationID fences: a request for RoleMaster or RoleSlave with one that is older, seen as a signed difference, than
	// the newest that the switch has seen fails with ErrRoleStale.
	GenerationID uint64
}

// RoleRequest asks for a role.
type RoleRequest Role

// RoleReply confirms a role.
type RoleReply Role

// RoleStatus tells a controller that the switch has changed its role.
type RoleStatus struct {
	Role         RoleKind
	Reason       uint8 // 0: another controller asked to be master, 1: the switch's configuration, 2: experimenter
	GenerationID uint64
}

// Type returns TypeRoleRequest.
func (RoleRequest) Type() MsgType { return TypeRoleRequest }

// Type returns TypeRoleReply.
func (RoleReply) Type() MsgType { return TypeRoleReply }

// Type returns TypeRoleStatus.
func (RoleStatus) Type() MsgType { return TypeRoleStatus }

func (m RoleRequest) appendBody(b []byte, _ uint32) ([]byte, error) {
	return put64(zeros(put16(put32(b, uint32(m.Role)), m.ShortID), 2), m.GenerationID), nil
}

func (m RoleReply) appendBody(b []byte, xid uint32) ([]byte, error) {
	return RoleRequest(m).appendBody(b, xid)
}

func decodeRole(r *reader) Role {
	m := Role{Role: RoleKind(r.u32("role")), ShortID: r.u16("short id")}
	r.skip(2, "role padding")
	m.GenerationID = r.u64("generation id")
	return m
}

func (m RoleStatus) appendBody(b []byte, _ uint32) ([]byte, error) {
	return put64(zeros(append(put32(b, uint32(m.Role)), m.Reason), 3), m.GenerationID), nil
}

func decodeRoleStatus(r *reader) Message {
	m := RoleStatus{Role: RoleKind(r.u32("role")), Reason: r.u8("role reason")}
	r.skip(3, "role padding")
	m.GenerationID = r.u64("generation id")
	r.rest() // properties: experimenters only
	return m
}
