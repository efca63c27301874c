package openflow

import (
	"bytes"
	"slices"
)

// PortDesc describes a port of the switch (OpenFlow 1.5.1, 7.2.1.1).
type PortDesc struct {
	Port   Port
	MAC    [6]byte
	Name   string // of the interface, at most 15 bytes
	Config uint32 // bit 0: administratively down
	State  uint32 // bit 0: no link, bit 1: blocked, bit 2: live
	// Properties are speed and the like, as on the wire.
	Properties []byte
}

// Bits of PortDesc.Config and State (OFPPC_*, OFPPS_*).
const (
	PortConfigDown   = 1 << 0
	PortStateNoLink  = 1 << 0
	PortStateBlocked = 1 << 1
	PortStateLive    = 1 << 2
)

// PortDescRequest asks for the description of a port; 0: of all.
type PortDescRequest struct{ Port Port }

// PortDescReply is a part of the answer.
type PortDescReply struct {
	More  bool
	Ports []PortDesc
}

// PortReason is what happened to a port (OFPPR_*).
type PortReason uint8

// The reasons.
const (
	PortAdded    PortReason = 0
	PortDeleted  PortReason = 1
	PortModified PortReason = 2
)

// PortStatus tells that a port came, went or changed.
type PortStatus struct {
	Reason PortReason
	Port   PortDesc
}

// Type returns TypeMultipartRequest.
func (PortDescRequest) Type() MsgType { return TypeMultipartRequest }

// Type returns TypeMultipartReply.
func (PortDescReply) Type() MsgType { return TypeMultipartReply }

// Type returns TypePortStatus.
func (PortStatus) Type() MsgType { return TypePortStatus }

func (m PortDescRequest) appendBody(b []byte, _ uint32) ([]byte, error) {
	return zeros(put32(multipartHeader(b, multipartPortDesc, false), uint32(anyIfZero(m.Port))), 4), nil
}

func decodePortDescRequest(r *reader) Message {
	m := PortDescRequest{zeroIfAny(Port(r.u32("port")))}
	r.skip(4, "port padding")
	return m
}

func (m PortDescReply) appendBody(b []byte, _ uint32) ([]byte, error) {
	b = multipartHeader(b, multipartPortDesc, m.More)
	for i := range m.Ports {
		b = m.Ports[i].append(b)
	}
	return b, nil
}

func decodePortDescReply(r *reader, more bool) Message {
	m := PortDescReply{More: more}
	for r.more() {
		m.Ports = append(m.Ports, decodePortDesc(r))
	}
	return m
}

func (m PortStatus) appendBody(b []byte, _ uint32) ([]byte, error) {
	return m.Port.append(zeros(append(b, byte(m.Reason)), 7)), nil
}

func decodePortStatus(r *reader) Message {
	m := PortStatus{Reason: PortReason(r.u8("port reason"))}
	r.skip(7, "port status padding")
	m.Port = decodePortDesc(r)
	return m
}

// maxPortName is the room for a port's name on the wire, a zero at its end included.
const maxPortName = 16

// append writes the ofp_port structure.
func (p *PortDesc) append(b []byte) []byte {
	start := len(b)
	b = zeros(append(zeros(put32(b, uint32(p.Port)), 4), p.MAC[:]...), 2)
	var name [maxPortName]byte
	copy(name[:maxPortName-1], p.Name)
	b = put32(put32(append(b, name[:]...), p.Config), p.State)
	b = append(b, p.Properties...)
	putLength(b, start, 4)
	return b
}

func decodePortDesc(r *reader) (p PortDesc) {
	p.Port = Port(r.u32("port"))
	n := int(r.u16("port length"))
	in := r.sub(n-6, "port")
	in.skip(2, "port padding")
	copy(p.MAC[:], in.bytes(6, "port address"))
	in.skip(2, "port padding")
	name := in.bytes(maxPortName, "port name")
	if i := bytes.IndexByte(name, 0); i >= 0 {
		name = name[:i]
	}
	p.Name = string(name)
	p.Config, p.State = in.u32("port config"), in.u32("port state")
	p.Properties = in.rest()
	r.join(&in, "port")
	return p
}

// Equal reports whether p and q are the same.
func (p PortDesc) Equal(q PortDesc) bool {
	return p.Port == q.Port && p.MAC == q.MAC && p.Name == q.Name && p.Config == q.Config && p.State == q.State &&
		slices.Equal(p.Properties, q.Properties)
}
