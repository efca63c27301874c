package openflow

// nxtCTFlushZone is the Nicira message that empties a zone (include/openvswitch/ofp-msgs.h, NXT_CT_FLUSH_ZONE).
const nxtCTFlushZone = 29

// CTFlushZone forgets all connections of a zone. There is no reply.
type CTFlushZone struct {
	Zone uint16
}

// RawExperimenter is an experimenter message that this package does not know.
type RawExperimenter struct {
	Experimenter, Kind uint32
	Body               []byte
}

// Type returns TypeExperimenter.
func (CTFlushZone) Type() MsgType { return TypeExperimenter }

// Type returns TypeExperimenter.
func (RawExperimenter) Type() MsgType { return TypeExperimenter }

func (m CTFlushZone) appendBody(b []byte, _ uint32) ([]byte, error) {
	return put16(zeros(put32(put32(b, niciraID), nxtCTFlushZone), 6), m.Zone), nil
}

func (m RawExperimenter) appendBody(b []byte, _ uint32) ([]byte, error) {
	return append(put32(put32(b, m.Experimenter), m.Kind), m.Body...), nil
}

func decodeExperimenter(r *reader) Message {
	id, kind := r.u32("experimenter"), r.u32("experimenter type")
	if id != niciraID || kind != nxtCTFlushZone {
		return RawExperimenter{id, kind, r.rest()}
	}
	r.skip(6, "zone padding")
	return CTFlushZone{r.u16("zone")}
}
