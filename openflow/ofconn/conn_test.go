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

func ctx(t testing.TB) context.Context {
	c, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return c
}

// connect returns a connection to a switch of the test's own.
func connect(t testing.TB, config oftest.Config, options ofconn.Options) (*ofconn.Conn, *oftest.Switch) {
	t.Helper()
	s := oftest.NewSwitch(config)
	t.Cleanup(s.Close)
	s.AddPorts(1, 2)
	c, err := ofconn.New(ctx(t), s.Dial(), options)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c, s
}

// again returns another connection to the switch.
func again(t testing.TB, s *oftest.Switch) *ofconn.Conn {
	t.Helper()
	c, err := ofconn.New(ctx(t), s.Dial(), ofconn.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func add(t testing.TB, flow string) openflow.FlowMod {
	t.Helper()
	f, err := openflow.ParseFlow(flow)
	require.NoError(t, err)
	return openflow.FlowMod{Command: openflow.FlowAdd, Flow: f}
}

// manyFlows are n flows of table 22 that map an address to a class.
func manyFlows(n int) []openflow.FlowMod {
	mods := make([]openflow.FlowMod, n)
	for i := range mods {
		mods[i] = openflow.FlowMod{Command: openflow.FlowAdd, Flow: openflow.Flow{
			Table: 22, Priority: 100, Cookie: uint64(i),
			Match: openflow.NewMatch(openflow.Exact(openflow.EthType, openflow.EtherTypeIPv4),
				openflow.Exact(openflow.Reg0, 7), openflow.Exact(openflow.IPv4Src, 0x0a000000+uint64(i))),
			Actions: []openflow.Action{openflow.Set(openflow.Reg8, uint64(i%100))},
		}}
	}
	return mods
}

func TestHandshake(t *testing.T) {
	c, _ := connect(t, oftest.Config{DatapathID: 0xabc}, ofconn.Options{})
	require.EqualValues(t, 0xabc, c.DatapathID())
	require.EqualValues(t, 254, c.Features().Tables)
	require.NoError(t, c.Err())
	require.NoError(t, c.Barrier(ctx(t)))
	require.NoError(t, c.Close())
	require.ErrorIs(t, c.Err(), ofconn.ErrClosed)
	require.ErrorIs(t, c.Barrier(ctx(t)), ofconn.ErrClosed)
	_, open := <-c.Events()
	require.False(t, open)
}

// A switch without OpenFlow 1.5 is refused with an error that says what it speaks.
func TestHandshake_Version(t *testing.T) {
	s := oftest.NewSwitch(oftest.Config{Versions: 1<<1 | 1<<4})
	defer s.Close()
	_, err := ofconn.New(ctx(t), s.Dial(), ofconn.Options{})
	var refusal *ofconn.VersionError
	require.ErrorAs(t, err, &refusal)
	require.EqualValues(t, 1<<1|1<<4, refusal.Versions)
	require.ErrorContains(t, err, "speaks OpenFlow 1.0, 1.3, not 1.5")
}

func TestHandshake_TimesOut(t *testing.T) {
	s := oftest.NewSwitch(oftest.Config{})
	defer s.Close()
	s.SetFaults(oftest.Faults{Mute: true})
	_, err := ofconn.New(ctx(t), s.Dial(), ofconn.Options{HandshakeTimeout: 20 * time.Millisecond})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestHandshake_Dropped(t *testing.T) {
	for n := 1; n <= 2; n++ { // the hello, the features request
		s := oftest.NewSwitch(oftest.Config{})
		s.SetFaults(oftest.Faults{DropAt: n})
		_, err := ofconn.New(ctx(t), s.Dial(), ofconn.Options{})
		require.Error(t, err)
		s.Close()
	}
}

// An idle connection is kept alive by echoes; one whose switch does not answer ends.
func TestEcho(t *testing.T) {
	quick := ofconn.Options{ProbeAfter: 5 * time.Millisecond, ProbeTimeout: time.Second}
	c, s := connect(t, oftest.Config{}, quick)
	time.Sleep(100 * time.Millisecond)
	require.NoError(t, c.Err())
	s.SetFaults(oftest.Faults{Mute: true})
	select {
	case <-c.Done():
		require.ErrorIs(t, c.Err(), ofconn.ErrSilent)
	case <-ctx(t).Done():
		t.Fatal("a silent switch is not given up")
	}
}

func TestEvents(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	require.NoError(t, c.SetAsync(ctx(t), ofconn.PortsAndRoles))
	s.AddPorts(3)
	s.RemovePort(3)
	for _, reason := range []openflow.PortReason{openflow.PortAdded, openflow.PortDeleted} {
		m := (<-c.Events()).(openflow.PortStatus)
		require.Equal(t, reason, m.Reason)
		require.Equal(t, openflow.Port(3), m.Port.Port)
		require.Equal(t, "p3", m.Port.Name)
	}
	ports, err := c.PortDescs(ctx(t))
	require.NoError(t, err)
	require.Len(t, ports, 2)
}

// A deaf owner of the events does not stop the reader; but a lost port status ends the connection.
func TestEvents_Overflow(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{EventQueue: 2})
	require.NoError(t, c.SetAsync(ctx(t), ofconn.PortsAndRoles))
	s.AddPorts(3, 4)
	require.NoError(t, c.Barrier(ctx(t)))
	s.AddPorts(5)
	<-c.Done()
	require.ErrorIs(t, c.Err(), ofconn.ErrEventOverflow)
}

func TestRole(t *testing.T) {
	old, s := connect(t, oftest.Config{}, ofconn.Options{})
	reply, err := old.SetRole(ctx(t), openflow.RoleMaster, 7)
	require.NoError(t, err)
	require.Equal(t, openflow.RoleMaster, reply.Role)
	young := again(t, s)
	_, err = young.SetRole(ctx(t), openflow.RoleMaster, 8)
	require.NoError(t, err)
	status := (<-old.Events()).(openflow.RoleStatus)
	require.Equal(t, openflow.RoleSlave, status.Role)
	require.EqualValues(t, 8, status.GenerationID)
	_, err = old.SetRole(ctx(t), openflow.RoleMaster, 7)
	require.ErrorIs(t, err, openflow.ErrRoleStale)
	err = old.Bundle(ctx(t), manyFlows(1))
	require.ErrorIs(t, err, openflow.ErrIsSlave)
	require.NoError(t, young.Bundle(ctx(t), manyFlows(1)))
}

func TestConfigAndFlush(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	require.NoError(t, c.SetConfig(ctx(t), openflow.SetConfig{Frags: openflow.FragNXMatch}))
	config, err := c.GetConfig(ctx(t))
	require.NoError(t, err)
	require.Equal(t, openflow.FragNXMatch, config.Frags)
	require.NoError(t, s.Load("table=0,ip actions=ct(commit,zone=5)"))
	require.NoError(t, c.FlushZone(ctx(t), 5))
	desc, err := c.Desc(ctx(t))
	require.NoError(t, err)
	require.Equal(t, "oftest", desc.Software)
}

// An error of the switch is the error of the message that it is about.
func TestSend_Error(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	good := add(t, "table=1,priority=1 actions=drop")
	bad := good
	bad.Flow.Table = 255
	err := c.Send(ctx(t), good, bad)
	require.ErrorIs(t, err, openflow.ErrBadTable)
	require.Len(t, s.Flows(), 1)
	_, err = c.RoundTrip(ctx(t), openflow.Raw{MsgType: 77})
	require.ErrorIs(t, err, openflow.ErrBadType)
}

func TestCallsEndWithTheirContext(t *testing.T) {
	c, s := connect(t, oftest.Config{}, ofconn.Options{})
	s.SetFaults(oftest.Faults{LoseBarrier: 1})
	short, cancel := context.WithTimeout(ctx(t), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, c.Barrier(short), context.DeadlineExceeded)
	require.NoError(t, c.Barrier(ctx(t)), "the connection lives on")
}
