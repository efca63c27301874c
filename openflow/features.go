package openflow

// FeaturesRequest asks who the switch is.
type FeaturesRequest struct{}

// FeaturesReply says who the switch is (OpenFlow 1.5.1, 7.3.1).
type FeaturesReply struct {
	DatapathID   uint64
	Buffers      uint32
	Tables       uint8
	AuxiliaryID  uint8
	Capabilities uint32
	Reserved     uint32
}

// Type returns TypeFeaturesRequest.
func (FeaturesRequest) Type() MsgType { return TypeFeaturesRequest }

// Type returns TypeFeaturesReply.
func (FeaturesReply) Type() MsgType { return TypeFeaturesReply }

func (m FeaturesRequest) appendBody(b []byte, _ uint32) ([]byte, error) { return b, nil }

func (m FeaturesReply) appendBody(b []byte, _ uint32) ([]byte, error) {
	b = append(put32(put64(b, m.DatapathID), m.Buffers), m.Tables, m.AuxiliaryID)
	return put32(put32(zeros(b, 2), m.Capabilities), m.Reserved), nil
}

func decodeFeaturesReply(r *reader) Message {
	m := FeaturesReply{DatapathID: r.u64("datapath id"), Buffers: r.u32("buffers"), Tables: r.u8("tables"), AuxiliaryID: r.u8("auxiliary id")}
	r.skip(2, "features padding")
	m.Capabilities, m.Reserved = r.u32("capabilities"), r.u32("features reserved")
	return m
}
