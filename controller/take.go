package controller

import (
	"maps"
	"time"

	"conjunct/flows"
	"conjunct/openflow"
)

// taken is what a session took from the model to bring the bridge up to date.
type taken struct {
	changes  flows.Changes
	revision int64
	since    time.Time // when the store accepted the oldest change in it; zero when none did
}

// take takes what has changed since the last take.
func (h *host) take() taken {
	h.model.mu.RLock()
	defer h.model.mu.RUnlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.takeLocked()
}

func (h *host) takeLocked() taken {
	t := taken{changes: h.changes(), revision: h.model.snapshot.Revision, since: h.since}
	h.progress.take(t.revision)
	h.since = time.Time{}
	for pl := range h.unsettled {
		pl.sent = true
	}
	return t
}

// changes takes what has changed in the host's flows, and goes on counting them.
func (h *host) changes() flows.Changes {
	c := h.flows.Changes()
	h.count += c.Grown
	h.counted, h.summed = h.counted && !c.Full, h.summed && !c.Full
	if h.summed {
		h.follow(&c)
	}
	return c
}

// follow moves the sum of the flows on.
func (h *host) follow(c *flows.Changes) {
	for _, list := range [][]openflow.Flow{c.Replaced, c.Delete} {
		for i := range list {
			h.model.hasher.Remove(&h.sum, &list[i])
		}
	}
	for i := range c.Add {
		h.model.hasher.Add(&h.sum, &c.Add[i])
	}
}

// takeEqual takes everything if the bridge, of which the sum is given, is as it should be: then nothing has to be sent. A switch that comes
// back costs no look at all that is wanted, where the sum of it is known.
func (h *host) takeEqual(have openflow.FlowSum) (t taken, is occupants, equal bool) {
	defer h.lockLong()()
	want := h.sum
	if !h.summed || h.flows.Dirty() {
		want = h.wanted()
	}
	if want != have {
		return taken{}, nil, false
	}
	t = h.takeLocked()
	h.sum, h.summed, h.count, h.counted = want, true, want.Flows, true
	return t, maps.Collect(h.flows.Classified()), true
}

// presum sums what is wanted ahead of takeEqual. The changes that it takes are part of that.
func (h *host) presum() {
	defer h.lockLong()()
	h.changes()
	h.sum, h.summed = h.wanted(), true
}

// wanted sums what is wanted.
func (h *host) wanted() (sum openflow.FlowSum) {
	for f := range h.flows.All() {
		h.model.hasher.Add(&sum, &f)
	}
	return sum
}

// holds reports whether the sum is that of the flows that were taken last; afresh has it computed from what is wanted.
func (h *host) holds(have openflow.FlowSum, afresh bool) bool {
	defer h.lockLong()()
	// Of a host with changes that are not taken yet, what is wanted is not what was taken.
	if !h.flows.Dirty() && (afresh || !h.summed) {
		h.sum, h.summed = h.wanted(), true
	}
	return h.summed && h.sum == have
}

// takeAll takes everything: how the bridge differs from it, and which differences follow from changes that were not sent yet.
func (h *host) takeAll(have installed) (taken, comparison, map[openflow.FlowKey]struct{}) {
	defer h.lockLong()()
	t := h.takeLocked()
	unsent := make(map[openflow.FlowKey]struct{})
	for _, list := range [][]openflow.Flow{t.changes.Add, t.changes.Delete} {
		for i := range list {
			unsent[list[i].Key()] = struct{}{}
		}
	}
	sum, summed := openflow.FlowSum{}, len(have) > 0 // A switch that has nothing waits: the first check sums.
	c := compare(have, func(yield func(openflow.Flow) bool) {
		for f := range h.flows.All() {
			if summed {
				h.model.hasher.Add(&sum, &f)
			}
			if !yield(f) {
				return
			}
		}
	})
	h.sum, h.summed, h.count, h.counted = sum, summed, c.wanted, true
	return t, c, unsent
}

// confirm notes that what was taken is on the bridge.
func (h *host) confirm() {
	h.model.mu.RLock()
	h.mu.Lock()
	h.progress.confirm()
	h.model.late.note(h)
	if h.progress.oldest() == 0 {
		h.model.lingering.forget(h)
	}
	h.behindSince = h.since // of what came while the bundle was under way
	for pl := range h.unsettled {
		if pl.sent {
			pl.confirmed, pl.sent = max(1, h.progress.taken), false
			delete(h.unsettled, pl)
			poke(h.settle)
		}
	}
	h.phase = phaseInSync
	h.wake()
	h.mu.Unlock()
	h.model.mu.RUnlock()
	h.model.news.spread()
}

// unconfirm notes that the bridge lacks the flows of the ports; they are on their way.
func (h *host) unconfirm(ofports []uint16) {
	if len(ofports) == 0 {
		return
	}
	h.change(func() {
		for _, n := range ofports {
			if pl := h.plugs[n]; pl != nil {
				h.unsettle(pl, true)
			}
		}
	})
}

// fail notes that it is not known what is on the bridge.
func (h *host) fail() {
	h.change(func() {
		h.progress.fail()
		for pl := range h.unsettled {
			pl.sent = false
		}
	})
}

// change changes the host's own state and tells those who wait.
func (h *host) change(fn func()) {
	h.model.mu.RLock()
	h.mu.Lock()
	fn()
	h.mu.Unlock()
	h.model.mu.RUnlock()
	h.model.news.spread()
}

// lockLong holds both locks for reading for long, until the returned function is called.
func (h *host) lockLong() (unlock func()) {
	h.model.long <- struct{}{}
	h.model.mu.RLock()
	h.mu.Lock()
	return func() {
		h.mu.Unlock()
		h.model.mu.RUnlock()
		<-h.model.long
	}
}

// look reads the host's own state.
func (h *host) look(fn func()) {
	h.model.mu.RLock()
	defer h.model.mu.RUnlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	fn()
}
