package controller

import (
	"context"
	"net/netip"

	"conjunct/members"
	"conjunct/policy"
)

// offer hands the batch's changes of group members to the mirror, which never waits.
func (m *model) offer(b policy.Batch) {
	if m.mirror == nil {
		return
	}
	for _, c := range b.Changes {
		if c.Kind == policy.KindGroup && (c.Before == nil || c.Object == nil) {
			m.mirror.Offer(members.Update{Revision: b.Revision, Group: policy.GroupID(c.ID)})
		}
	}
	for _, u := range m.source.members.Updates(b.Revision, m.deltas, m.groupID) {
		m.mirror.Offer(u)
	}
	m.deltas = nil
}

func (m *model) groupID(n policy.Number) (policy.GroupID, bool) {
	id, ok := m.groups.byNumber[n]
	return id, ok
}

// mirrorSource is where the mirror looks when it does not know.
type mirrorSource struct{ m *model }

func (s mirrorSource) Groups(context.Context) (int64, []policy.GroupID, error) {
	s.m.mu.RLock()
	defer s.m.mu.RUnlock()
	out := make([]policy.GroupID, 0, len(s.m.groups.byID))
	for id := range s.m.groups.byID {
		out = append(out, id)
	}
	return s.m.snapshot.Revision, out, nil
}

func (s mirrorSource) Members(_ context.Context, id policy.GroupID) (int64, []netip.Prefix, bool, error) {
	s.m.mu.RLock()
	defer s.m.mu.RUnlock()
	g, ok := s.m.groups.byID[id]
	if !ok {
		return s.m.snapshot.Revision, nil, false, nil
	}
	return s.m.snapshot.Revision, s.m.source.members.Everywhere(g.number), true, nil
}
