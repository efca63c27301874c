package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"conjunct/openflow"
	"conjunct/openflow/oftest"
	"conjunct/ovsdb/ovsdbtest"
)

const bridge = "br-int"

// host is one simulated hypervisor. Its database dials conjunctd, and its switch where the database says, as soon as conjunctd
// has given the bridge a datapath id.
type host struct {
	id string
	db *ovsdbtest.Server

	mu     sync.Mutex
	sw     *oftest.Switch // nil until the bridge has a datapath id
	tap    *tap           // of the present connection
	faults oftest.Faults

	// What the controller has sent, over all connections.
	mods      atomic.Int64 // flow modifications, bundled or not
	confirmed atomic.Int64 // of them, those that a barrier reply has confirmed
	at        atomic.Int64 // when the last of those left, in nanoseconds since the epoch
	dials     atomic.Int64

	deaf   atomic.Bool  // nothing is read any more
	late   atomic.Int64 // nanoseconds by which barriers are answered late
	flaps  atomic.Bool  // every connection lasts a second
	closed chan struct{}
}

// newHost makes a hypervisor with its ports plugged in.
func newHost(ctx context.Context, id string, ifaces []string) (*host, error) {
	h := &host{id: id, db: ovsdbtest.New(id), closed: make(chan struct{})}
	if err := ovsdbtest.AddBridge(ctx, h.db, bridge); err != nil {
		return nil, err
	}
	for i, iface := range ifaces {
		nic := ovsdbtest.NIC{Name: fmt.Sprintf("tap%d", i+1), IfaceID: iface, OFPort: int64(i + 1), MAC: "fe:00:00:00:00:01"}
		if err := ovsdbtest.Plug(ctx, h.db, bridge, nic); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// redial is the pause between attempts of the switch; Open vSwitch's is up to 8 s.
const redial = 500 * time.Millisecond

// run keeps the switch connected until ctx ends.
func (h *host) run(ctx context.Context, ports int) {
	defer close(h.closed)
	var id, target string
	ready := func() bool {
		id = h.db.DatapathID(bridge)
		targets := h.db.Targets(bridge)
		if id == "" || len(targets) == 0 {
			return false
		}
		target = strings.TrimPrefix(targets[0], "tcp:")
		return true
	}
	if h.db.WaitFor(ctx, ready) != nil {
		return
	}
	number, err := strconv.ParseUint(id, 16, 64)
	if err != nil {
		return // Every datapath id of conjunctd's is a number: the host stays away, and the sync never ends.
	}
	h.makeSwitch(number, ports)
	for ctx.Err() == nil {
		h.connect(ctx, target)
		select {
		case <-ctx.Done():
		case <-time.After(redial):
		}
	}
	h.sw.Close()
}

func (h *host) makeSwitch(id uint64, ports int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sw = oftest.NewSwitch(oftest.Config{DatapathID: id})
	for n := range ports {
		h.sw.AddPorts(openflow.Port(n + 1))
	}
	h.sw.SetFaults(h.faults)
}

// connect serves one connection until it ends.
func (h *host) connect(ctx context.Context, target string) {
	nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
	if err != nil {
		return
	}
	h.dials.Add(1)
	t := &tap{Conn: nc, h: h, closed: make(chan struct{})}
	h.mu.Lock()
	h.tap = t
	h.mu.Unlock()
	h.sw.Attach(t)
	var lifetime <-chan time.Time
	if h.flaps.Load() {
		lifetime = time.After(time.Second)
	}
	select {
	case <-t.closed:
	case <-lifetime:
		t.Close()
	case <-ctx.Done():
		t.Close()
	}
}

// disconnect breaks the present connection of the switch.
func (h *host) disconnect() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tap != nil {
		h.tap.Close()
	}
}

// setFaults makes the switch fail.
func (h *host) setFaults(f oftest.Faults) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = f
	if h.sw != nil {
		h.sw.SetFaults(f)
	}
}

// flows counts what is installed.
func (h *host) flows() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sw == nil {
		return 0
	}
	return h.sw.Len()
}
