package controller

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"

	"conjunct/policy"
)

// DatapathID is what the bridge of a hypervisor calls itself over OpenFlow: a function of the system-id, so that every
// controller gives it the same. It is never 0.
func DatapathID(id policy.HostID) uint64 {
	sum := sha256.Sum256([]byte("conjunct/" + id))
	return max(1, binary.BigEndian.Uint64(sum[:8]))
}

func datapathText(id uint64) string { return fmt.Sprintf("%016x", id) }

// bindings say which host a datapath id belongs to: the one whose database connection, which proved who it is, gave the
// bridge that id. changed is closed when one is added.
type bindings struct {
	mu      sync.Mutex
	hosts   map[uint64]*host
	changed chan struct{}
}

func newBindings() *bindings {
	return &bindings{hosts: make(map[uint64]*host), changed: make(chan struct{})}
}

func (b *bindings) add(h *host) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hosts[DatapathID(h.id)] = h
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *bindings) drop(h *host) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hosts[DatapathID(h.id)] == h {
		delete(b.hosts, DatapathID(h.id))
	}
}

// find returns the host of a datapath id, or nil and what to wait for.
func (b *bindings) find(datapath uint64) (*host, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hosts[datapath], b.changed
}
