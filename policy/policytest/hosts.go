package policytest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"conjunct/policy"
)

// Hosts stands in for the controller: it reports what a test tells it to.
type Hosts struct {
	mu       sync.Mutex
	reported Reported
	changed  chan struct{} // closed when a test says something else
}

// Reported is what Hosts report. What is not there is unknown, 0, or an error as of a host that is not connected.
type Reported struct {
	Hosts map[policy.HostID]policy.HostStatus
	// Applied is the revision that a host has reached; one that is not in it is never behind.
	Applied map[policy.HostID]int64
	// Elsewhere are hosts that no revision concerns any more.
	Elsewhere map[policy.HostID]bool
	Ports     map[policy.PortID]policy.PortStatus
	// Hits are those of rules, PlatformHits what platform rules have decided.
	Hits, PlatformHits func(policy.Number) policy.Hits
	Flows              map[policy.HostID][]string
	Diffs              map[policy.HostID]policy.FlowDiff
	Probe              func(policy.Probe) ([]policy.Passage, error)
}

var _ policy.Inspector = (*Hosts)(nil)

// NewHosts reports nothing yet.
func NewHosts() *Hosts {
	none := func(policy.Number) policy.Hits { return policy.Hits{} }
	return &Hosts{changed: make(chan struct{}), reported: Reported{
		Hosts: make(map[policy.HostID]policy.HostStatus), Applied: make(map[policy.HostID]int64), Elsewhere: make(map[policy.HostID]bool),
		Ports: make(map[policy.PortID]policy.PortStatus), Hits: none, PlatformHits: none,
		Flows: make(map[policy.HostID][]string), Diffs: make(map[policy.HostID]policy.FlowDiff),
		Probe: func(policy.Probe) ([]policy.Passage, error) { return nil, errNotConnected },
	}}
}

var errNotConnected = errors.New("the host is not connected")

// Set changes what is reported and wakes those who wait.
func (h *Hosts) Set(change func(*Reported)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&h.reported)
	close(h.changed)
	h.changed = make(chan struct{})
}

// Hosts lists them by their names.
func (h *Hosts) Hosts() []policy.HostStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.SortedFunc(maps.Values(h.reported.Hosts), func(a, b policy.HostStatus) int { return cmp.Compare(a.ID, b.ID) })
}

// Host is one of them.
func (h *Hosts) Host(id policy.HostID) (policy.HostStatus, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.reported.Hosts[id]
	return s, ok
}

// Port is unbound unless a test said something else.
func (h *Hosts) Port(id policy.PortID) policy.PortStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.reported.Ports[id]; ok {
		return s
	}
	return policy.PortStatus{State: policy.PortUnbound}
}

// Behind lists the hosts that have not applied the revision and are not elsewhere.
func (h *Hosts) Behind(revision int64) ([]policy.HostID, <-chan struct{}) {
	late, changed := h.Late(revision)
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(late, func(id policy.HostID) bool { return h.reported.Elsewhere[id] }), changed
}

// Late lists the hosts that have not applied the revision.
func (h *Hosts) Late(revision int64) (out []policy.HostID, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, applied := range h.reported.Applied {
		if applied < revision {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out, h.changed
}

// Changed is closed at the next Set.
func (h *Hosts) Changed(policy.PortID) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed
}

// Hits are those of a rule.
func (h *Hosts) Hits(n policy.Number) policy.Hits {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reported.Hits(n)
}

// PlatformHits are those of a platform rule.
func (h *Hosts) PlatformHits(n policy.Number) policy.Hits {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reported.PlatformHits(n)
}

// DesiredFlows are a host's.
func (h *Hosts) DesiredFlows(id policy.HostID) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	flows, ok := h.reported.Flows[id]
	if !ok {
		return nil, errors.New("the host has no view")
	}
	return flows, nil
}

// DiffFlows is what a host has else than it should.
func (h *Hosts) DiffFlows(id policy.HostID) (policy.FlowDiff, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d, ok := h.reported.Diffs[id]
	if !ok {
		return d, errNotConnected
	}
	return d, nil
}

// Probe is what became of a packet.
func (h *Hosts) Probe(_ context.Context, p policy.Probe) ([]policy.Passage, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reported.Probe(p)
}
