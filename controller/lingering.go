package controller

import (
	"iter"
	"slices"
	"sync"

	"conjunct/flows"
	"conjunct/policy"
)

// stake is what a bridge's flows depend on: a group whose rules are in force there, or a group or IP set that one of these rules
// names.
type stake struct {
	named bool // by a rule; else a group that a port has
	remote
}

// lingering remembers what hosts have nothing to do with any more, though their bridges may, since they have not confirmed that
// yet. A change of it concerns them still: who takes an address out of a group and waits must not be told that all is
// done while a bridge lets the address in by a rule that was deleted before.
//
//	rule deleted, or port without its group ──► lingers ──► the bridge has confirmed everything: forgotten
type lingering struct {
	mu     sync.Mutex
	hosts  map[stake]map[*host]struct{}
	stakes map[*host]map[stake]struct{}
}

func newLingering() *lingering {
	return &lingering{hosts: make(map[stake]map[*host]struct{}), stakes: make(map[*host]map[stake]struct{})}
}

func (l *lingering) add(h *host, s stake) {
	l.mu.Lock()
	defer l.mu.Unlock()
	insert(l.hosts, s, h)
	insert(l.stakes, h, s)
}

// forget is for a host whose bridge is as the model says, or that is gone.
func (l *lingering) forget(h *host) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.stakes[h] {
		remove(l.hosts, s, h)
	}
	delete(l.stakes, h)
}

// late iterates the hosts for which the stake lingers and that have not confirmed everything. The model's mu is held for writing.
func (l *lingering) late(s stake) iter.Seq[*host] {
	return func(yield func(*host) bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for h := range l.hosts[s] {
			if h.progress.oldest() != 0 && !yield(h) {
				return
			}
		}
	}
}

// linger has the group, and what its rules name, linger for the host, which does not use it any more.
func (h *host) linger(group policy.Number) {
	l := h.model.lingering
	l.add(h, stake{false, remote{false, group}})
	if g := h.model.source.groups[group]; g != nil {
		for _, r := range remotesOf(g) {
			l.add(h, stake{true, r})
		}
	}
}

// lingerUnless has what the group's rules name linger for its users, but for what they are to name still.
func (m *model) lingerUnless(group policy.Number, rules *flows.Group) {
	old := m.source.groups[group]
	if old == nil {
		return
	}
	var still []remote
	if rules != nil {
		still = remotesOf(rules)
	}
	for _, r := range remotesOf(old) {
		if slices.Contains(still, r) {
			continue
		}
		for h := range m.users[group] {
			m.lingering.add(h, stake{true, r})
		}
	}
}
