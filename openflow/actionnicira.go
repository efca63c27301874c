package openflow

// This file writes and reads the Nicira actions (lib/ofp-actions.c of Open vSwitch).

// struct nx_action_resubmit: in_port of 16 bits, table, three zeros.
func (a Resubmit) appendWire(b []byte) []byte {
	port := a.Port
	if port == 0 {
		port = PortInPort
	}
	subtype := uint16(nxResubmitTable)
	if a.CT {
		subtype = nxResubmitTableCT
	}
	b = niciraHeader(b, subtype, 16)
	return zeros(append(put16(b, port.to16()), a.Table), 3)
}

func decodeResubmit(r *reader, ct bool) Action {
	a := Resubmit{Port: resubmitPort(r), Table: r.u8("resubmit table"), CT: ct}
	r.skip(3, "resubmit padding")
	return a
}

func resubmitPort(r *reader) Port {
	p := portFrom16(r.u16("resubmit port"))
	if p == PortInPort {
		return 0
	}
	return p
}

func (a CTClear) appendWire(b []byte) []byte { return zeros(niciraHeader(b, nxCTClear, 16), 6) }

func (a Exit) appendWire(b []byte) []byte { return zeros(niciraHeader(b, nxExit, 16), 6) }

// struct nx_action_conjunction.
func (a Conjunction) appendWire(b []byte) []byte {
	return put32(append(niciraHeader(b, nxConjunction, 16), a.Clause, a.N), a.ID)
}

func decodeConjunction(r *reader) Action {
	a := Conjunction{Clause: r.u8("conjunction clause"), N: r.u8("conjunction clauses"), ID: r.u32("conjunction id")}
	if a.N < 2 || a.N > 64 || a.Clause >= a.N {
		r.fail(ErrBadConjunction, "conjunction clause")
	}
	return a
}

// struct nx_action_note: the note fills the action.
func (a Note) appendWire(b []byte) []byte {
	start := len(b)
	b = append(niciraHeader(b, nxNote, 0), a.Data...)
	if len(a.Data) < 6 {
		b = zeros(b, 6-len(a.Data))
	}
	b = pad8(b, len(b)-start)
	putLength(b, start, 2)
	return b
}

// Flags of struct nx_action_conntrack (NX_CT_F_*).
const (
	ctCommit = 1 << 0
	ctForce  = 1 << 1
)

// struct nx_action_conntrack:
//
//	flags 16 | zone source 32 | zone, or offset<<6 + bits-1  16 | table 8 | 0 24 | alg 16 | actions ...
func (a CT) appendWire(b []byte) []byte {
	start := len(b)
	var flags uint16
	if a.Commit {
		flags |= ctCommit
	}
	if a.Force {
		flags |= ctForce
	}
	b = put16(niciraHeader(b, nxCT, 0), flags)
	if a.ZoneSrc.IsZero() {
		b = put16(put32(b, 0), a.Zone)
	} else {
		b = put16(put32(b, uint32(a.ZoneSrc.Field.nxmHeader())), a.ZoneSrc.Ofs<<6|(a.ZoneSrc.N-1))
	}
	b = put16(zeros(append(b, a.Table), 3), a.ALG)
	b = appendActions(b, a.Exec)
	putLength(b, start, 2)
	return b
}

func decodeCT(r *reader) Action {
	flags := r.u16("ct flags")
	src := r.u32("ct zone source")
	zone := r.u16("ct zone")
	a := CT{Commit: flags&ctCommit != 0, Force: flags&ctForce != 0, Table: r.u8("ct table")}
	r.skip(3, "ct padding")
	a.ALG = r.u16("ct alg")
	if src == 0 {
		a.Zone = zone
	} else {
		f, ok := oxmHeader(src).field()
		if !ok {
			return nil
		}
		if a.ZoneSrc = (Subfield{f, zone >> 6, zone&0x3f + 1}); !a.ZoneSrc.valid() {
			r.fail(ErrBadActionArg, "ct zone bits")
		}
	}
	a.Exec = decodeActions(r)
	return a
}
