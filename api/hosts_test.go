package api_test

import (
	"context"
	"errors"
	"slices"
	"sync"

	"conjunct/policy"
)

// hosts stands in for the controller: it reports what a test tells it to.
type hosts struct {
	mu      sync.Mutex
	hosts   []policy.HostStatus
	ports   map[policy.PortID]policy.PortStatus
	hits    map[policy.Number]policy.Hits
	refused map[policy.Number]policy.Hits // and whatever else platform rules have decided
	applied map[policy.HostID]int64
	flows   map[policy.HostID][]string
	diffs   map[policy.HostID]policy.FlowDiff
	probe   func(policy.Probe) ([]policy.Passage, error)
	changed chan struct{}
}

var _ policy.Inspector = (*hosts)(nil)

func newHosts() *hosts {
	return &hosts{
		ports: make(map[policy.PortID]policy.PortStatus), hits: make(map[policy.Number]policy.Hits), refused: make(map[policy.Number]policy.Hits),
		applied: make(map[policy.HostID]int64), flows: make(map[policy.HostID][]string), diffs: make(map[policy.HostID]policy.FlowDiff),
		changed: make(chan struct{}),
	}
}

// set changes what is reported and wakes those who wait.
func (h *hosts) set(change func(*hosts)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *hosts) Hosts() []policy.HostStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.hosts)
}

func (h *hosts) Host(id policy.HostID) (policy.HostStatus, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.hosts, func(s policy.HostStatus) bool { return s.ID == id })
	if i < 0 {
		return policy.HostStatus{}, false
	}
	return h.hosts[i], true
}

func (h *hosts) Port(id policy.PortID) policy.PortStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.ports[id]; ok {
		return s
	}
	return policy.PortStatus{State: policy.PortUnbound}
}

func (h *hosts) Behind(revision int64) (out []policy.HostID, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, applied := range h.applied {
		if applied < revision {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out, h.changed
}

func (h *hosts) Changed(policy.PortID) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed
}

func (h *hosts) Hits(n policy.Number) policy.Hits {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hits[n]
}

func (h *hosts) PlatformHits(n policy.Number) policy.Hits {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.refused[n]
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
		return d, errors.New("the host is not connected")
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
