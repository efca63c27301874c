package store

import (
	"context"
	"sync"
	"time"
)

// healthAge is how long a successful write vouches for the next ones, so that whoever asks often does not write often.
const healthAge = time.Second

type health struct {
	mu      sync.Mutex
	written time.Time
}

// Healthy reports whether the store can be written and what is written becomes visible: it writes a key of its own. It
// returns policy.ErrUnavailable with the reason when not.
func (s *Store) Healthy(ctx context.Context) error {
	if err := s.mirror.halted(); err != nil {
		return err
	}
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	now := s.clock()
	if age := now.Sub(s.health.written); age >= 0 && age < healthAge {
		return nil
	}
	if _, err := s.client.Put(ctx, s.layout.health(), ""); err != nil {
		return translate("write to etcd", err)
	}
	s.health.written = now
	return nil
}
