package controller

import (
	"sync"
	"time"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/ovsdb"
	"conjunct/policy"
)

// phase is what a host's session is at.
type phase uint8

const (
	phaseNever        phase = iota // not seen yet
	phaseConnecting                // its database or its switch is missing
	phaseAdopting                  // both are there; the bridge is being compared
	phaseInSync                    // the bridge holds what was wanted at the last flush
	phaseDisconnected              // was in sync, and its switch is gone
)

// host is one hypervisor: what its bridge should hold, and what is known of it. The fields below mu are used as model.mu says.
type host struct {
	id    policy.HostID
	model *model
	// Tokens: dirty, there may be something to flush; settle, the database has to be looked at, or written to; audit, the
	// bridge is to be compared before the timer says so; reread, so are the hit counters to be read.
	dirty, settle, audit, reread chan struct{}

	database claim // who speaks to its ovsdb-server
	channel  claim // who speaks to its switch

	mu     sync.Mutex
	flows  *flows.Host
	stored bool // a Hypervisor object exists
	visits int  // connections of databases
	// returning hosts were known when the controller started.
	returning bool
	seating   seating
	seen      bool            // the database has told the seating, and its connection lives
	told      chan struct{}   // closed when seen becomes true; nil while nobody waits for that
	snapshot  *ovsdb.Snapshot // that the seating is from
	client    *ovsdb.Client   // nil without a connection
	root      ovsdb.UUID      // of the database; another one is another machine
	// gone are ports that the switch has reported as deleted, back those of them that it has reported again: they count as
	// gone until the database, too, has been heard after that.
	gone, back map[uint16]bool
	plugs      map[uint16]*plug // by ofport
	// unsettled are the plugs whose flows the bridge is not known to have all of: few, most of the time.
	unsettled map[*plug]struct{}
	unmarked  bool // plugs changed since marks that are untrue were cleared
	uses      map[policy.Number]int
	progress  progress
	since     time.Time // when the oldest change that waits was accepted by the store
	// behindSince is when the oldest change that is not confirmed was; zero when all are, or nobody knows.
	behindSince time.Time

	session  *session          // nil without a switch
	drops    map[string]uint64 // packets that the bridge has dropped, by reason, at the last reading
	phase    phase
	failure  string // why the last session ended
	drift    policy.Drift
	count    int              // flows wanted,
	counted  bool             // and whether that is still so
	sum      openflow.FlowSum // of the flows that were taken last,
	summed   bool             // and whether that is known
	refusals map[openflow.FlowKey]refusal
	cut      flows.Cut // what the bridge cuts off, or is about to, for the refusals
	left     int       // foreign flows that are known and left alone
	waiters  []*waiter // for the host to confirm something
}

// plug is a port in its seat.
type plug struct {
	host *host
	port *port
	seat seat
	// groups are those for which the host counts as a user because of this plug.
	groups policy.NumberSet
	// sent tells that its flows are on their way, confirmed at which revision the bridge had them all; 0: not yet, it is unsettled.
	sent      bool
	confirmed int64
}

// refusal is a flow that the switch did not take.
type refusal struct {
	flow openflow.Flow
	err  error
}

func newHost(m *model, id policy.HostID) *host {
	return &host{
		id: id, model: m, dirty: make(chan struct{}, 1), settle: make(chan struct{}, 1), audit: make(chan struct{}, 1), reread: make(chan struct{}, 1),
		flows: flows.NewHost(m.source), gone: make(map[uint16]bool), back: make(map[uint16]bool),
		plugs: make(map[uint16]*plug), unsettled: make(map[*plug]struct{}), uses: make(map[policy.Number]int),
	}
}

// poke leaves a token.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// concern notes that the batch under way may change the host's flows, or what its bridge has of flows that are not wanted any more.
func (h *host) concern(touched touches) {
	if h.flows.Dirty() || h.progress.oldest() != 0 {
		touched[h] = struct{}{}
	}
}

// remark has the installed marks looked at, and those that are untrue cleared before the next flows: a plug is another.
func (h *host) remark() {
	h.unmarked = true
	poke(h.settle)
}

// touch notes that the revision concerns the host, and wakes it.
func (h *host) touch(before, revision int64, accepted time.Time) {
	if h.progress.oldest() == 0 {
		h.behindSince = accepted
	}
	h.progress.touch(before, revision)
	h.model.late.note(h)
	if h.since.IsZero() {
		h.since = accepted
	}
	poke(h.dirty)
}

// use counts the host as a user of the groups, unuse takes that back.
func (h *host) use(groups policy.NumberSet) {
	for n := range groups.All() {
		if h.uses[n]++; h.uses[n] == 1 {
			insert(h.model.users, n, h)
		}
	}
}

func (h *host) unuse(groups policy.NumberSet) {
	for n := range groups.All() {
		if h.uses[n]--; h.uses[n] == 0 {
			delete(h.uses, n)
			remove(h.model.users, n, h)
			h.linger(n)
		}
	}
}

// lookAtHost makes or forgets a host as the store has a Hypervisor or not. One that is connected is not forgotten.
func (m *model) lookAtHost(id policy.HostID) {
	_, stored := policy.Find[*policy.Hypervisor](m.snapshot, id)
	h := m.hosts[id]
	if h == nil && stored {
		h = m.addHost(id)
	}
	if h != nil {
		h.stored = stored
		m.forget(h)
	}
}

// visit returns the host of the id, which may be unknown to the store, for a connection of its database.
func (m *model) visit(id policy.HostID) *host {
	if h := m.revisit(id); h != nil {
		return h
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.hosts[id]
	if h == nil {
		h = m.addHost(id)
	}
	h.visits++
	return h
}

// revisit is visit for a host that is known, nil for another. Hosts that come and go are not to wait for each other, nor to keep
// others from computing their flows: only what changes the model itself holds its mu for writing.
func (m *model) revisit(id policy.HostID) *host {
	m.mu.RLock()
	defer m.mu.RUnlock()
	h := m.hosts[id]
	if h != nil {
		h.mu.Lock()
		h.visits++
		h.mu.Unlock()
	}
	return h
}

// endVisit is the opposite of visit.
func (m *model) endVisit(h *host) {
	h.change(func() { h.visits-- })
	m.leave(h)
}

// leave forgets the host if nobody knows it any more.
func (m *model) leave(h *host) {
	var unknown bool
	h.look(func() { unknown = h.unknown() })
	if unknown {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.forget(h)
	}
}

func (h *host) unknown() bool { return !h.stored && h.visits == 0 && h.session == nil }

func (m *model) addHost(id policy.HostID) *host {
	h := newHost(m, id)
	m.hosts[id] = h
	return h
}

// forget drops a host that neither the store nor a connection knows.
func (m *model) forget(h *host) {
	if !h.unknown() || m.hosts[h.id] != h {
		return
	}
	m.seat(h, seating{})
	delete(m.hosts, h.id)
	m.late.forget(h)
	m.lingering.forget(h)
	h.wake()
}
