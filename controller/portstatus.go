package controller

import (
	"cmp"
	"fmt"

	"conjunct/policy"
)

// Port tells how far a port is; one that the store does not have is unbound.
func (c *Controller) Port(id policy.PortID) policy.PortStatus {
	m := c.model
	m.mu.RLock()
	defer m.mu.RUnlock()
	p := m.ports.byID[id]
	if p == nil {
		return policy.PortStatus{State: policy.PortUnbound}
	}
	return m.portStatus(p)
}

// Changed is closed when the port is not what it is now.
func (c *Controller) Changed(id policy.PortID) <-chan struct{} {
	return c.model.news.port(id, c.Port(id))
}

// rank orders what is known of a port that is on several hosts: the best counts.
var rank = map[policy.PortState]int{policy.PortActive: 0, policy.PortDegraded: 1, policy.PortPending: 2, policy.PortFailed: 3, policy.PortUnbound: 4}

// portStatus chooses among the hosts where the port's interface was seen: during a migration, the one it is expected on, if it
// is as good there as elsewhere. The caller holds mu.
func (m *model) portStatus(p *port) policy.PortStatus {
	var best policy.PortStatus
	consider := func(st policy.PortStatus) {
		if best.State == "" || p.prefers(&st, &best) {
			best = st
		}
	}
	for _, pl := range p.plugs {
		consider(pl.host.plugStatus(pl))
	}
	if h := m.hosts[p.expected]; h != nil {
		if why := h.refusedSeat(p.iface); why != "" {
			consider(policy.PortStatus{State: policy.PortFailed, HostID: h.id, Problem: why})
		}
	}
	switch {
	case best.State != "":
		return best
	case p.expected == "":
		return policy.PortStatus{State: policy.PortUnbound}
	}
	return policy.PortStatus{State: policy.PortPending, HostID: p.expected}
}

// prefers reports whether a is to be told of the port rather than b.
func (p *port) prefers(a, b *policy.PortStatus) bool {
	return cmp.Or(cmp.Compare(rank[a.State], rank[b.State]),
		-cmpBool(a.HostID == p.expected, b.HostID == p.expected), cmp.Compare(a.HostID, b.HostID)) < 0
}

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (h *host) refusedSeat(iface string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seating.refused[iface]
}

// plugStatus is what one host says of a port in its seat.
func (h *host) plugStatus(pl *plug) policy.PortStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := policy.PortStatus{
		State: policy.PortPending, HostID: h.id, OFPort: int(pl.seat.ofport),
		AppliedRevision: h.progress.applied(h.model.snapshot.Revision),
	}
	refused, isRefused := h.refuses(pl.port.view.Port.Number)
	cut := h.whyCut(pl.seat.ofport)
	switch {
	case isRefused:
		st.State, st.Problem = policy.PortFailed, fmt.Sprintf("the switch refuses its flow %s: %v", refused.flow.String(), refused.err)
	case cut != "":
		st.State, st.Problem = policy.PortFailed, cut
	case pl.confirmed == 0:
		st.AppliedRevision = 0
	case h.phase == phaseInSync:
		st.State = policy.PortActive
	case h.phase == phaseAdopting:
		st.State, st.Problem = policy.PortDegraded, "its hypervisor's bridge is being compared with what it should be"
	default:
		st.State, st.Problem = policy.PortDegraded, "its hypervisor's switch is disconnected and goes on with the flows it has"
	}
	return st
}
