package oftest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
)

// However the stream is cut, every message is heard once.
func TestHeaders(t *testing.T) {
	var wire []byte
	for _, m := range []openflow.Message{
		openflow.BarrierRequest{}, openflow.FlowMod{Command: openflow.FlowAdd, Flow: openflow.Flow{Table: 3}}, openflow.BarrierReply{}, openflow.BarrierRequest{},
	} {
		var err error
		wire, err = openflow.Append(wire, 1, m)
		require.NoError(t, err)
	}
	for size := 1; size <= len(wire); size++ {
		var s Headers
		var heard []openflow.MsgType
		for at := 0; at < len(wire); at += size {
			s.Feed(wire[at:min(at+size, len(wire))], func(kind openflow.MsgType) { heard = append(heard, kind) })
		}
		require.Len(t, heard, 4, size)
		require.Equal(t, heard[0], heard[3])
		require.NotEqual(t, heard[0], heard[1])
		require.NotEqual(t, heard[0], heard[2])
	}
}
