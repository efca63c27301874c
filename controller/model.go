package controller

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"conjunct/flows"
	"conjunct/members"
	"conjunct/openflow"
	"conjunct/policy"
)

// model is everything that is wanted, kept up to date batch by batch, and what each host should have of it.
//
//	batch ──► snapshot ──► affected ports, groups, entries ──► source ──► the hosts that refer to it
//
// mu guards all of it. Whoever changes the snapshot or the source holds it for writing. A host's own state may also be
// used, and changed, while holding mu for reading and the host's mu: so hosts compute their flows side by side.
type model struct {
	mu       sync.RWMutex
	snapshot *policy.Snapshot
	source   *source
	ports    *ports
	groups   *groups
	entries  map[policy.EntryID]listing
	hosts    map[policy.HostID]*host
	seated   map[string][]*host                   // iface-id → hosts where it was seen
	users    map[policy.Number]map[*host]struct{} // group → hosts with a port that has it, seen or expected

	late      late
	concerned concerned
	lingering *lingering
	reached   reached
	// long holds a token for everybody who reads for long: who wants to write waits for all of them, and more than there are
	// processors get no more done.
	long   chan struct{}
	mirror *members.Mirror // nil without Redis
	news   *news
	clock  func() time.Time
	hasher *openflow.FlowHasher
	// grace is until when hosts that were known before the start and were not adopted yet count as behind: they may be on
	// their way back.
	grace time.Time
	// deltas are those of the groups' directory since the batch began, for the mirror; nil without one.
	deltas []members.Delta
}

func newModel(mirror *members.Mirror, clock func() time.Time) *model {
	return &model{
		snapshot: policy.NewSnapshot(""), source: newSource(), ports: newPorts(), groups: newGroups(),
		entries: make(map[policy.EntryID]listing), hosts: make(map[policy.HostID]*host),
		seated: make(map[string][]*host), users: make(map[policy.Number]map[*host]struct{}),
		long: make(chan struct{}, runtime.GOMAXPROCS(0)), mirror: mirror, news: newNews(), clock: clock,
		hasher: openflow.NewFlowHasher(), late: late{hosts: make(map[*host]struct{})}, reached: reached{waiting: make(map[int64]chan struct{})},
		lingering: newLingering(),
	}
}

// graceTime is how long hypervisors have after a start of the controller to be counted on: their own pause between attempts is
// 8 s at most.
const graceTime = 10 * time.Second

// load takes over the state of the store, once, before the first batch. The snapshot is the model's from then on.
func (m *model) load(s *policy.Snapshot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.snapshot = s
	m.settle(m.everything(), 0, time.Time{})
	m.deltas = nil // The mirror begins with everything.
	m.grace = m.clock().Add(graceTime)
	for _, h := range m.hosts {
		h.returning = true
	}
}

// applied is what came of a batch: the hypervisors that it is about, and when the store accepted it.
type applied struct {
	hosts    []policy.HostID
	accepted time.Time
}

// apply takes over batches of the store that follow each other. Who writes waits for all that read meanwhile, once for all of them.
func (m *model) apply(batches ...policy.Batch) []applied {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]applied, 0, len(batches))
	for _, b := range batches {
		is := applied{accepted: m.acceptedAt(b)}
		is.hosts = m.applyLocked(b, is.accepted)
		m.offer(b)
		out = append(out, is)
	}
	return out
}

// acceptedAt is when the store accepted the batch, as the objects in it tell; the present when it only deletes.
func (m *model) acceptedAt(b policy.Batch) time.Time {
	var at time.Time
	for _, c := range b.Changes {
		if c.Object != nil && c.Object.Base().UpdatedAt.After(at) {
			at = c.Object.Base().UpdatedAt
		}
	}
	if at.IsZero() {
		return m.clock()
	}
	return at
}

func (m *model) applyLocked(b policy.Batch, accepted time.Time) []policy.HostID {
	before := m.snapshot.Revision
	for _, c := range b.Changes {
		if c.Object == nil {
			m.snapshot.Delete(c.Kind, c.ID)
		} else {
			m.snapshot.Put(c.Object)
		}
	}
	m.snapshot.Revision = b.Revision
	return m.settle(m.affectedBy(b), before, accepted)
}

// settle brings what is affected up to date with the snapshot; before is the revision that it had. It returns the hypervisors among it.
func (m *model) settle(a *affected, before int64, accepted time.Time) []policy.HostID {
	revision := m.snapshot.Revision
	hosts := make([]policy.HostID, 0, len(a.hosts))
	for id := range a.hosts {
		m.lookAtHost(id)
		hosts = append(hosts, id)
	}
	touched := make(touches)
	for id := range a.entries {
		m.lookAtEntry(id, touched)
	}
	for _, p := range m.settlePorts(a, touched) {
		m.lookAtPlugs(p, touched)
	}
	for h := range touched {
		h.touch(before, revision, accepted)
		if h.session == nil && h.progress.confirmed != 0 {
			h.changes() // The next session compares the whole bridge; nothing is to pile up until then.
		}
	}
	m.concerned.note(revision, touched)
	m.reached.advance(revision)
	m.news.spread()
	return hosts
}

// touches are the hosts that a batch concerns.
type touches map[*host]struct{}

