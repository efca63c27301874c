package openflow

import (
	"encoding/binary"
	"fmt"
)

// Version is the only version of OpenFlow that this package speaks: 1.5.
const Version = 0x06

// HeaderLen is the length of the header that begins every message.
const HeaderLen = 8

// MaxMessageLen is the longest message that the header's length field can tell.
const MaxMessageLen = 0xffff

// MsgType is the type in a message's header (OpenFlow 1.5.1, 7.1.1; OFPT_*).
type MsgType uint8

// The types.
const (
	TypeHello            MsgType = 0
	TypeError            MsgType = 1
	TypeEchoRequest      MsgType = 2
	TypeEchoReply        MsgType = 3
	TypeExperimenter     MsgType = 4
	TypeFeaturesRequest  MsgType = 5
	TypeFeaturesReply    MsgType = 6
	TypeGetConfigRequest MsgType = 7
	TypeGetConfigReply   MsgType = 8
	TypeSetConfig        MsgType = 9
	TypePacketIn         MsgType = 10
	TypeFlowRemoved      MsgType = 11
	TypePortStatus       MsgType = 12
	TypePacketOut        MsgType = 13
	TypeFlowMod          MsgType = 14
	TypeMultipartRequest MsgType = 18
	TypeMultipartReply   MsgType = 19
	TypeBarrierRequest   MsgType = 20
	TypeBarrierReply     MsgType = 21
	TypeRoleRequest      MsgType = 24
	TypeRoleReply        MsgType = 25
	TypeGetAsyncRequest  MsgType = 26
	TypeGetAsyncReply    MsgType = 27
	TypeSetAsync         MsgType = 28
	TypeRoleStatus       MsgType = 30
	TypeBundleControl    MsgType = 33
	TypeBundleAdd        MsgType = 34
)

// A Message is what follows an OpenFlow header. All messages are values.
type Message interface {
	// Type returns the type for the header.
	Type() MsgType

	appendBody(b []byte, xid uint32) ([]byte, error)
}

// Header is the eight bytes before every message.
type Header struct {
	Version uint8
	Type    MsgType
	Length  uint16 // of the message, header included
	Xid     uint32 // transaction: a reply has the request's
}

// ParseHeader reads a header from the first eight bytes of b. It fails when there are fewer, or when the length
// is less than the header's own; then the stream cannot be followed any further.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderLen {
		return Header{}, &DecodeError{What: "header", Code: ErrBadLen}
	}
	h := Header{b[0], MsgType(b[1]), binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:])}
	if h.Length < HeaderLen {
		return h, &DecodeError{What: "header length", Code: ErrBadLen}
	}
	return h, nil
}

// MessageLength returns the length of the message that begins with the header in b.
func MessageLength(b []byte) (int, error) {
	h, err := ParseHeader(b)
	return int(h.Length), err
}

// Append appends m to dst as one message with the given xid. It fails, and returns dst as it was, when m is longer than
// MaxMessageLen (a flow with more than about 4,080 conjunctions is).
func Append(dst []byte, xid uint32, m Message) ([]byte, error) {
	start := len(dst)
	b, err := m.appendBody(put32(append(dst, Version, byte(m.Type()), 0, 0), xid), xid)
	if err != nil {
		return dst, err
	}
	if n := len(b) - start; n > MaxMessageLen {
		return dst, fmt.Errorf("encode %T: %d bytes, a message has at most %d", m, n, MaxMessageLen)
	}
	putLength(b, start, 2)
	return b, nil
}

// Decode reads one message; b must be exactly one. A message of an unknown type is a Raw. What it returns shares no memory with b.
// Only Hello may be of another version. The error is a *DecodeError; the xid is valid also then, if b has a header.
func Decode(b []byte) (xid uint32, m Message, err error) {
	h, err := ParseHeader(b)
	if err != nil {
		return h.Xid, nil, err
	}
	if int(h.Length) != len(b) {
		return h.Xid, nil, &DecodeError{What: "header length", Code: ErrBadLen}
	}
	if h.Version != Version && h.Type != TypeHello {
		return h.Xid, nil, &DecodeError{What: fmt.Sprintf("version %d", h.Version), Code: ErrBadVersion}
	}
	r := reader{b: b[HeaderLen:]}
	m = decodeBody(h, &r)
	if len(r.b) > 0 {
		r.fail(ErrBadLen, fmt.Sprintf("message type %d: trailing bytes", h.Type))
	}
	if r.err != nil {
		return h.Xid, nil, r.err
	}
	return h.Xid, m, nil
}

func decodeBody(h Header, r *reader) Message {
	switch h.Type {
	case TypeHello:
		return decodeHello(h, r)
	case TypeError:
		return decodeError(r)
	case TypeEchoRequest:
		return EchoRequest{r.rest()}
	case TypeEchoReply:
		return EchoReply{r.rest()}
	case TypeExperimenter:
		return decodeExperimenter(r)
	case TypeFeaturesRequest:
		return FeaturesRequest{}
	case TypeFeaturesReply:
		return decodeFeaturesReply(r)
	case TypeGetConfigRequest:
		return GetConfigRequest{}
	case TypeGetConfigReply:
		return GetConfigReply(decodeConfig(r))
	case TypeSetConfig:
		return SetConfig(decodeConfig(r))
	case TypePacketIn:
		return decodePacketIn(r)
	case TypeFlowRemoved:
		return decodeFlowRemoved(r)
	case TypePortStatus:
		return decodePortStatus(r)
	case TypePacketOut:
		return decodePacketOut(r)
	case TypeFlowMod:
		return decodeFlowMod(r)
	case TypeMultipartRequest:
		return decodeMultipartRequest(r)
	case TypeMultipartReply:
		return decodeMultipartReply(r)
	case TypeBarrierRequest:
		return BarrierRequest{}
	case TypeBarrierReply:
		return BarrierReply{}
	case TypeRoleRequest:
		return RoleRequest(decodeRole(r))
	case TypeRoleReply:
		return RoleReply(decodeRole(r))
	case TypeGetAsyncRequest:
		return GetAsyncRequest{}
	case TypeGetAsyncReply:
		return GetAsyncReply(decodeAsync(r))
	case TypeSetAsync:
		return SetAsync(decodeAsync(r))
	case TypeRoleStatus:
		return decodeRoleStatus(r)
	case TypeBundleControl:
		return decodeBundleControl(r)
	case TypeBundleAdd:
		return decodeBundleAdd(h.Xid, r)
	}
	return Raw{h.Type, r.rest()}
}

// Raw is a message of a type that this package does not know.
type Raw struct {
	MsgType MsgType
	Body    []byte // without the header
}

// Type returns the type.
func (m Raw) Type() MsgType { return m.MsgType }

func (m Raw) appendBody(b []byte, _ uint32) ([]byte, error) { return append(b, m.Body...), nil }
