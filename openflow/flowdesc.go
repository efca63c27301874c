package openflow

// FlowFilter says which flows a FlowDescRequest or an AggregateRequest is about. The zero FlowFilter is every flow of table 0.
type FlowFilter struct {
	Table              uint8 // AllTables: every table
	OutPort            Port  // flows with an Output to it; 0: all
	Cookie, CookieMask uint64
	Match              Match // flows whose match lies within it
}

// FlowDescRequest asks for flows (OFPMP_FLOW_DESC). The answer is one or more FlowDescReply.
type FlowDescRequest FlowFilter

// FlowDescReply is a part of the answer (OpenFlow 1.5.1, 7.3.5.3).
type FlowDescReply struct {
	More  bool // another part follows, with the same xid
	Flows []FlowStats
}

// AggregateRequest asks for the sum over flows.
type AggregateRequest FlowFilter

// AggregateReply is the sum over flows.
type AggregateReply struct {
	Flows          uint32
	Packets, Bytes uint64
}

// Type returns TypeMultipartRequest.
func (FlowDescRequest) Type() MsgType { return TypeMultipartRequest }

// Type returns TypeMultipartReply.
func (FlowDescReply) Type() MsgType { return TypeMultipartReply }

// Type returns TypeMultipartRequest.
func (AggregateRequest) Type() MsgType { return TypeMultipartRequest }

// Type returns TypeMultipartReply.
func (AggregateReply) Type() MsgType { return TypeMultipartReply }

func (m FlowDescRequest) appendBody(b []byte, _ uint32) ([]byte, error) {
	return FlowFilter(m).append(multipartHeader(b, multipartFlowDesc, false)), nil
}

func (m AggregateRequest) appendBody(b []byte, _ uint32) ([]byte, error) {
	return FlowFilter(m).append(multipartHeader(b, multipartAggregate, false)), nil
}

func (m FlowFilter) append(b []byte) []byte {
	b = put32(put32(zeros(append(b, m.Table), 3), uint32(anyIfZero(m.OutPort))), anyGroup)
	b = put64(put64(zeros(b, 4), m.Cookie), m.CookieMask)
	return appendMatch(b, m.Match)
}

func decodeFlowFilter(r *reader) FlowFilter {
	m := FlowFilter{Table: r.u8("table")}
	r.skip(3, "flow filter padding")
	m.OutPort = zeroIfAny(Port(r.u32("out_port")))
	if group := r.u32("out_group"); r.err == nil && group != anyGroup {
		r.fail(ErrBadActionArg, "out_group")
	}
	r.skip(4, "flow filter padding")
	m.Cookie, m.CookieMask = r.u64("cookie"), r.u64("cookie mask")
	m.Match = decodeMatch(r)
	return m
}

func (m FlowDescReply) appendBody(b []byte, _ uint32) ([]byte, error) {
	b = multipartHeader(b, multipartFlowDesc, m.More)
	for i := range m.Flows {
		b = m.Flows[i].append(b)
	}
	return b, nil
}

// append writes the ofp_flow_desc structure.
func (f *FlowStats) append(b []byte) []byte {
	start := len(b)
	b = put16(append(zeros(b, 4), f.Table, 0), f.Priority)
	b = put16(put16(put16(put16(b, f.IdleTimeout), f.HardTimeout), uint16(f.Flags)), f.Importance)
	b = appendMatch(put64(b, f.Cookie), f.Match)
	b = appendStats(b, &counters{duration: f.Duration, idle: f.IdleAge, packets: f.Packets, bytes: f.Bytes}, flowCounts[:])
	b = f.appendInstructions(b)
	putLength(b, start, 0)
	return b
}

func decodeFlowDescReply(r *reader, more bool) Message {
	m := FlowDescReply{More: more}
	if n := len(r.b) / 128; n > 0 {
		m.Flows = make([]FlowStats, 0, n)
	}
	for r.more() {
		n := int(r.u16("flow length"))
		f := r.sub(n-2, "flow")
		m.Flows = append(m.Flows, decodeFlowStats(&f))
		r.join(&f, "flow")
	}
	return m
}

// eachRecord hands out what follows the length of each ofp_flow_desc structure of a part of an answer to a FlowDescRequest, to be
// read to its end. body is the message after its header.
func eachRecord(body []byte, read func(*reader)) (more bool, err error) {
	r := reader{b: body}
	kind, flags := r.u16("multipart type"), r.u16("multipart flags")
	r.skip(4, "multipart padding")
	if r.err == nil && kind != multipartFlowDesc {
		r.fail(ErrBadMultipart, "multipart type")
	}
	var f reader // One for all: it is not known that read keeps none of them.
	for r.more() {
		n := int(r.u16("flow length"))
		f = r.sub(n-2, "flow")
		read(&f)
		r.join(&f, "flow")
	}
	return flags&multipartMore != 0, r.err
}

// EachCounted decodes those flows of a part of an answer to a FlowDescRequest that have counted a packet or a byte, which of most
// flows is all that one wants to know of. The flow is valid during the call. body is the message after its header; more says that
// another part follows.
func EachCounted(body []byte, each func(*FlowStats)) (more bool, err error) {
	return eachRecord(body, func(r *reader) {
		if counted := *r; !counted.counted() && counted.err == nil {
			r.b = nil
			return
		}
		f := decodeFlowStats(r)
		if r.err == nil {
			each(&f)
		}
	})
}

// counted reads an ofp_flow_desc structure up to its statistics.
func (r *reader) counted() bool {
	r.skip(22, "flow") // padding, table, priority, timeouts, flags, importance, cookie
	r.skip(2, "match type")
	n := int(r.u16("match length"))
	r.skip(n-4, "match")
	r.skip(-n&7, "match padding")
	c := decodeStats(r)
	return c.packets != 0 || c.bytes != 0
}

// decodeFlowStats reads what follows the length of an ofp_flow_desc structure.
func decodeFlowStats(r *reader) (f FlowStats) {
	r.skip(2, "flow padding")
	f.Table = r.u8("table")
	r.skip(1, "flow padding")
	f.Priority, f.IdleTimeout, f.HardTimeout = r.u16("priority"), r.u16("idle timeout"), r.u16("hard timeout")
	f.Flags, f.Importance, f.Cookie = FlowFlags(r.u16("flags")), r.u16("importance"), r.u64("cookie")
	f.Match = decodeMatch(r)
	c := decodeStats(r)
	f.Duration, f.IdleAge, f.Packets, f.Bytes = c.duration, c.idle, c.packets, c.bytes
	f.decodeInstructions(r)
	return f
}

func (m AggregateReply) appendBody(b []byte, _ uint32) ([]byte, error) {
	b = multipartHeader(b, multipartAggregate, false)
	return appendStats(b, &counters{flows: m.Flows, packets: m.Packets, bytes: m.Bytes}, aggregateCounts[:]), nil
}

func decodeAggregateReply(r *reader) Message {
	c := decodeStats(r)
	return AggregateReply{Flows: c.flows, Packets: c.packets, Bytes: c.bytes}
}
