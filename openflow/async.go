package openflow

// Async is the body of SetAsync and GetAsyncReply: which messages the switch sends unasked, to a controller that is
// slave and to one that is not. Each is a bitmap of reasons (OpenFlow 1.5.1, 7.3.10). On the wire all are written; one that
// is missing, which means "as before", reads 0.
type Async struct {
	PacketIn, PortStatus, FlowRemoved, RoleStatus, TableStatus, RequestForward AsyncMasks
}

// AsyncMasks are the reasons to send one type of message, for the two kinds of roles.
type AsyncMasks struct {
	Slave, Master uint32
}

// GetAsyncRequest asks for a GetAsyncReply.
type GetAsyncRequest struct{}

// GetAsyncReply tells what the switch sends unasked.
type GetAsyncReply Async

// SetAsync changes what the switch sends unasked on this connection.
type SetAsync Async

// Type returns TypeGetAsyncRequest.
func (GetAsyncRequest) Type() MsgType { return TypeGetAsyncRequest }

// Type returns TypeGetAsyncReply.
func (GetAsyncReply) Type() MsgType { return TypeGetAsyncReply }

// Type returns TypeSetAsync.
func (SetAsync) Type() MsgType { return TypeSetAsync }

func (m GetAsyncRequest) appendBody(b []byte, _ uint32) ([]byte, error) { return b, nil }

// masks returns the bitmaps in the order of their property types: 0 is PacketIn for a slave, 1 for a master, and so on.
func (m *Async) masks() [12]*uint32 {
	var t [12]*uint32
	for i, p := range [...]*AsyncMasks{&m.PacketIn, &m.PortStatus, &m.FlowRemoved, &m.RoleStatus, &m.TableStatus, &m.RequestForward} {
		t[2*i], t[2*i+1] = &p.Slave, &p.Master
	}
	return t
}

func (m SetAsync) appendBody(b []byte, _ uint32) ([]byte, error) {
	a := Async(m)
	for kind, mask := range a.masks() {
		b = put32(put16(put16(b, uint16(kind)), 8), *mask)
	}
	return b, nil
}

func (m GetAsyncReply) appendBody(b []byte, xid uint32) ([]byte, error) {
	return SetAsync(m).appendBody(b, xid)
}

func decodeAsync(r *reader) (m Async) {
	masks := m.masks()
	for r.more() {
		kind, n := int(r.u16("async property")), int(r.u16("async property"))
		p := r.sub(n-4, "async property")
		if kind < len(masks) {
			*masks[kind] = p.u32("async mask")
		} else {
			p.b = nil
		}
		r.join(&p, "async property")
		r.bytes(min(-n&7, len(r.b)), "async padding")
	}
	return m
}
