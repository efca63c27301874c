package openflow

import (
	"hash/maphash"
	"sync"
)

// FlowSum stands for a set of flows, whatever their order: two sets with one sum are the same set, but for a chance of
// about 2⁻¹²⁸. Cookie, timeouts, flags and what a flow does count; its counters do not. The zero FlowSum is the empty set.
// Sums of different hashers have nothing to do with each other.
type FlowSum struct {
	Flows int
	a, b  uint64
}

// FlowHasher makes sums. It is safe for concurrent use.
type FlowHasher struct {
	a, b  maphash.Seed
	rooms sync.Pool // of *[]byte, to write images in
}

// NewFlowHasher returns a hasher that nobody can foresee.
func NewFlowHasher() *FlowHasher {
	return &FlowHasher{a: maphash.MakeSeed(), b: maphash.MakeSeed(), rooms: sync.Pool{New: func() any { return new([]byte) }}}
}

// Add puts a flow that the set has not into it, Remove takes one out that it has.
func (h *FlowHasher) Add(s *FlowSum, f *Flow) {
	a, b := h.hash(f)
	s.Flows, s.a, s.b = s.Flows+1, s.a+a, s.b+b
}

// Remove is the opposite of Add.
func (h *FlowHasher) Remove(s *FlowSum, f *Flow) {
	a, b := h.hash(f)
	s.Flows, s.a, s.b = s.Flows-1, s.a-a, s.b-b
}

func (h *FlowHasher) hash(f *Flow) (a, b uint64) {
	room := h.rooms.Get().(*[]byte)
	defer h.rooms.Put(room)
	*room = f.appendImage((*room)[:0])
	return maphash.Bytes(h.a, *room), maphash.Bytes(h.b, *room)
}

// AddReply puts the flows of a part of an answer to a FlowDescRequest into the set. body is the message after its header. Nothing
// of it is decoded: a switch that writes a flow in other bytes than this package does, though it means the same, gives another sum.
// more says that another part follows.
func (h *FlowHasher) AddReply(s *FlowSum, body []byte) (more bool, err error) {
	var room [512]byte
	return eachRecord(body, func(f *reader) {
		image := appendRecordImage(room[:0], f)
		if f.err == nil {
			s.Flows, s.a, s.b = s.Flows+1, s.a+maphash.Bytes(h.a, image), s.b+maphash.Bytes(h.b, image)
		}
	})
}

// appendImage writes everything that two equal flows have in common, in the order of an ofp_flow_desc structure.
func (f *Flow) appendImage(b []byte) []byte {
	b = put16(append(b, f.Table), f.Priority)
	b = put16(put16(put16(put16(b, f.IdleTimeout), f.HardTimeout), uint16(f.Flags)), f.Importance)
	b = put16(put64(b, f.Cookie), uint16(len(f.Match.oxm)))
	return f.appendInstructions(append(b, f.Match.oxm...))
}

// appendRecordImage is appendImage for an ofp_flow_desc structure, of which r is what follows the length. It reads all of r.
func appendRecordImage(b []byte, r *reader) []byte {
	r.skip(2, "flow padding")
	b = append(b, r.u8("table"))
	r.skip(1, "flow padding")
	b = append(b, r.bytes(18, "flow")...) // priority, timeouts, flags, importance, cookie
	if kind := r.u16("match type"); r.err == nil && kind != 1 {
		r.fail(ErrBadMatchType, "match type")
	}
	n := int(r.u16("match length"))
	b = append(put16(b, uint16(n-4)), r.bytes(n-4, "match")...)
	r.skip(-n&7, "match padding")
	r.skip(2, "stats reserved")
	n = int(r.u16("stats length"))
	r.skip(n-4, "stats")
	r.skip(-n&7, "stats padding")
	return append(b, r.bytes(len(r.b), "instructions")...)
}
