package controller

import (
	"slices"

	"conjunct/flows"
	"conjunct/ovsdb"
	"conjunct/policy"
)

// usage is a host that counts as a user of groups because a port is expected there.
type usage struct {
	host   *host
	groups policy.NumberSet
}

func (m *model) usesOf(p *port) usage {
	return usage{m.hosts[p.expected], p.groups}
}

// expect moves what the port makes its expected host a user of, and touches hosts where it is expected and not seen: they
// have not confirmed anything about it.
func (m *model) expect(p *port, before usage, touched touches) {
	after := m.usesOf(p)
	if after.host != nil {
		after.host.use(after.groups)
		if p.at(after.host) == nil {
			after.host.concern(touched)
		}
	}
	if before.host != nil {
		before.host.unuse(before.groups)
	}
}

// lookAtPlugs plugs the port in where its interface is seen, with what it is now, and takes it out elsewhere.
func (m *model) lookAtPlugs(p *port, touched touches) {
	for _, pl := range slices.Backward(p.plugs) {
		if p.view == nil || pl.seat.iface != p.iface {
			m.unplug(pl)
			pl.host.concern(touched)
		}
	}
	if p.view == nil {
		return
	}
	for _, h := range m.seated[p.iface] {
		for _, s := range h.seating.seats {
			if s.iface == p.iface {
				m.plug(h, s, p)
			}
		}
		h.concern(touched)
	}
}

// plug gives the port its seat, or brings the flows of one that sits there up to date.
func (m *model) plug(h *host, s seat, p *port) {
	pl := h.plugs[s.ofport]
	if pl != nil && pl.port != p {
		m.unplug(pl)
		pl = nil
	}
	wanted := flows.PortOf(p.view, s.ofport)
	if pl == nil {
		pl = &plug{host: h, port: p}
		h.plugs[s.ofport] = pl
		p.plugs = append(p.plugs, pl)
		h.unsettle(pl, false)
	} else if pl.seat != s || h.flows.Port(s.ofport).MAC != wanted.MAC {
		h.unsettle(pl, false)
	}
	pl.seat = s
	h.use(p.groups)
	h.flows.SetPort(wanted)
	h.unuse(pl.groups)
	pl.groups = p.groups
}

func (m *model) unplug(pl *plug) {
	h, p := pl.host, pl.port
	h.flows.RemovePort(pl.seat.ofport)
	h.unuse(pl.groups)
	delete(h.plugs, pl.seat.ofport)
	delete(h.unsettled, pl)
	p.plugs = slices.DeleteFunc(p.plugs, func(other *plug) bool { return other == pl })
	h.remark()
}

// unsettle notes that the bridge lacks flows of the plug; sent: they are on their way.
func (h *host) unsettle(pl *plug, sent bool) {
	pl.confirmed, pl.sent = 0, sent
	h.unsettled[pl] = struct{}{}
	h.remark()
}

// at is the port's plug on the host; nil when it is not plugged in there.
func (p *port) at(h *host) *plug {
	for _, pl := range p.plugs {
		if pl.host == h {
			return pl
		}
	}
	return nil
}

// reseat takes over who sits where from the host's database.
func (m *model) reseat(h *host, s *ovsdb.Snapshot, bridge string) {
	defer m.news.spread()
	if h.seatedAs(s, bridge) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seat(h, seatingOf(s, bridge, h.gone))
	h.hear(s)
}

// seatedAs reports whether everybody sits where they sat, which is then taken note of.
func (h *host) seatedAs(s *ovsdb.Snapshot, bridge string) (same bool) {
	h.look(func() {
		if same = h.seating.equal(seatingOf(s, bridge, h.gone)); same {
			h.hear(s)
		}
	})
	return same
}

// hear takes note that the database has told the seating.
func (h *host) hear(s *ovsdb.Snapshot) {
	h.snapshot, h.seen = s, true
	if h.told != nil {
		close(h.told)
		h.told = nil
	}
}

// portMoved follows what the switch says of a port: one that is deleted loses its flows at once, before the database tells.
func (m *model) portMoved(h *host, ofport uint16, deleted bool, bridge string) {
	m.mu.Lock()
	defer m.news.spread()
	defer m.mu.Unlock()
	switch {
	case deleted:
		h.gone[ofport] = true
		delete(h.back, ofport)
		if h.snapshot != nil {
			m.seat(h, seatingOf(h.snapshot, bridge, h.gone))
			poke(h.settle)
		}
	case h.gone[ofport]:
		h.back[ofport] = true // It may be another VM's: the database decides.
		poke(h.settle)
	}
}

// switchGone forgets what the switch said of its ports, once the database has been heard.
func (m *model) switchGone(h *host) {
	h.look(func() {
		for n := range h.gone {
			h.back[n] = true
		}
	})
	poke(h.settle)
	m.leave(h)
}

// seat takes over who sits where on the host.
func (m *model) seat(h *host, now seating) {
	old := h.seating
	h.seating = now
	for _, s := range old.seats {
		if now.seats[s.ofport] != s {
			if pl := h.plugs[s.ofport]; pl != nil {
				m.unplug(pl)
			}
			m.unseat(s.iface, h)
		}
	}
	for _, s := range now.seats {
		if at := m.seated[s.iface]; !slices.Contains(at, h) {
			m.seated[s.iface] = append(at, h)
		}
		if p := m.ports.byIface[s.iface]; p != nil && old.seats[s.ofport] != s {
			m.plug(h, s, p)
		}
	}
	h.flows.SetUplinks(now.uplinks)
	if h.flows.Dirty() {
		poke(h.dirty)
	}
}

// unseat forgets that the interface was seen on the host.
func (m *model) unseat(iface string, h *host) {
	left := slices.DeleteFunc(m.seated[iface], func(other *host) bool { return other == h })
	if m.seated[iface] = left; len(left) == 0 {
		delete(m.seated, iface)
	}
}
