package controller

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/openflow/oftest"
	"conjunct/ovsdb/ovsdbtest"
	"conjunct/policy"
)

// hypervisor is a host in this process: a database that dials the controller, and a switch that dials where its bridge is
// told to.
type hypervisor struct {
	t  *testing.T
	id policy.HostID
	db *ovsdbtest.Server
	sw *oftest.Switch

	mu     sync.Mutex
	cut    bool             // the switch does not dial
	counts map[byte]int     // messages of the controller by type
	order  []string         // zone flushes and bundled flow mods, as they came
	watch  openflow.MsgType // the type of message that alarm waits for
	nth    int
	alarm  func() // runs once, before the switch sees the n-th message of the type
}

// newHypervisor starts a host that dials c's address. carried, where it is given, is told of each step of its switch.
func newHypervisor(t *testing.T, id policy.HostID, c *Controller, carried ...func([]openflow.FlowMod)) *hypervisor {
	config := oftest.Config{DatapathID: DatapathID(id)}
	if len(carried) > 0 {
		config.Carried = carried[0]
	}
	h := &hypervisor{t: t, id: id, db: ovsdbtest.New(string(id)), sw: oftest.NewSwitch(config), counts: make(map[byte]int)}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	address := c.OVSDBAddr().String()
	work.Go(func() {
		h.db.DialOut(ctx, func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", address)
		})
	})
	work.Go(func() { h.dialSwitch(ctx) })
	t.Cleanup(func() {
		cancel()
		h.sw.Close()
		work.Wait()
		h.db.Close()
	})
	return h
}

// dialSwitch does what ovs-vswitchd does with the bridge's controllers.
func (h *hypervisor) dialSwitch(ctx context.Context) {
	for ctx.Err() == nil {
		if targets := h.db.Targets("br-int"); len(targets) > 0 && !h.isCut() && h.db.DatapathID("br-int") != "" {
			nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(targets[0], "tcp:"))
			if err == nil {
				tap := &wiretap{Conn: nc, h: h, closed: make(chan struct{})}
				h.sw.Attach(tap)
				select {
				case <-tap.closed:
				case <-ctx.Done():
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (h *hypervisor) isCut() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cut
}

// cutOff takes the host off the network, or puts it back.
func (h *hypervisor) cutOff(on bool) {
	h.mu.Lock()
	h.cut = on
	h.mu.Unlock()
	h.db.Refuse(on)
	if on {
		h.db.Drop()
		h.sw.Disconnect()
	}
}

// wiretap counts what the controller says to the switch.
type wiretap struct {
	net.Conn
	h      *hypervisor
	held   []byte
	once   sync.Once
	closed chan struct{}
}

func (w *wiretap) Close() error {
	w.once.Do(func() { close(w.closed) })
	return w.Conn.Close()
}

func (w *wiretap) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.held = append(w.held, b[:n]...)
	for len(w.held) >= openflow.HeaderLen {
		length := int(binary.BigEndian.Uint16(w.held[2:]))
		if len(w.held) < length {
			break
		}
		w.h.note(w.held[:length])
		w.held = w.held[length:]
	}
	return n, err
}

func (h *hypervisor) note(wire []byte) {
	_, m, _ := openflow.Decode(wire)
	h.mu.Lock()
	var alarm func()
	if h.alarm != nil && openflow.MsgType(wire[1]) == h.watch {
		if h.nth--; h.nth == 0 {
			alarm, h.alarm = h.alarm, nil
		}
	}
	h.counts[wire[1]]++
	switch m := m.(type) {
	case openflow.CTFlushZone:
		h.order = append(h.order, fmt.Sprintf("flush %d", m.Zone))
	case openflow.BundleAdd:
		h.order = append(h.order, fmt.Sprint(m.Message))
	case openflow.FlowMod:
		h.order = append(h.order, fmt.Sprint(m))
	}
	h.mu.Unlock()
	if alarm != nil {
		alarm()
	}
}

// onMessage runs do once, before the switch sees the n-th message of the type from here on.
func (h *hypervisor) onMessage(kind openflow.MsgType, n int, do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watch, h.nth, h.alarm = kind, n, do
}

// mods counts the flow mods that the controller has sent, bundled or not.
func (h *hypervisor) mods() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts[byte(openflow.TypeFlowMod)] + h.counts[byte(openflow.TypeBundleAdd)]
}

// since returns the zone flushes and flow mods after the first n.
func (h *hypervisor) since(n int) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.order[n:])
}

// plug plugs a VM's interface in.
func (h *hypervisor) plug(iface string, ofport int64) {
	h.t.Helper()
	h.sw.AddPorts(openflow.Port(ofport))
	require.NoError(h.t, h.db.AddInterface("br-int", fmt.Sprintf("tap%d", ofport), iface, ofport, fmt.Sprintf("fe:00:00:00:00:%02x", ofport)))
}

func (h *hypervisor) unplug(ofport int64) {
	h.t.Helper()
	h.sw.RemovePort(openflow.Port(ofport))
	require.NoError(h.t, h.db.RemoveInterface("br-int", fmt.Sprintf("tap%d", ofport)))
}

// awaitState waits until the controller says that the host is in the state.
func awaitState(t *testing.T, c *Controller, id policy.HostID, state policy.HostState) {
	t.Helper()
	eventually(t, func() bool { h, _ := c.Host(id); return h.State == state }, "host %s is not %s", id, state)
}

// awaitPort waits until the port is in the state.
func awaitPort(t *testing.T, c *Controller, id policy.PortID, state policy.PortState) {
	t.Helper()
	eventually(t, func() bool { return c.Port(id).State == state }, "port %s is not %s", id, state)
}

// awaitApplied waits until every host has confirmed the revision.
func awaitApplied(t *testing.T, c *Controller, revision int64) {
	t.Helper()
	eventually(t, func() bool { behind, _ := c.Late(revision); return len(behind) == 0 }, "revision %d", revision)
}

// desired are the flows that the controller wants on the host, sorted.
func desired(t *testing.T, c *Controller, id policy.HostID) string {
	t.Helper()
	lines, err := c.DesiredFlows(id)
	require.NoError(t, err)
	lines = slices.DeleteFunc(lines, func(s string) bool { return strings.HasPrefix(s, "#") })
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// requireInSync compares the switch's tables with what is wanted.
func (h *hypervisor) requireInSync(c *Controller) {
	h.t.Helper()
	awaitState(h.t, c, h.id, policy.HostReady)
	require.Equal(h.t, desired(h.t, c, h.id), h.sw.Dump())
}

// rule is one more rule of a group, for a TCP port.
func rule(id string, group policy.GroupID, port int, remote policy.Remote) *policy.Rule {
	return &policy.Rule{
		Meta: policy.Meta{ID: id}, GroupID: group, Direction: policy.Ingress, Protocol: policy.TCP,
		PortMin: &port, PortMax: &port, Remote: remote,
	}
}

var anywhere = policy.Remote{Any: true}
