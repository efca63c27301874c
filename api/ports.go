package api

import (
	"time"

	"conjunct/policy"
)

// awaitActive reports whether the port became active within the time. It goes by what the port's state is and not by what
// happens to it, so that a port that is created while it waits is seen too.
func (c *call) awaitActive(id policy.PortID, timeout time.Duration) bool {
	up := time.NewTimer(timeout)
	defer up.Stop()
	again := time.NewTicker(bearerCheck)
	defer again.Stop()
	for {
		changed := c.Inspector.Changed(id) // Asked for first, so that no change falls between the two.
		exists := false
		c.Objects.View(func(s *policy.Snapshot) { _, exists = c.reader(s).snapshot.Get(policy.KindPort, string(id)) })
		if !exists || c.Inspector.Port(id).State == policy.PortActive {
			return exists
		}
		select {
		case <-changed:
		case <-again.C:
			if c.alive() != nil {
				return false
			}
		case <-up.C:
			return false
		case <-c.r.Context().Done():
			return false
		case <-c.closing:
			return false
		}
	}
}
