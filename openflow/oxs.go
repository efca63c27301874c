package openflow

import "time"

// counters are what OXS fields count (OpenFlow 1.5.1, 7.2.4).
type counters struct {
	duration, idle time.Duration
	flows          uint32
	packets, bytes uint64
}

// Headers of the OXS fields: class 0x8002, field, length (OFPXST_OFB_*).
const (
	oxsDuration  = 0x8002<<16 | 0<<9 | 8
	oxsIdleTime  = 0x8002<<16 | 1<<9 | 8
	oxsFlowCount = 0x8002<<16 | 3<<9 | 4
	oxsPackets   = 0x8002<<16 | 4<<9 | 8
	oxsBytes     = 0x8002<<16 | 5<<9 | 8
)

// What Open vSwitch counts of a flow, of a flow that went, and of many flows.
var (
	flowCounts      = [...]uint32{oxsDuration, oxsIdleTime, oxsPackets, oxsBytes}
	removedCounts   = [...]uint32{oxsDuration, oxsPackets, oxsBytes}
	aggregateCounts = [...]uint32{oxsPackets, oxsBytes, oxsFlowCount}
)

// appendStats writes the ofp_stats structure with the given fields: two zeros, length without padding, OXS fields, padding.
func appendStats(b []byte, c *counters, fields []uint32) []byte {
	start := len(b)
	b = zeros(b, 4)
	for _, f := range fields {
		b = put32(b, f)
		switch f {
		case oxsDuration:
			b = putDuration(b, c.duration)
		case oxsIdleTime:
			b = putDuration(b, c.idle)
		case oxsFlowCount:
			b = put32(b, c.flows)
		case oxsPackets:
			b = put64(b, c.packets)
		case oxsBytes:
			b = put64(b, c.bytes)
		}
	}
	putLength(b, start, 2)
	return pad8(b, len(b)-start)
}

func decodeStats(r *reader) (c counters) {
	r.skip(2, "stats reserved")
	n := int(r.u16("stats length"))
	if r.err == nil && n < 4 {
		r.fail(ErrBadLen, "stats length")
	}
	s := r.sub(n-4, "stats")
	r.skip(-n&7, "stats padding")
	for s.more() {
		h := s.u32("stats field")
		f := s.sub(int(h&0xff), "stats field")
		switch h {
		case oxsDuration:
			c.duration = duration(&f)
		case oxsIdleTime:
			c.idle = duration(&f)
		case oxsFlowCount:
			c.flows = f.u32("flow count")
		case oxsPackets:
			c.packets = f.u64("packet count")
		case oxsBytes:
			c.bytes = f.u64("byte count")
		default:
			f.b = nil
		}
		s.join(&f, "stats field")
	}
	r.join(&s, "stats")
	return c
}

// putDuration writes seconds and nanoseconds.
func putDuration(b []byte, d time.Duration) []byte {
	return put32(put32(b, uint32(d/time.Second)), uint32(d%time.Second))
}

func duration(r *reader) time.Duration {
	sec, nsec := r.u32("seconds"), r.u32("nanoseconds")
	return time.Duration(sec)*time.Second + time.Duration(nsec)
}
