package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"conjunct/policy"
)

// hosts stands in for the controller: it reports what a test tells it to.
type hosts struct {
	mu      sync.Mutex
	hosts   map[policy.HostID]policy.HostStatus
	ports   map[policy.PortID]policy.PortStatus
	flows   map[policy.HostID][]string
	diffs   map[policy.HostID]policy.FlowDiff
	behind  []policy.HostID
	probe   func(policy.Probe) ([]policy.Passage, error)
	changed chan struct{} // never closed: what a test says does not change while it waits
}

var _ policy.Inspector = (*hosts)(nil)

func newHosts() *hosts {
	return &hosts{
		hosts: make(map[policy.HostID]policy.HostStatus), ports: make(map[policy.PortID]policy.PortStatus),
		flows: make(map[policy.HostID][]string), diffs: make(map[policy.HostID]policy.FlowDiff), changed: make(chan struct{}),
	}
}

func (h *hosts) set(change func(*hosts)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

func (h *hosts) Hosts() []policy.HostStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.SortedFunc(maps.Values(h.hosts), func(a, b policy.HostStatus) int { return cmp.Compare(a.ID, b.ID) })
}

func (h *hosts) Host(id policy.HostID) (policy.HostStatus, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.hosts[id]
	return s, ok
}

func (h *hosts) Port(id policy.PortID) policy.PortStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.ports[id]; ok {
		return s
	}
	return policy.PortStatus{State: policy.PortUnbound}
}

func (h *hosts) Behind(int64) ([]policy.HostID, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.behind), h.changed
}

func (h *hosts) Changed(policy.PortID) <-chan struct{} { return h.changed }

func (h *hosts) Hits(n policy.Number) policy.Hits {
	at := time.Date(2026, 11, 21, 12, 0, int(n%60), 0, time.UTC)
	return policy.Hits{Packets: uint64(n), Bytes: 64 * uint64(n), LastHit: &at}
}

func (h *hosts) PlatformHits(n policy.Number) policy.Hits {
	if n%2 == 0 {
		return policy.Hits{}
	}
	return h.Hits(n)
}

func (h *hosts) DesiredFlows(id policy.HostID) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	flows, ok := h.flows[id]
	if !ok {
		return nil, errors.New("the host has no view")
	}
	return flows, nil
}

func (h *hosts) DiffFlows(id policy.HostID) (policy.FlowDiff, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d, ok := h.diffs[id]
	if !ok {
		return d, errors.New("the switch is not connected")
	}
	return d, nil
}

func (h *hosts) Probe(_ context.Context, p policy.Probe) ([]policy.Passage, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.probe == nil {
		return nil, errors.New("the host is not connected")
	}
	return h.probe(p)
}