// settlePorts brings the affected ports' listings and the affected groups' rules up to date. A port is looked at
// before the groups, whose rules it may name it by, and again when a group that it has
// changed in a way that ports depend on. It returns the ports whose flows may be others now.
func (m *model) settlePorts(a *affected, touched touches) []*port {
	settled := make(map[*port]struct{}, len(a.ports))
	settle := func(ids map[policy.PortID]struct{}) {
		for id := range ids {
			if p := m.lookAtPort(id, touched); p != nil {
				settled[p] = struct{}{}
			}
		}
	}
	settle(a.ports)
	dependent := affected{model: m, ports: make(map[policy.PortID]struct{})}
	for id := range a.groups {
		if m.lookAtGroup(id, touched) {
			dependent.topic(topic{policy.KindGroup, string(id)})
		}
	}
	settle(dependent.ports)
	out := make([]*port, 0, len(settled))
	for p := range settled {
		out = append(out, p)
	}
	return out
}

// lookAtEntry lists what the IP set entry says.
func (m *model) lookAtEntry(id policy.EntryID, touched touches) {
	old, had := m.entries[id]
	var fresh listing
	e, ok := policy.Find[*policy.Entry](m.snapshot, id)
	if ok {
		var set *policy.IPSet
		if set, ok = policy.Find[*policy.IPSet](m.snapshot, e.IPSetID); ok {
			fresh = listing{0, set.Number, e.CIDR.Prefix().Masked(), string(id)}
		}
	}
	if had && ok && old == fresh {
		return
	}
	var add, remove []listing
	if ok {
		m.entries[id], add = fresh, []listing{fresh}
	}
	if had {
		remove = []listing{old}
	}
	if !ok {
		delete(m.entries, id)
	}
	m.relist(true, add, remove, touched)
}

// lookAtPort lists the port under its groups and returns it; nil when it was unknown and still is.
func (m *model) lookAtPort(id policy.PortID, touched touches) *port {
	p, known := m.ports.byID[id]
	v, ok := m.snapshot.PortView(id)
	if !known && !ok {
		return nil
	}
	if !known {
		p = &port{id: id}
	}
	had, uses := p.listings(), m.usesOf(p)
	m.ports.drop(p)
	if ok {
		p.settle(v)
		m.ports.put(p)
	} else {
		p.view, p.expected, p.groups, p.prefixes, p.iface = nil, "", "", nil, ""
	}
	has := p.listings()
	m.relist(false, without(has, had), without(had, has), touched)
	m.expect(p, uses, touched)
	return p
}

// lookAtGroup reads the group's rules. It reports whether something about the group changed that its ports depend on.
func (m *model) lookAtGroup(id policy.GroupID, touched touches) (ports bool) {
	old, had := m.groups.byID[id]
	g, ok := policy.Find[*policy.Group](m.snapshot, id)
	var fresh group
	var rules *flows.Group
	if ok {
		fresh, rules = groupOf(m.snapshot, g)
	}
	if had && (!ok || old.number != fresh.number) {
		m.groups.drop(id)
		m.setRules(old.number, nil, touched)
	}
	if ok {
		m.groups.put(id, fresh)
		m.setRules(fresh.number, rules, touched)
	}
	return had != ok || old != fresh
}

func (m *model) setRules(n policy.Number, rules *flows.Group, touched touches) {
	m.lingerUnless(n, rules)
	m.source.setGroup(n, rules)
	for h := range m.users[n] {
		h.flows.GroupChanged(n)
		h.concern(touched)
	}
	for h := range m.lingering.late(stake{false, remote{false, n}}) {
		touched[h] = struct{}{}
	}
}

// relist changes a directory and tells the hosts of it once: an address that goes from one group to another would else have a
// class of its own for a moment, which means flows that come and go.
func (m *model) relist(set bool, add, remove []listing, touched touches) {
	var deltas []members.Delta
	for _, l := range add {
		deltas = append(deltas, m.source.list(set, l)...)
	}
	for _, l := range remove {
		deltas = append(deltas, m.source.unlist(set, l)...)
	}
	if len(add)+len(remove) > 1 {
		deltas = members.Merge(deltas)
	}
	m.deliver(set, deltas, touched)
}

// deliver tells the hosts that refer to one of the sets, right after the directory changed.
func (m *model) deliver(set bool, deltas []members.Delta, touched touches) {
	for _, d := range deltas {
		told := make(map[*host]struct{})
		for n := range d.OwnBefore.Union(d.OwnAfter).All() {
			for h := range m.lingering.late(stake{true, remote{set, n}}) {
				touched[h] = struct{}{}
			}
			for g := range m.source.namedBy[remote{set, n}] {
				for h := range m.users[g] {
					if _, already := told[h]; already {
						continue
					}
					told[h] = struct{}{}
					if set {
						h.flows.EntriesChanged(flows.Delta(d))
					} else {
						h.flows.MembersChanged(flows.Delta(d))
					}
					h.concern(touched)
				}
			}
		}
	}
	if !set && m.mirror != nil {
		m.deltas = append(m.deltas, deltas...)
	}
}

// hostIDs lists the hosts that are known, sorted.
func (m *model) hostIDs() []policy.HostID {
	out := make([]policy.HostID, 0, len(m.hosts))
	for id := range m.hosts {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}
