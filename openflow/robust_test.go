package openflow_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
)

// vectorBytes are the bytes of every vector.
func vectorBytes(t *testing.T) [][]byte {
	var all [][]byte
	for _, name := range []string{"flows.txt", "messages.txt"} {
		for _, v := range readVectors(t, name) {
			all = append(all, v.bytes(t))
		}
	}
	return all
}

// A message cut anywhere is an error. Cut so that its header agrees, it is an error too, or a message that has lost
// bytes at its end that may be missing; it never panics.
func TestDecodeTruncated(t *testing.T) {
	for _, wire := range vectorBytes(t) {
		for n := range wire {
			_, _, err := openflow.Decode(wire[:n])
			require.Error(t, err, "%x cut to %d", wire, n)
			if n < openflow.HeaderLen {
				continue
			}
			cut := append([]byte(nil), wire[:n]...)
			binary.BigEndian.PutUint16(cut[2:], uint16(n))
			xid, m, err := openflow.Decode(cut)
			if err != nil {
				var decode *openflow.DecodeError
				require.ErrorAs(t, err, &decode)
				require.NotEmpty(t, decode.What)
				continue
			}
			again, err := openflow.Append(nil, xid, m)
			require.NoError(t, err)
			switch m.(type) {
			case openflow.Hello, openflow.SetAsync, openflow.GetAsyncReply: // elements may be missing
			default:
				require.Equal(t, cut, again, "%x cut to %d", wire, n)
			}
		}
	}
}

// Any two bytes of a message may be the length of something. Whatever they say, decoding does not panic, and what it
// takes for good encodes.
func TestDecodeWrongLengths(t *testing.T) {
	for _, wire := range vectorBytes(t) {
		if len(wire) > 512 {
			wire = wire[:512]
			binary.BigEndian.PutUint16(wire[2:], 512)
		}
		bad := make([]byte, len(wire))
		for at := openflow.HeaderLen; at+2 <= len(wire); at++ {
			is := binary.BigEndian.Uint16(wire[at:])
			for _, v := range []uint16{0, 1, 3, 4, 7, 8, 0xffff, 0xfff8, is - 8, is - 1, is + 1, is + 8, uint16(len(wire)), uint16(len(wire) - at)} {
				copy(bad, wire)
				binary.BigEndian.PutUint16(bad[at:], v)
				if xid, m, err := openflow.Decode(bad); err == nil {
					_, err = openflow.Append(nil, xid, m)
					require.NoError(t, err)
				}
			}
		}
	}
}

// Lengths inside of a flow mod, each wrong in each way, are refused with the code that a switch would answer.
func TestDecodeInnerLengths(t *testing.T) {
	f, err := openflow.ParseFlow("ip,reg0=7 actions=ct(commit,exec(set_field:1->ct_mark)),goto_table:9")
	require.NoError(t, err)
	wire, err := openflow.Append(nil, 1, openflow.FlowMod{Flow: f})
	require.NoError(t, err)
	// 48 match (4 + 6 eth_type + 20 xreg0 = 30, padded 32), 80 apply_actions (8 + ct 40), 128 goto_table.
	require.Len(t, wire, 136)
	for _, c := range []struct {
		name string
		at   int
		good uint16
		bad  []uint16
		want openflow.ErrorCode
	}{
		{"match type", 48, 1, []uint16{0, 2}, openflow.ErrBadMatchType},
		{"match shorter than its header", 50, 30, []uint16{0, 3}, openflow.ErrBadMatchLen},
		{"match cut within a field", 50, 30, []uint16{5, 12, 29}, openflow.ErrBadMatchLen},
		{"match longer than the message", 50, 30, []uint16{200, 0xffff}, openflow.ErrBadLen},
		{"OXM length", 54, 2, []uint16{0x0a00 | 1, 0x0a00 | 4, 0x0a00 | 255}, openflow.ErrBadMatchLen},
		{"instruction shorter than its header", 82, 48, []uint16{0, 4, 7}, openflow.ErrBadInstructionLen},
		{"instruction of odd length", 82, 48, []uint16{47, 49}, openflow.ErrBadInstructionLen},
		{"instruction longer than the message", 82, 48, []uint16{64, 0xfff8}, openflow.ErrBadInstructionLen},
		{"instruction that ends within its action", 82, 48, []uint16{16, 40}, openflow.ErrBadActionLen},
		{"action shorter than its header", 90, 40, []uint16{0, 4}, openflow.ErrBadActionLen},
		{"action of odd length", 90, 40, []uint16{39, 41}, openflow.ErrBadActionLen},
		{"action longer than its instruction", 90, 40, []uint16{48, 0xfff8}, openflow.ErrBadActionLen},
		{"action that cuts its own", 90, 40, []uint16{16}, openflow.ErrBadActionLen},
		{"nested action", 114, 16, []uint16{0, 8, 15, 24}, 0},
		{"goto_table to nowhere", 132, 9 << 8, []uint16{0}, openflow.ErrBadInstructionTable},
	} {
		if c.name != "OXM length" {
			require.Equal(t, c.good, binary.BigEndian.Uint16(wire[c.at:]), c.name)
		}
		for _, v := range c.bad {
			bad := append([]byte(nil), wire...)
			binary.BigEndian.PutUint16(bad[c.at:], v)
			_, _, err := openflow.Decode(bad)
			require.Error(t, err, "%s %d", c.name, v)
			if c.want != 0 {
				require.ErrorIs(t, err, c.want, "%s %d", c.name, v)
			}
		}
	}
}

