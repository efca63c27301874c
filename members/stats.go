package members

import "time"

// Stats is how the mirror fares.
type Stats struct {
	// Connected is true from the moment when everything was in Redis until something fails.
	Connected bool
	Epoch     string
	// Offered is the newest revision that was offered; Mirrored the newest of which everything was in Redis.
	Offered, Mirrored int64
	// Lag is how long the oldest change has waited for Redis; 0 when none waits.
	Lag time.Duration
	// Queue counts the groups and changes that wait, and is Options.Queue at most. It is 0 while Everything waits.
	Queue      int
	Everything bool
	// Groups counts the groups that are in Redis.
	Groups int
	// Resyncs counts how often all groups were compared and written, Repairs groups that were not in Redis as they should
	// have been, Overflows how often the queue gave up detail.
	Resyncs, Repairs, Overflows uint64
	// Errors counts failed sessions; LastError is the latest one's, and stays.
	Errors    uint64
	LastError string
}

// Stats returns how the mirror fares at the moment.
func (m *Mirror) Stats() Stats {
	now := m.options.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.stats
	s.Queue, s.Everything, s.Overflows = m.queue.size, m.queue.everything, m.queue.overflows
	if since := m.queue.waiting(); !since.IsZero() {
		s.Lag = max(0, now.Sub(since))
	}
	return s
}
