package openflow

// Multipart types (OpenFlow 1.5.1, 7.3.5; OFPMP_*).
const (
	multipartDesc      = 0
	multipartFlowDesc  = 1
	multipartAggregate = 2
	multipartPortDesc  = 13
)

// multipartMore is the flag of a reply, or of a request, that another part follows.
const multipartMore = 1

// multipartHeader begins the body of a multipart message.
func multipartHeader(b []byte, kind uint16, more bool) []byte {
	var flags uint16
	if more {
		flags = multipartMore
	}
	return zeros(put16(put16(b, kind), flags), 4)
}

// RawMultipart is a multipart message of a kind that this package does not know.
type RawMultipart struct {
	Reply bool
	Kind  uint16
	More  bool
	Body  []byte // after the multipart header
}

// Type returns TypeMultipartRequest or TypeMultipartReply.
func (m RawMultipart) Type() MsgType {
	if m.Reply {
		return TypeMultipartReply
	}
	return TypeMultipartRequest
}

func (m RawMultipart) appendBody(b []byte, _ uint32) ([]byte, error) {
	return append(multipartHeader(b, m.Kind, m.More), m.Body...), nil
}

func decodeMultipartRequest(r *reader) Message {
	kind, more := r.u16("multipart type"), r.u16("multipart flags")&multipartMore != 0
	r.skip(4, "multipart padding")
	if !more {
		switch kind {
		case multipartDesc:
			return DescRequest{}
		case multipartFlowDesc:
			return FlowDescRequest(decodeFlowFilter(r))
		case multipartAggregate:
			return AggregateRequest(decodeFlowFilter(r))
		case multipartPortDesc:
			return decodePortDescRequest(r)
		}
	}
	return RawMultipart{Kind: kind, More: more, Body: r.rest()}
}

func decodeMultipartReply(r *reader) Message {
	kind, more := r.u16("multipart type"), r.u16("multipart flags")&multipartMore != 0
	r.skip(4, "multipart padding")
	switch kind {
	case multipartDesc:
		return decodeDescReply(r)
	case multipartFlowDesc:
		return decodeFlowDescReply(r, more)
	case multipartAggregate:
		return decodeAggregateReply(r)
	case multipartPortDesc:
		return decodePortDescReply(r, more)
	}
	return RawMultipart{Reply: true, Kind: kind, More: more, Body: r.rest()}
}
