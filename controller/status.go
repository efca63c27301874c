package controller

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"conjunct/flows"
	"conjunct/policy"
)

// Hosts lists every hypervisor that the store or a connection knows, by id.
func (c *Controller) Hosts() []policy.HostStatus {
	m := c.model
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]policy.HostStatus, 0, len(m.hosts))
	for _, id := range m.hostIDs() {
		out = append(out, m.hosts[id].status())
	}
	return out
}

// Host tells of one hypervisor; false when nobody knows it.
func (c *Controller) Host(id policy.HostID) (policy.HostStatus, bool) {
	m := c.model
	m.mu.RLock()
	defer m.mu.RUnlock()
	h := m.hosts[id]
	if h == nil {
		return policy.HostStatus{ID: id, State: policy.HostUnknown}, false
	}
	return h.status(), true
}

// status is what is reported of the host. The caller holds the model's mu.
func (h *host) status() policy.HostStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.counted {
		h.count, h.counted = 0, true
		for range h.flows.All() {
			h.count++
		}
	}
	st := policy.HostStatus{
		ID: h.id, State: h.state(), AppliedRevision: h.progress.applied(h.model.snapshot.Revision),
		DesiredRevision: h.progress.desired, Flows: h.count, Drift: h.drift, Problems: h.problemsLocked(),
	}
	if st.State == policy.HostReady && len(h.flows.Problems()) > 0 {
		st.State = policy.HostDegraded
	}
	return st
}

// outOfSync are the states of hosts whose session is not in sync.
var outOfSync = map[phase]policy.HostState{
	phaseNever: policy.HostUnknown, phaseConnecting: policy.HostConnecting, phaseAdopting: policy.HostSyncing,
	phaseDisconnected: policy.HostDisconnected,
}

// state derives what is reported of the session. Both locks are held.
func (h *host) state() policy.HostState {
	if state, ok := outOfSync[h.phase]; ok {
		return state
	}
	switch {
	case len(h.refusals) > 0 || h.cut != flows.Cut{} || !h.seen:
		return policy.HostDegraded
	case h.progress.oldest() != 0:
		return policy.HostSyncing
	}
	return policy.HostReady
}

// slow is how long a switch may take until its operator is told.
const slow = 3 * time.Second

// problemsLocked are what the host's operator should know. Both locks are held.
func (h *host) problemsLocked() []string {
	out := append(h.portProblems(), h.refusalProblems()...)
	if h.left > 0 {
		out = append(out, fmt.Sprintf("%d flows in tables 0 to %d were written by somebody else and are left alone", h.left, flows.LastTable))
	}
	if h.phase == phaseInSync && !h.seen {
		out = append(out, "the database is disconnected: ports that are plugged in or out are not noticed")
	}
	if h.failure != "" && h.phase != phaseInSync {
		out = append(out, "the switch was disconnected: "+h.failure)
	}
	if lag := h.lag(h.model.clock()); lag > slow {
		out = append(out, fmt.Sprintf("the switch has not confirmed changes for %s; %d more wait, at most the newest of each flow",
			lag.Round(time.Second), h.flows.Pending()))
	}
	slices.Sort(out)
	return out
}

// portProblems are those of what sits on the bridge. Both locks are held.
func (h *host) portProblems() []string {
	return append(slices.Clone(h.seating.problems), h.flows.Problems()...)
}

// Behind lists the hosts that the revision concerns and that have not confirmed it, by id. A host that only lacks something
// else is not among them, unless the revision is so old that it is no longer known whom it concerns. Shortly after a start,
// hypervisors that were known before and have not come back yet are among them: which ports they have is not known. A
// revision that the model does not have yet is waited for, a moment. The channel is closed when each of the hosts has
// confirmed something.
func (c *Controller) Behind(revision int64) ([]policy.HostID, <-chan struct{}) {
	return c.lacking(revision, func(m *model) []*host {
		if hosts, known := m.concerned.by(revision); known {
			return hosts
		}
		return m.late.all()
	})
}

