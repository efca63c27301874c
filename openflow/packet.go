package openflow

// PacketReason is why a packet goes to a controller (OFPR_*).
type PacketReason uint8

// The reasons.
const (
	PacketTableMiss   PacketReason = 0
	PacketApplyAction PacketReason = 1
	PacketInvalidTTL  PacketReason = 2
	PacketActionSet   PacketReason = 3
	PacketGroup       PacketReason = 4
	PacketPacketOut   PacketReason = 5
)

// PacketIn is a packet that the switch hands to the controller (OpenFlow 1.5.1, 7.4.1).
type PacketIn struct {
	Reason   PacketReason
	Table    uint8
	Cookie   uint64
	TotalLen uint16 // of the packet, of which Data may be the beginning
	Match    Match  // the metadata, InPort and registers included, that the packet had
	Data     []byte
}

// PacketOut is a packet that the controller hands to the switch (OpenFlow 1.5.1, 7.3.6).
type PacketOut struct {
	Match   Match // metadata that the packet gets, InPort among it
	Actions []Action
	Data    []byte
}

// Type returns TypePacketIn.
func (PacketIn) Type() MsgType { return TypePacketIn }

// Type returns TypePacketOut.
func (PacketOut) Type() MsgType { return TypePacketOut }

func (m PacketIn) appendBody(b []byte, _ uint32) ([]byte, error) {
	b = append(put16(put32(b, noBuffer), m.TotalLen), byte(m.Reason), m.Table)
	b = appendMatch(put64(b, m.Cookie), m.Match)
	return append(zeros(b, 2), m.Data...), nil
}

func decodePacketIn(r *reader) Message {
	r.u32("buffer")
	m := PacketIn{TotalLen: r.u16("packet length"), Reason: PacketReason(r.u8("packet reason")), Table: r.u8("table"), Cookie: r.u64("cookie")}
	m.Match = decodeMatch(r)
	r.skip(2, "packet padding")
	m.Data = r.rest()
	return m
}

func (m PacketOut) appendBody(b []byte, _ uint32) ([]byte, error) {
	b = put32(b, noBuffer)
	at := len(b)
	b = appendMatch(zeros(b, 4), m.Match)
	start := len(b)
	b = appendActions(b, m.Actions)
	b[at], b[at+1] = byte((len(b)-start)>>8), byte(len(b)-start)
	return append(b, m.Data...), nil
}

func decodePacketOut(r *reader) Message {
	r.u32("buffer")
	n := int(r.u16("actions length"))
	r.skip(2, "packet padding")
	m := PacketOut{Match: decodeMatch(r)}
	actions := r.sub(n, "actions")
	m.Actions = decodeActions(&actions)
	r.join(&actions, "actions")
	m.Data = r.rest()
	return m
}
