package openflow

import "fmt"

// Error is an error message (OpenFlow 1.5.1, 7.5.4). It is a Go error; its xid is that of the message that it is about.
type Error struct {
	Code ErrorCode
	// Data is the beginning of the offending message, at least 64 bytes if it has as many; for ErrHelloIncompatible it is a text.
	Data []byte
}

// Type returns TypeError.
func (Error) Type() MsgType { return TypeError }

// Error returns the code's name and what was refused.
func (m Error) Error() string {
	if m.Code.Type() == 0 {
		return fmt.Sprintf("%s: %s", m.Code.Error(), m.Data)
	}
	if h, err := ParseHeader(m.Data); err == nil {
		return fmt.Sprintf("%s, about message type %d xid %d", m.Code.Error(), h.Type, h.Xid)
	}
	return m.Code.Error()
}

// Unwrap returns the code.
func (m Error) Unwrap() error { return m.Code }

func (m Error) appendBody(b []byte, _ uint32) ([]byte, error) {
	b = put16(put16(b, m.Code.Type()), m.Code.Code())
	if m.Code.Type() == 0xffff {
		b = put32(b, niciraID)
	}
	return append(b, m.Data...), nil
}

// decodeError leaves the errors of other experimenters than Nicira raw: their codes mean something else.
func decodeError(r *reader) Message {
	whole := r.b
	m := Error{Code: MakeErrorCode(r.u16("error type"), r.u16("error code"))}
	if m.Code.Type() == 0xffff {
		if id := r.u32("error experimenter"); r.err == nil && id != niciraID {
			r.b = whole
			return Raw{TypeError, r.rest()}
		}
	}
	m.Data = r.rest()
	return m
}
