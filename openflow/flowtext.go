package openflow

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// flagNames are the words for the flags of a flow, in the order of ovs-ofctl.
var flagNames = [...]struct {
	flag FlowFlags
	name string
}{
	{FlowSendRemoved, "send_flow_rem"}, {FlowCheckOverlap, "check_overlap"}, {FlowResetCounts, "reset_counts"},
	{FlowNoPacketCounts, "no_packet_counts"}, {FlowNoByteCounts, "no_byte_counts"},
}

// String returns the flow as "ovs-ofctl dump-flows --no-names --no-stats" prints it.
func (f Flow) String() string { return string(f.append(nil, nil)) }

// String returns the flow and its counts as "ovs-ofctl dump-flows --no-names" prints them.
func (f FlowStats) String() string { return string(f.Flow.append(nil, &f)) }

func (f *Flow) append(b []byte, stats *FlowStats) []byte {
	if stats != nil || f.Cookie != 0 {
		b = strconv.AppendUint(append(b, "cookie=0x"...), f.Cookie, 16)
		b = append(b, ", "...)
	}
	if stats != nil {
		b = append(appendDuration(append(b, "duration="...), stats.Duration), ", "...)
	}
	if stats != nil || f.Table != 0 {
		b = appendItem(b, "table=", uint64(f.Table))
	}
	if stats != nil {
		b = appendItem(b, "n_packets=", stats.Packets)
		b = appendItem(b, "n_bytes=", stats.Bytes)
	}
	if f.IdleTimeout != 0 {
		b = appendItem(b, "idle_timeout=", uint64(f.IdleTimeout))
	}
	if f.HardTimeout != 0 {
		b = appendItem(b, "hard_timeout=", uint64(f.HardTimeout))
	}
	for _, n := range flagNames {
		if f.Flags&n.flag != 0 {
			b = append(append(b, n.name...), ' ')
		}
	}
	if f.Importance != 0 {
		b = appendItem(b, "importance=", uint64(f.Importance))
	}
	if stats != nil {
		b = appendItem(b, "idle_age=", uint64(stats.IdleAge/time.Second))
	}
	b = f.appendMatchAndPriority(b)
	return f.appendActions(append(b, "actions="...))
}

func appendItem(b []byte, name string, v uint64) []byte {
	return append(strconv.AppendUint(append(b, name...), v, 10), ", "...)
}

func (f *Flow) appendMatchAndPriority(b []byte) []byte {
	start := len(b)
	if f.Priority != DefaultPriority {
		b = append(strconv.AppendUint(append(b, "priority="...), uint64(f.Priority), 10), ',')
	}
	match := len(b)
	b = f.Match.appendText(b)
	if len(b) == match && len(b) > start {
		b = b[:len(b)-1]
	}
	if len(b) > start {
		b = append(b, ' ')
	}
	return b
}

// appendActions prints actions and instructions, "drop" for none. Instructions that this package does not know print as raw_instructions(HEX).
func (f *Flow) appendActions(b []byte) []byte {
	if len(f.Actions) == 0 && f.Goto == 0 && len(f.Instructions) == 0 {
		return append(b, "drop"...)
	}
	b = appendActionList(b, f.Actions)
	if len(f.Instructions) > 0 {
		b = comma(b)
		b = append(hex.AppendEncode(append(b, "raw_instructions("...), f.Instructions), ')')
	}
	if f.Goto != 0 {
		b = comma(b)
		b = strconv.AppendUint(append(b, "goto_table:"...), uint64(f.Goto), 10)
	}
	return b
}

// comma separates from what came before, which may be the "=" of "actions=".
func comma(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] != '=' {
		return append(b, ',')
	}
	return b
}

// appendDuration prints seconds, and their fraction without zeros at its end.
func appendDuration(b []byte, d time.Duration) []byte {
	b = strconv.AppendInt(b, int64(d/time.Second), 10)
	if frac := d % time.Second; frac != 0 {
		digits := strconv.FormatInt(int64(frac+time.Second), 10)[1:]
		b = append(append(b, '.'), strings.TrimRight(digits, "0")...)
	}
	return append(b, 's')
}
