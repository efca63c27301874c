package openflow

// EchoRequest asks for an EchoReply with the same data.
type EchoRequest struct{ Data []byte }

// EchoReply answers an EchoRequest.
type EchoReply struct{ Data []byte }

// BarrierRequest asks for a BarrierReply after everything before it is done.
type BarrierRequest struct{}

// BarrierReply says that everything before the BarrierRequest is done.
type BarrierReply struct{}

// Type returns TypeEchoRequest.
func (EchoRequest) Type() MsgType { return TypeEchoRequest }

// Type returns TypeEchoReply.
func (EchoReply) Type() MsgType { return TypeEchoReply }

// Type returns TypeBarrierRequest.
func (BarrierRequest) Type() MsgType { return TypeBarrierRequest }

// Type returns TypeBarrierReply.
func (BarrierReply) Type() MsgType { return TypeBarrierReply }

func (m EchoRequest) appendBody(b []byte, _ uint32) ([]byte, error)    { return append(b, m.Data...), nil }
func (m EchoReply) appendBody(b []byte, _ uint32) ([]byte, error)      { return append(b, m.Data...), nil }
func (m BarrierRequest) appendBody(b []byte, _ uint32) ([]byte, error) { return b, nil }
func (m BarrierReply) appendBody(b []byte, _ uint32) ([]byte, error)   { return b, nil }
