package openflow

import "strconv"

// FlowCommand is what a FlowMod does (OFPFC_*).
type FlowCommand uint8

// The commands. The strict ones, and FlowAdd, are about the one flow of this table, priority and match; the others about every
// flow whose match lies within the given one, in any priority.
const (
	FlowAdd          FlowCommand = 0
	FlowModify       FlowCommand = 1
	FlowModifyStrict FlowCommand = 2
	FlowDelete       FlowCommand = 3
	FlowDeleteStrict FlowCommand = 4
)

// AllTables in a FlowMod that deletes, and in a FlowDescRequest, is every table.
const AllTables = 0xff

// FlowMod changes the flow tables (OpenFlow 1.5.1, 7.3.4.2).
type FlowMod struct {
	Command FlowCommand
	// Flow.Cookie is what the flow gets (add, modify), or what is looked for under CookieMask (delete; modify when CookieMask is not 0).
	Flow       Flow
	CookieMask uint64
	OutPort    Port // only flows with an Output to it are deleted; 0: all
}

const (
	noBuffer = 0xffffffff
	anyGroup = 0xffffffff
)

// Type returns TypeFlowMod.
func (FlowMod) Type() MsgType { return TypeFlowMod }

func (m FlowMod) appendBody(b []byte, _ uint32) ([]byte, error) {
	f := &m.Flow
	b = append(put64(put64(b, f.Cookie), m.CookieMask), f.Table, byte(m.Command))
	b = put16(put16(put16(b, f.IdleTimeout), f.HardTimeout), f.Priority)
	b = put32(put32(put32(b, noBuffer), uint32(anyIfZero(m.OutPort))), anyGroup)
	b = put16(put16(b, uint16(f.Flags)), f.Importance)
	b = appendMatch(b, f.Match)
	return f.appendInstructions(b), nil
}

func decodeFlowMod(r *reader) Message {
	var m FlowMod
	f := &m.Flow
	f.Cookie, m.CookieMask = r.u64("cookie"), r.u64("cookie mask")
	f.Table, m.Command = r.u8("table"), FlowCommand(r.u8("command"))
	if m.Command > FlowDeleteStrict {
		r.fail(ErrBadCommand, "command")
	}
	f.IdleTimeout, f.HardTimeout, f.Priority = r.u16("idle timeout"), r.u16("hard timeout"), r.u16("priority")
	r.u32("buffer")
	m.OutPort = zeroIfAny(Port(r.u32("out_port")))
	if group := r.u32("out_group"); r.err == nil && group != anyGroup {
		r.fail(ErrBadActionArg, "out_group")
	}
	f.Flags, f.Importance = FlowFlags(r.u16("flags")), r.u16("importance")
	f.Match = decodeMatch(r)
	f.decodeInstructions(r)
	return m
}

var commandNames = [...]string{"add", "modify", "modify_strict", "delete", "delete_strict"}

// String returns the change in words: "add table=1, ip actions=drop".
func (m FlowMod) String() string {
	b := append([]byte(nil), "command "...)
	if int(m.Command) < len(commandNames) {
		b = append(append(b[:0], commandNames[m.Command]...), ' ')
	} else {
		b = append(strconv.AppendUint(b, uint64(m.Command), 10), ' ')
	}
	if m.CookieMask != 0 {
		b = append(strconv.AppendUint(append(b, "cookie_mask=0x"...), m.CookieMask, 16), ", "...)
	}
	if m.OutPort != 0 {
		b = append(m.OutPort.append(append(b, "out_port="...)), ", "...)
	}
	return string(m.Flow.append(b, nil))
}

func anyIfZero(p Port) Port {
	if p == 0 {
		return PortAny
	}
	return p
}

func zeroIfAny(p Port) Port {
	if p == PortAny {
		return 0
	}
	return p
}
