package controller

import "sync"

// late are the hosts that have not confirmed everything: whoever waits for a change looks at them, and not at a thousand others.
type late struct {
	mu    sync.Mutex
	hosts map[*host]struct{}
}

// note follows the host's progress, whose mu is held, or the model's for writing.
func (l *late) note(h *host) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.progress.oldest() != 0 {
		l.hosts[h] = struct{}{}
	} else {
		delete(l.hosts, h)
	}
}

func (l *late) forget(h *host) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.hosts, h)
}

func (l *late) all() []*host {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]*host, 0, len(l.hosts))
	for h := range l.hosts {
		out = append(out, h)
	}
	return out
}
