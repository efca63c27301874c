package members

import (
	"context"
	"fmt"
	"slices"
	"time"

	"conjunct/policy"
)

// resync brings everything into Redis, whatever is there: every group that exists as a whole, every other group's keys
// removed, and last the epoch, which tells readers that all is there.
func (s *session) resync(ctx context.Context) error {
	s.mirror.options.Log.Debug("mirroring all group members to Redis")
	revision, groups, err := s.source.Groups(ctx)
	if err != nil {
		return fmt.Errorf("list groups: %w", err)
	}
	clear(s.marks)
	s.audited, s.auditing = time.Now(), nil
	for chunk := range slices.Chunk(groups, batchGroups) {
		batch := make([]work, 0, len(chunk))
		for _, g := range chunk {
			batch = append(batch, work{g, pending{whole: true}})
		}
		if err := s.write(ctx, batch); err != nil {
			return err
		}
	}
	if err := s.removeStrays(ctx, revision, groups); err != nil {
		return err
	}
	if err := s.client.Set(ctx, epochKey, s.mirror.options.Epoch, 0).Err(); err != nil {
		return fmt.Errorf("write the epoch: %w", err)
	}
	s.resynced = true
	s.mirror.resynced(len(s.marks))
	return nil
}

func (m *Mirror) resynced(groups int) {
	m.mu.Lock()
	back := !m.stats.Connected
	m.stats.Connected = true
	m.stats.Resyncs++
	m.mu.Unlock()
	m.written(groups)
	if back {
		m.options.Log.Info("Redis mirrors group members", "groups", groups, "epoch", m.options.Epoch)
	}
}

// removeStrays removes the keys of groups that do not exist at the revision: deleted while nobody mirrored, or of an earlier
// epoch.
func (s *session) removeStrays(ctx context.Context, revision int64, groups []policy.GroupID) error {
	exists := make(map[policy.GroupID]bool, len(groups))
	for _, g := range groups {
		exists[g] = true
	}
	var cursor uint64
	for {
		keys, next, err := s.client.Scan(ctx, cursor, groupKeyPattern, 1000).Result()
		if err != nil {
			return fmt.Errorf("look for keys of groups that are gone: %w", err)
		}
		p := s.pipeline()
		for _, key := range keys {
			if g, ok := groupOfKey(key); ok && !exists[g] {
				exists[g] = true // seen to; its other keys come up too
				p.calls = append(p.calls, call{cmd: p.remove(ctx, g, revision), group: g, remove: true})
			}
		}
		if err := s.exec(ctx, p); err != nil {
			return err
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