// What a switch sends that no switch may send.
func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		wire []byte
		want openflow.ErrorCode
	}{
		{"nothing", nil, openflow.ErrBadLen},
		{"half a header", []byte{6, 0, 0, 8}, openflow.ErrBadLen},
		{"length below the header", []byte{6, 20, 0, 7, 0, 0, 0, 1}, openflow.ErrBadLen},
		{"longer than it says", []byte{6, 20, 0, 8, 0, 0, 0, 1, 0}, openflow.ErrBadLen},
		{"another version", []byte{4, 20, 0, 8, 0, 0, 0, 1}, openflow.ErrBadVersion},
		{"barrier with a body", []byte{6, 20, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, openflow.ErrBadLen},
		{"flow description of no length", []byte{6, 19, 0, 24, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, openflow.ErrBadLen},
		{"bundle in a bundle", []byte{6, 34, 0, 24, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 6, 34, 0, 8, 0, 0, 0, 1}, openflow.ErrBundleMsgUnsup},
		{"bundled message of another xid", []byte{6, 34, 0, 24, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 6, 20, 0, 8, 0, 0, 0, 2}, openflow.ErrBundleMsgBadXid},
		{"bundled message too long", []byte{6, 34, 0, 24, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 6, 20, 0, 9, 0, 0, 0, 1}, openflow.ErrBundleMsgBadLen},
		{"hello with an element of length 0", []byte{6, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0}, openflow.ErrBadLen},
	} {
		_, _, err := openflow.Decode(c.wire)
		require.ErrorIs(t, err, c.want, c.name)
	}
}

// Conditions that contradict themselves or their field.
func TestDecodeMatchRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		oxm  string
		want openflow.ErrorCode
	}{
		{"value outside of its mask", "\x80\x00\x17\x08\x0a\x00\x00\x01\xff\x00\x00\x00", openflow.ErrBadWildcards},
		{"mask on a field without", "\x80\x00\x0b\x04\x08\x00\xff\x00", openflow.ErrBadMask},
		{"the same field twice", "\x80\x00\x0a\x02\x08\x00\x80\x00\x0a\x02\x08\x00", openflow.ErrDupField},
		{"a register and the pair that has it", "\x00\x01\x02\x04\x00\x00\x00\x01\x80\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x02", openflow.ErrDupField},
		{"a value too wide", "\x80\x00\x0e\x01\x08", openflow.ErrBadValue},
		{"a length of another field", "\x80\x00\x0a\x04\x08\x00\x00\x00", openflow.ErrBadMatchLen},
		{"half a header", "\x80\x00", openflow.ErrBadMatchLen},
		{"half a value", "\x80\x00\x16\x04\x0a", openflow.ErrBadMatchLen},
	} {
		_, err := openflow.DecodeMatch([]byte(c.oxm))
		require.ErrorIs(t, err, c.want, c.name)
	}
}

// A message longer than its length field can tell is refused, and what was there stays.
func TestAppendTooLong(t *testing.T) {
	flow := openflow.Flow{Match: openflow.NewMatch(openflow.Exact(openflow.EthType, openflow.EtherTypeIPv4))}
	for id := range uint32(4085) {
		flow.Actions = append(flow.Actions, openflow.Conjunction{ID: id, N: 2})
	}
	add := openflow.BundleAdd{ID: 1, Message: openflow.FlowMod{Flow: flow}}
	b, err := openflow.Append([]byte("kept"), 1, add)
	require.NoError(t, err)
	require.Less(t, len(b), openflow.MaxMessageLen)

	flow.Actions = append(flow.Actions, flow.Actions[:10]...)
	add.Message = openflow.FlowMod{Flow: flow}
	b, err = openflow.Append([]byte("kept"), 1, add)
	require.ErrorContains(t, err, "a message has at most 65535")
	require.Equal(t, []byte("kept"), b)
}
