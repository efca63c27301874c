package openflow

import (
	"encoding/hex"
	"strconv"
)

// This file prints actions in the syntax of ovs-ofctl.

func (a Output) String() string      { return string(a.appendText(nil)) }
func (a SetField) String() string    { return string(a.appendText(nil)) }
func (a Move) String() string        { return string(a.appendText(nil)) }
func (a Resubmit) String() string    { return string(a.appendText(nil)) }
func (a CT) String() string          { return string(a.appendText(nil)) }
func (a CTClear) String() string     { return string(a.appendText(nil)) }
func (a Conjunction) String() string { return string(a.appendText(nil)) }
func (a PushVLAN) String() string    { return string(a.appendText(nil)) }
func (a PopVLAN) String() string     { return string(a.appendText(nil)) }
func (a Group) String() string       { return string(a.appendText(nil)) }
func (a DecTTL) String() string      { return string(a.appendText(nil)) }
func (a Exit) String() string        { return string(a.appendText(nil)) }
func (a Note) String() string        { return string(a.appendText(nil)) }
func (a RawAction) String() string   { return string(a.appendText(nil)) }

func (a Output) appendText(b []byte) []byte {
	if a.Port < maxPort {
		b = append(b, "output:"...)
	}
	b = a.Port.append(b)
	if a.Port == PortController {
		b = strconv.AppendUint(append(b, ':'), uint64(a.MaxLen), 10)
	}
	return b
}

func (a SetField) appendText(b []byte) []byte {
	b = a.Field.appendValue(append(b, "set_field:"...), a.Value.And(a.Mask), a.Mask)
	return append(append(b, "->"...), a.Field.String()...)
}

func (a Move) appendText(b []byte) []byte {
	b = a.Src.append(append(b, "move:"...))
	return a.Dst.append(append(b, "->"...))
}

func (a Resubmit) appendText(b []byte) []byte {
	named := a.Port != 0 && a.Port != PortInPort
	if named && a.Table == NoTable {
		return a.Port.append(append(b, "resubmit:"...))
	}
	b = append(b, "resubmit("...)
	if named {
		b = a.Port.append(b)
	}
	b = append(b, ',')
	if a.Table != NoTable {
		b = strconv.AppendUint(b, uint64(a.Table), 10)
	}
	if a.CT {
		b = append(b, ",ct"...)
	}
	return append(b, ')')
}

func (a Conjunction) appendText(b []byte) []byte {
	b = strconv.AppendUint(append(b, "conjunction("...), uint64(a.ID), 10)
	b = strconv.AppendUint(append(b, ','), uint64(a.Clause)+1, 10)
	b = strconv.AppendUint(append(b, '/'), uint64(a.N), 10)
	return append(b, ')')
}

// ctALGs: the helpers that have a name.
var ctALGs = [...]struct {
	name string
	port uint16
}{{"ftp", 21}, {"tftp", 69}}

func (a CT) appendText(b []byte) []byte {
	b = append(b, "ct("...)
	start := len(b)
	if a.Commit {
		b = append(b, "commit,"...)
	}
	if a.Force {
		b = append(b, "force,"...)
	}
	if a.Table != NoTable {
		b = append(strconv.AppendUint(append(b, "table="...), uint64(a.Table), 10), ',')
	}
	if !a.ZoneSrc.IsZero() {
		b = append(a.ZoneSrc.append(append(b, "zone="...)), ',')
	} else if a.Zone != 0 {
		b = append(strconv.AppendUint(append(b, "zone="...), uint64(a.Zone), 10), ',')
	}
	if len(a.Exec) > 0 {
		b = append(appendActionList(append(b, "exec("...), a.Exec), "),"...)
	}
	if a.ALG != 0 {
		b = append(appendALG(append(b, "alg="...), a.ALG), ',')
	}
	if len(b) > start {
		b = b[:len(b)-1]
	}
	return append(b, ')')
}

func appendALG(b []byte, port uint16) []byte {
	for _, g := range ctALGs {
		if g.port == port {
			return append(b, g.name...)
		}
	}
	return strconv.AppendUint(b, uint64(port), 10)
}

func (a CTClear) appendText(b []byte) []byte { return append(b, "ct_clear"...) }
func (a PopVLAN) appendText(b []byte) []byte { return append(b, "pop_vlan"...) }
func (a DecTTL) appendText(b []byte) []byte  { return append(b, "dec_ttl"...) }
func (a Exit) appendText(b []byte) []byte    { return append(b, "exit"...) }

func (a PushVLAN) appendText(b []byte) []byte {
	return appendHex(append(b, "push_vlan:"...), BitsUint64(uint64(a.EtherType)))
}

func (a Group) appendText(b []byte) []byte {
	return strconv.AppendUint(append(b, "group:"...), uint64(a.ID), 10)
}

func (a Note) appendText(b []byte) []byte {
	b = append(b, "note:"...)
	for i, x := range a.Data {
		if i > 0 {
			b = append(b, '.')
		}
		b = append(b, hexDigits[x>>4], hexDigits[x&15])
	}
	return b
}

// A raw action has no text in ovs-ofctl; raw(HEX) is ours, and ParseFlow reads it.
func (a RawAction) appendText(b []byte) []byte {
	return append(hex.AppendEncode(append(b, "raw("...), a.Wire), ')')
}

func appendActionList(b []byte, actions []Action) []byte {
	for i, a := range actions {
		if i > 0 {
			b = append(b, ',')
		}
		b = a.appendText(b)
	}
	return b
}
