package oftest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
)

// A flow is described as the codec would write it, whatever its match and actions are long.
func TestDescribe(t *testing.T) {
	long := make([]openflow.Action, 50)
	for i := range long {
		long[i] = openflow.Conjunction{ID: uint32(i), Clause: 1, N: 3}
	}
	for _, f := range []openflow.Flow{
		{},
		{Table: 5, Priority: 7, Cookie: 9, IdleTimeout: 1, HardTimeout: 2, Importance: 3, Flags: openflow.FlowSendRemoved, Goto: 6},
		{Table: 9, Priority: 1, Match: openflow.NewMatch(openflow.Exact(openflow.EthType, 0x800)), Actions: long},
		{Table: 8, Match: openflow.NewMatch(openflow.Exact(openflow.EthType, 0x800), openflow.Exact(openflow.IPProto, 6), openflow.Exact(openflow.Reg0, 1))},
	} {
		e, err := newEntry(f)
		require.NoError(t, err)
		e.packets = 1 << 40
		want, err := openflow.Append(nil, 3, openflow.FlowDescReply{Flows: []openflow.FlowStats{{Flow: f, Packets: e.packets}}})
		require.NoError(t, err)
		require.Equal(t, want[openflow.HeaderLen+8:], e.describe(nil, f.Table), f.String())

		c := &channel{}
		c.sendFlows(3, false, e.describe(nil, f.Table))
		require.Equal(t, want, c.out)
	}
}

// What is too long for a message is an error, not half a message.
func TestDescribe_TooLong(t *testing.T) {
	c := &channel{}
	c.sendFlows(3, true, make([]byte, openflow.MaxMessageLen))
	_, m, err := openflow.Decode(c.out)
	require.NoError(t, err)
	require.Equal(t, openflow.ErrBadLen, m.(openflow.Error).Code)
}
