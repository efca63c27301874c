package openflow

// An Action is one thing that happens to a packet. The kinds are Output,
// SetField, Move, Resubmit, CT, CTClear, Conjunction, PushVLAN, PopVLAN, Group,
// Note, DecTTL, Exit and RawAction. All are values.
type Action interface {
	// String returns the action in the syntax of ovs-ofctl.
	String() string

	appendWire(b []byte) []byte
	appendText(b []byte) []byte
}

// NoTable in Resubmit and CT says that no table is named.
const NoTable = 0xff

// Output sends the packet to a port.
type Output struct {
	Port Port
	// MaxLen is how many bytes of the packet a controller gets; 0xffff is all of it. It is 0 for other ports.
	MaxLen uint16
}

// SetField writes the bits of Field under Mask. A full mask writes the whole field.
type SetField struct {
	Field       Field
	Value, Mask Bits
}

// Set returns the action that writes v to the whole of f. It panics when v is wider than f.
func Set(f Field, v uint64) SetField {
	m := Exact(f, v)
	return SetField{f, m.Value, m.Mask}
}

// SetBits returns the action that writes v to the whole of f. It panics when v is wider than f.
func SetBits(f Field, v Bits) SetField {
	m := ExactBits(f, v)
	return SetField{f, m.Value, m.Mask}
}

// SetMasked returns the action that writes the bits of v under mask. It panics when v or mask is wider than f.
func SetMasked(f Field, v, mask uint64) SetField {
	m := Masked(f, v, mask)
	return SetField{f, m.Value, m.Mask}
}

// Move copies the bits of Src to Dst, which has as many.
type Move struct {
	Src, Dst Subfield
}

// Resubmit looks the packet up in another table and comes back.
type Resubmit struct {
	Port  Port  // PortInPort, or 0 which means the same: the port that the packet came in by
	Table uint8 // NoTable: the table of this flow
	CT    bool  // match the original tuple in place of the packet's (NXAST_RESUBMIT_TABLE_CT)
}

// CT sends the packet through connection tracking (NXAST_CT).
type CT struct {
	Commit, Force bool
	Zone          uint16   // when ZoneSrc is none
	ZoneSrc       Subfield // where to read the zone from; the zero Subfield is none
	Table         uint8    // where the tracked packet goes on; NoTable: nowhere
	ALG           uint16   // port of a protocol with a helper, 21 for FTP; 0: none
	Exec          []Action // SetField and Move on CTMark and CTLabel; NAT as RawAction
}

// CTClear forgets what connection tracking said about the packet.
type CTClear struct{}

// Conjunction says that the flow is one clause of a conjunction (ovs-actions(7)).
type Conjunction struct {
	ID     uint32
	Clause uint8 // from 0; it prints from 1
	N      uint8 // how many clauses there are: 2 to 64
}

// PushVLAN adds a VLAN tag.
type PushVLAN struct {
	EtherType uint16 // 0x8100 or 0x88a8
}

// PopVLAN removes the outermost VLAN tag.
type PopVLAN struct{}

// Group hands the packet to a group.
type Group struct {
	ID uint32
}

// DecTTL decrements the time to live and drops the packet when that runs out.
type DecTTL struct{}

// Exit ends the actions of this packet, also those of the flows that resubmitted to this one.
type Exit struct{}

// Note carries bytes that mean nothing to the switch.
type Note struct {
	// Data is padded with zeros on the wire, and read back with them: to 6 bytes, then to 8 more each.
	Data []byte
}

// RawAction is an action that this package does not know, whole, header included.
type RawAction struct {
	Wire []byte
}
