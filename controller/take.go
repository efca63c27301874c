package controller

import (
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
	for _, pl := range h.plugs {
		if pl.confirmed == 0 {
			pl.sent = true
		}
	}
	return t
}

// changes takes what has changed in the host's flows, and goes on counting them.
func (h *host) changes() flows.Changes {
	c := h.flows.Changes()
	h.count += c.Grown
	h.counted = h.counted && !c.Full
	return c
}

// takeAll takes everything: how the bridge differs from it, and which differences follow from changes that were not sent yet.
func (h *host) takeAll(have installed) (taken, comparison, map[openflow.FlowKey]struct{}) {
	h.model.long <- struct{}{}
	defer func() { <-h.model.long }()
	h.model.mu.RLock()
	defer h.model.mu.RUnlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.takeLocked()
	unsent := make(map[openflow.FlowKey]struct{})
	for _, list := range [][]openflow.Flow{t.changes.Add, t.changes.Delete} {
		for i := range list {
			unsent[list[i].Key()] = struct{}{}
		}
	}
	c := compare(have, h.flows.All())
	h.count, h.counted = c.wanted, true
	return t, c, unsent
}

// confirm notes that what was taken is on the bridge.
func (h *host) confirm() {
	h.model.mu.RLock()
	h.mu.Lock()
	h.progress.confirm()
	h.behindSince = h.since // of what came while the bundle was under way
	for _, pl := range h.plugs {
		if pl.sent && pl.confirmed == 0 {
			pl.confirmed = max(1, h.progress.taken)
			poke(h.settle)
		}
		pl.sent = false
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
				pl.confirmed, pl.sent = 0, true
				h.remark()
			}
		}
	})
}

// fail notes that it is not known what is on the bridge.
func (h *host) fail() {
	h.change(func() {
		h.progress.fail()
		for _, pl := range h.plugs {
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

// look reads the host's own state.
func (h *host) look(fn func()) {
	h.model.mu.RLock()
	defer h.model.mu.RUnlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	fn()
}