// Late lists, as Behind does, the hosts that have not confirmed everything up to the revision.
func (c *Controller) Late(revision int64) ([]policy.HostID, <-chan struct{}) {
	return c.lacking(revision, func(m *model) []*host { return m.late.all() })
}

func (c *Controller) lacking(revision int64, candidates func(*model) []*host) (out []policy.HostID, changed <-chan struct{}) {
	m := c.model
	advance, known := c.modelled(revision)
	m.mu.RLock()
	defer m.mu.RUnlock()
	if !known {
		return m.hostIDs(), advance
	}
	w := newWaiter()
	lacks := func(h *host, is func() bool) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if is() {
			out = append(out, h.id)
			h.await(w)
		}
	}
	for _, h := range candidates(m) {
		if m.hosts[h.id] == h { // It may be forgotten.
			lacks(h, func() bool { return h.progress.behind(revision) })
		}
	}
	if m.clock().Before(m.grace) {
		for _, h := range m.hosts {
			lacks(h, func() bool { return h.returning && h.progress.confirmed == 0 })
		}
	}
	w.ready()
	slices.Sort(out)
	return slices.Compact(out), w.changed
}

// modelled waits until the model has the revision, which the store has told or will tell it; known is false when that takes too long.
func (c *Controller) modelled(revision int64) (advance <-chan struct{}, known bool) {
	advance = c.model.reached.await(revision)
	if advance == nil {
		return nil, true
	}
	patience := time.NewTimer(c.limits.model)
	defer patience.Stop()
	select {
	case <-advance:
		return nil, true
	case <-patience.C:
		return advance, false
	}
}

// queues are what waits for switches.
type queues struct {
	behind  int           // hosts
	pending int           // sets of flows, over all hosts
	lag     time.Duration // of the oldest change that a connected switch has not confirmed
}

// lag is how long the host's switch, which is connected, has not confirmed something. The host's mu is held.
func (h *host) lag(now time.Time) time.Duration {
	if h.session == nil || h.behindSince.IsZero() || h.progress.oldest() == 0 {
		return 0
	}
	if h.session.began.After(h.behindSince) { // What it lacked before it came is not the switch's doing.
		return now.Sub(h.session.began)
	}
	return now.Sub(h.behindSince)
}

// census counts hosts and ports by state, and what waits for switches.
func (m *model) census() (hosts map[policy.HostState]int, ports map[policy.PortState]int, q queues) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	hosts, ports = make(map[policy.HostState]int), make(map[policy.PortState]int)
	for h := range maps.Values(m.hosts) {
		h.mu.Lock()
		hosts[h.state()]++
		if h.progress.oldest() != 0 {
			q.behind++
		}
		q.pending += h.flows.Pending()
		q.lag = max(q.lag, h.lag(m.clock()))
		h.mu.Unlock()
	}
	for _, p := range m.ports.byID {
		ports[m.portStatus(p).State]++
	}
	return hosts, ports, q
}

// drops are the packets that each bridge has dropped, by reason, at the last reading of its counters.
func (m *model) drops() map[policy.HostID]map[string]uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make(map[policy.HostID]map[string]uint64, len(m.hosts))
	for id, h := range m.hosts {
		h.mu.Lock()
		if h.session != nil && h.drops != nil { // Never changed once it is here.
			out[id] = h.drops
		}
		h.mu.Unlock()
	}
	return out
}

// storedHosts lists the hypervisors of the store.
func (m *model) storedHosts() (out []policy.HostID) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for o := range m.snapshot.All(policy.KindHypervisor) {
		out = append(out, policy.HostID(o.Base().ID))
	}
	return out
}

// endpoint is where a hypervisor is to be dialled, "" when it dials us or is gone.
func (m *model) endpoint(id policy.HostID) policy.Endpoint {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if h, ok := policy.Find[*policy.Hypervisor](m.snapshot, id); ok {
		return h.Connect
	}
	return ""
}
