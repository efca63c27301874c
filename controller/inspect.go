package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/policy"
)

// errNotConnected is the answer of DiffFlows when there is no switch to ask.
var errNotConnected = errors.New("the hypervisor's switch is not connected")

// DesiredFlows are a host's wanted flows in ovs-ofctl syntax, by table, priority and match, each after a comment that says
// why it is there.
func (c *Controller) DesiredFlows(id policy.HostID) ([]string, error) {
	m := c.model
	m.mu.RLock()
	defer m.mu.RUnlock()
	h := m.hosts[id]
	if h == nil {
		return nil, &policy.NotFound{Kind: policy.KindHypervisor, ID: string(id)}
	}
	h.mu.Lock()
	wanted := slices.SortedFunc(h.flows.All(), flows.Compare)
	h.mu.Unlock()
	names := m.names()
	out := make([]string, 0, 2*len(wanted))
	for i := range wanted {
		out = append(out, "# "+names.purpose(&wanted[i]), wanted[i].String())
	}
	return out, nil
}

// DiffFlows asks the host's switch for its flows and compares.
func (c *Controller) DiffFlows(id policy.HostID) (policy.FlowDiff, error) {
	m := c.model
	m.mu.RLock()
	h := m.hosts[id]
	m.mu.RUnlock()
	if h == nil {
		return policy.FlowDiff{}, &policy.NotFound{Kind: policy.KindHypervisor, ID: string(id)}
	}
	var s *session
	h.look(func() { s = h.session })
	if s == nil {
		return policy.FlowDiff{}, fmt.Errorf("compare %s: %w", id, errNotConnected)
	}
	have, err := s.dump(context.Background())
	if err != nil {
		return policy.FlowDiff{}, err
	}
	var diff comparison
	h.look(func() { diff = compare(have, h.flows.All()) })
	return policy.FlowDiff{
		Missing: texts(diff.missing), Changed: texts(diff.changed), Extra: texts(slices.Concat(diff.stale, diff.foreign)),
	}, nil
}

func texts(list []openflow.Flow) []string {
	out := make([]string, 0, len(list))
	for i := range list {
		out = append(out, list[i].String())
	}
	return out
}
