package openflow

import "bytes"

// DescRequest asks what the switch is.
type DescRequest struct{}

// DescReply says what the switch is (OpenFlow 1.5.1, 7.3.5.1).
type DescReply struct {
	Manufacturer, Hardware, Software string // at most 255 bytes each
	Serial                           string // at most 31 bytes
	Datapath                         string // at most 255 bytes
}

// Type returns TypeMultipartRequest.
func (DescRequest) Type() MsgType { return TypeMultipartRequest }

// Type returns TypeMultipartReply.
func (DescReply) Type() MsgType { return TypeMultipartReply }

func (m DescRequest) appendBody(b []byte, _ uint32) ([]byte, error) {
	return multipartHeader(b, multipartDesc, false), nil
}

func (m DescReply) appendBody(b []byte, _ uint32) ([]byte, error) {
	b = multipartHeader(b, multipartDesc, false)
	b = appendFixed(b, m.Manufacturer, 256)
	b = appendFixed(b, m.Hardware, 256)
	b = appendFixed(b, m.Software, 256)
	b = appendFixed(b, m.Serial, 32)
	return appendFixed(b, m.Datapath, 256), nil
}

func decodeDescReply(r *reader) Message {
	return DescReply{
		Manufacturer: fixed(r, 256), Hardware: fixed(r, 256), Software: fixed(r, 256),
		Serial: fixed(r, 32), Datapath: fixed(r, 256),
	}
}

// appendFixed writes s into n bytes, cut so that a zero ends it.
func appendFixed(b []byte, s string, n int) []byte {
	s = s[:min(len(s), n-1)]
	b = append(b, s...)
	return append(b, make([]byte, n-len(s))...)
}

// fixed reads a text in n bytes.
func fixed(r *reader, n int) string {
	p := r.bytes(n, "description")
	if i := bytes.IndexByte(p, 0); i >= 0 {
		p = p[:i]
	}
	return string(p)
}
