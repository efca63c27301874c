package openflow

// BundleControlType is what a BundleControl asks or answers (OFPBCT_*). A reply is its request plus one.
type BundleControlType uint16

// The types.
const (
	BundleOpenRequest    BundleControlType = 0
	BundleOpenReply      BundleControlType = 1
	BundleCloseRequest   BundleControlType = 2
	BundleCloseReply     BundleControlType = 3
	BundleCommitRequest  BundleControlType = 4
	BundleCommitReply    BundleControlType = 5
	BundleDiscardRequest BundleControlType = 6
	BundleDiscardReply   BundleControlType = 7
)

// BundleFlags say how a bundle is carried out; every message of a bundle names the same ones.
type BundleFlags uint16

// The flags (OFPBF_*).
const (
	BundleAtomic  BundleFlags = 1 << 0 // all or nothing, and packets see all or nothing
	BundleOrdered BundleFlags = 1 << 1 // in the order of the messages
)

// BundleControl opens, closes, commits or discards a bundle (OpenFlow 1.5.1, 7.3.9.2).
type BundleControl struct {
	ID    uint32
	Kind  BundleControlType
	Flags BundleFlags
}

// BundleAdd puts a message into a bundle (OpenFlow 1.5.1, 7.3.9.6). The message has the xid of the BundleAdd.
type BundleAdd struct {
	ID      uint32
	Flags   BundleFlags
	Message Message
}

// Type returns TypeBundleControl.
func (BundleControl) Type() MsgType { return TypeBundleControl }

// Type returns TypeBundleAdd.
func (BundleAdd) Type() MsgType { return TypeBundleAdd }

func (m BundleControl) appendBody(b []byte, _ uint32) ([]byte, error) {
	return put16(put16(put32(b, m.ID), uint16(m.Kind)), uint16(m.Flags)), nil
}

// decodeBundleControl leaves out properties: there are only those of experimenters.
func decodeBundleControl(r *reader) Message {
	m := BundleControl{r.u32("bundle id"), BundleControlType(r.u16("bundle type")), BundleFlags(r.u16("bundle flags"))}
	r.rest()
	return m
}

func (m BundleAdd) appendBody(b []byte, xid uint32) ([]byte, error) {
	return Append(put16(zeros(put32(b, m.ID), 2), uint16(m.Flags)), xid, m.Message)
}

func decodeBundleAdd(xid uint32, r *reader) Message {
	m := BundleAdd{ID: r.u32("bundle id")}
	r.skip(2, "bundle padding")
	m.Flags = BundleFlags(r.u16("bundle flags"))
	if r.err != nil {
		return nil
	}
	n, err := MessageLength(r.b)
	if err != nil || n > len(r.b) {
		r.fail(ErrBundleMsgBadLen, "bundled message length")
		return nil
	}
	if MsgType(r.b[1]) == TypeBundleAdd {
		r.fail(ErrBundleMsgUnsup, "bundle in a bundle")
		return nil
	}
	inner, msg, err := Decode(r.bytes(n, "bundled message"))
	switch {
	case err != nil:
		r.err, r.b = err, nil
	case inner != xid:
		r.fail(ErrBundleMsgBadXid, "bundled message xid")
	}
	r.rest()
	m.Message = msg
	return m
}
