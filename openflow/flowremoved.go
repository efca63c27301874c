package openflow

// RemovedReason is why a flow went (OFPRR_*).
type RemovedReason uint8

// The reasons.
const (
	RemovedIdle        RemovedReason = 0
	RemovedHard        RemovedReason = 1
	RemovedDelete      RemovedReason = 2
	RemovedGroupDelete RemovedReason = 3
	RemovedMeterDelete RemovedReason = 4
	RemovedEviction    RemovedReason = 5
)

// FlowRemoved tells that a flow with FlowSendRemoved went (OpenFlow 1.5.1, 7.4.2). Of the flow it has table, priority,
// match, cookie, timeouts and counts.
type FlowRemoved struct {
	Reason RemovedReason
	Flow   FlowStats
}

// Type returns TypeFlowRemoved.
func (FlowRemoved) Type() MsgType { return TypeFlowRemoved }

func (m FlowRemoved) appendBody(b []byte, _ uint32) ([]byte, error) {
	f := &m.Flow
	b = put16(append(b, f.Table, byte(m.Reason)), f.Priority)
	b = put64(put16(put16(b, f.IdleTimeout), f.HardTimeout), f.Cookie)
	b = appendMatch(b, f.Match)
	return appendStats(b, &counters{duration: f.Duration, packets: f.Packets, bytes: f.Bytes}, removedCounts[:]), nil
}

func decodeFlowRemoved(r *reader) Message {
	var m FlowRemoved
	f := &m.Flow
	f.Table, m.Reason, f.Priority = r.u8("table"), RemovedReason(r.u8("reason")), r.u16("priority")
	f.IdleTimeout, f.HardTimeout, f.Cookie = r.u16("idle timeout"), r.u16("hard timeout"), r.u64("cookie")
	f.Match = decodeMatch(r)
	c := decodeStats(r)
	f.Duration, f.IdleAge, f.Packets, f.Bytes = c.duration, c.idle, c.packets, c.bytes
	return m
}
