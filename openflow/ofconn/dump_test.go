package ofconn_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/openflow/ofconn"
	"conjunct/openflow/oftest"
)

// cookies dumps and returns the cookies.
func cookies(t *testing.T, c *ofconn.Conn, filter ofconn.FlowFilter) []uint64 {
	t.Helper()
	var all []uint64
	for f, err := range c.DumpFlows(ctx(t), filter) {
		require.NoError(t, err)
		all = append(all, f.Cookie)
	}
	return all
}

func TestDumpFlows(t *testing.T) {
	c, s := connect(t, oftest.Config{PartSize: 300}, ofconn.Options{})
	require.NoError(t, s.Load(`
		cookie=0x1001,table=0,priority=1 actions=drop
		cookie=0x1002,table=5,ip actions=drop
		cookie=0x2003,table=5,ipv6 actions=drop
		cookie=0x1004,table=63 actions=drop
		cookie=0x1005,table=64 actions=drop`))
	require.Equal(t, []uint64{0x1001, 0x1002, 0x2003, 0x1004, 0x1005}, cookies(t, c, ofconn.FlowFilter{}))
	require.Equal(t, []uint64{0x1001, 0x1002, 0x2003, 0x1004}, cookies(t, c, ofconn.FlowFilter{Tables: ofconn.Tables(0, 63)}))
	require.Equal(t, []uint64{0x1001}, cookies(t, c, ofconn.FlowFilter{Tables: ofconn.Tables(0, 0)}))
	require.Equal(t, []uint64{0x2003}, cookies(t, c, ofconn.FlowFilter{Cookie: 0x2000, CookieMask: 0xf000}))
	require.Equal(t, []uint64{0x1002}, cookies(t, c, ofconn.FlowFilter{Match: openflow.NewMatch(openflow.Exact(openflow.EthType, 0x800))}))
	require.Empty(t, cookies(t, c, ofconn.FlowFilter{Tables: ofconn.Tables(7, 9)}))
}

// What is dumped is what was sent.
func TestDumpFlows_Same(t *testing.T) {
	c, _ := connect(t, oftest.Config{}, ofconn.Options{})
	mods := manyFlows(5000)
	require.NoError(t, c.Bundle(ctx(t), mods))
	i := 0
	for f, err := range c.DumpFlows(ctx(t), ofconn.FlowFilter{}) {
		require.NoError(t, err)
		require.True(t, f.Equal(&mods[i].Flow), "%v", f)
		i++
	}
	require.Equal(t, len(mods), i)
}

// Whoever leaves a dump early disturbs nobody.
func TestDumpFlows_LeftEarly(t *testing.T) {
	c, _ := connect(t, oftest.Config{}, ofconn.Options{})
	require.NoError(t, c.Bundle(ctx(t), manyFlows(5000)))
	for _, err := range c.DumpFlows(ctx(t), ofconn.FlowFilter{}) {
		require.NoError(t, err)
		break
	}
	require.NoError(t, c.Barrier(ctx(t)))
	require.Len(t, cookies(t, c, ofconn.FlowFilter{}), 5000)
}

// Whoever takes too long over a dump gets an error; the connection goes on.
func TestDumpFlows_Stalled(t *testing.T) {
	c, _ := connect(t, oftest.Config{PartSize: 300}, ofconn.Options{StallTimeout: 20 * time.Millisecond})
	require.NoError(t, c.Bundle(ctx(t), manyFlows(500)))
	var last error
	n := 0
	for _, err := range c.DumpFlows(ctx(t), ofconn.FlowFilter{}) {
		if n++; n == 1 {
			require.NoError(t, c.Barrier(ctx(t)), "other calls are answered meanwhile")
		}
		last = err
	}
	require.ErrorIs(t, last, ofconn.ErrStalled)
	require.NoError(t, c.Barrier(ctx(t)))
}

// A sum is that of the flows, over all parts and tables, and of those under the filter alone.
func TestSumFlows(t *testing.T) {
	c, s := connect(t, oftest.Config{PartSize: 3000}, ofconn.Options{})
	mods := manyFlows(500)
	require.NoError(t, c.Bundle(ctx(t), mods))
	require.NoError(t, s.Load("table=64 actions=drop"))
	h := openflow.NewFlowHasher()
	var want openflow.FlowSum
	for i := range mods {
		h.Add(&want, &mods[i].Flow)
	}
	sum, err := c.SumFlows(ctx(t), ofconn.FlowFilter{Tables: ofconn.Tables(0, 63)}, h)
	require.NoError(t, err)
	require.Equal(t, want, sum)
	sum, err = c.SumFlows(ctx(t), ofconn.FlowFilter{}, h)
	require.NoError(t, err)
	require.Equal(t, want.Flows+1, sum.Flows)
	require.NotEqual(t, want, sum)
	sum, err = c.SumFlows(ctx(t), ofconn.FlowFilter{Tables: []uint8{9}}, h)
	require.NoError(t, err)
	require.Zero(t, sum)
}

func TestSumFlows_Cancelled(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	s.SetFaults(oftest.Faults{Deaf: true})
	short, cancel := context.WithTimeout(ctx(t), 10*time.Millisecond)
	defer cancel()
	_, err := c.SumFlows(short, ofconn.FlowFilter{}, openflow.NewFlowHasher())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	s.SetFaults(oftest.Faults{})
	require.NoError(t, c.Barrier(ctx(t)))
}

func TestDumpFlows_Cancelled(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	s.SetFaults(oftest.Faults{Deaf: true})
	short, cancel := context.WithTimeout(ctx(t), 10*time.Millisecond)
	defer cancel()
	var last error
	for _, err := range c.DumpFlows(short, ofconn.FlowFilter{}) {
		last = err
	}
	require.ErrorIs(t, last, context.DeadlineExceeded)
	s.SetFaults(oftest.Faults{})
	require.NoError(t, c.Barrier(ctx(t)))
}
