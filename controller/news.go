package controller

import (
	"sync"

	"conjunct/policy"
)

// news tells those who wait for a port that it is not what it was.
type news struct {
	mu     sync.Mutex
	ports  map[policy.PortID]*watch
	herald chan struct{} // a token: watched ports have to be looked at
}

// watch is who waits for a port, and what it was when the first of them came.
type watch struct {
	changed chan struct{}
	was     policy.PortStatus
}

func newNews() *news {
	return &news{ports: make(map[policy.PortID]*watch), herald: make(chan struct{}, 1)}
}

// spread says that something has changed, which may have to do with the ports that are watched.
func (n *news) spread() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.ports) > 0 {
		poke(n.herald)
	}
}

// port is closed when the port is not what it is now.
func (n *news) port(id policy.PortID, is policy.PortStatus) <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.ports[id]
	if w == nil {
		w = &watch{changed: make(chan struct{}), was: is}
		n.ports[id] = w
		poke(n.herald)
	}
	return w.changed
}

// announce looks at the watched ports and wakes those who wait for one that has changed.
func (n *news) announce(status func(policy.PortID) policy.PortStatus) {
	n.mu.Lock()
	watched := make(map[policy.PortID]*watch, len(n.ports))
	for id, w := range n.ports {
		watched[id] = w
	}
	n.mu.Unlock()
	for id, w := range watched {
		is := status(id)
		is.AppliedRevision = w.was.AppliedRevision // advances all the time
		if is == w.was {
			continue
		}
		n.mu.Lock()
		if n.ports[id] == w {
			delete(n.ports, id)
		}
		n.mu.Unlock()
		close(w.changed)
	}
}
