package members

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"conjunct/policy"
)

// session is one connection's worth of mirroring. It begins with a resync, and any error ends it.
type session struct {
	mirror  *Mirror
	source  Source
	client  *redis.Conn
	scripts scripts

	// marks are the groups in Redis, each with the revision it was last seen at: what the next change is made for.
	marks    map[policy.GroupID]int64
	resynced bool
	audited  time.Time        // when this round of comparing began
	auditing []policy.GroupID // still to be compared in it

	foreign time.Time     // when another epoch was seen last
	yield   time.Duration // how long another epoch was left alone last
}

func (s *session) run(ctx context.Context) error {
	probe := time.NewTicker(s.mirror.options.Probe)
	defer probe.Stop()
	for {
		if err := s.flush(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.mirror.wake:
		case <-probe.C:
			if err := s.probe(ctx); err != nil {
				return err
			}
		}
	}
}

// flush writes what waits, a pipeline at a time, until nothing does or it is time to look around.
func (s *session) flush(ctx context.Context) error {
	deadline := time.Now().Add(s.mirror.options.Probe)
	for {
		s.mirror.mu.Lock()
		everything := s.mirror.queue.takeAll()
		s.mirror.mu.Unlock()
		if everything {
			if err := s.resync(ctx); err != nil {
				return err
			}
		}
		batch := s.mirror.batch()
		if len(batch) == 0 {
			return nil
		}
		if err := s.write(ctx, batch); err != nil {
			return err
		}
		s.mirror.written(len(s.marks))
		if time.Now().After(deadline) {
			s.mirror.poke()
			return nil
		}
	}
}

// A pipeline carries so many groups and changes at most; a single group may be larger.
const (
	batchGroups  = 500
	batchMembers = 20_000
)

// batch takes a pipeline's worth of work out of the queue.
func (m *Mirror) batch() (batch []work) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for size := 0; len(batch) < batchGroups && size < batchMembers; {
		w, ok := m.queue.take()
		if !ok {
			break
		}
		size += len(w.changes)
		batch = append(batch, w)
	}
	return batch
}

// written notes that all that was taken out of the queue is in Redis.
func (m *Mirror) written(groups int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queue.done()
	m.stats.Groups = groups
	if m.queue.waiting().IsZero() {
		m.stats.Mirrored = m.stats.Offered
	}
}

// probe looks whether Redis still is what this session made of it, and has some groups compared.
func (s *session) probe(ctx context.Context) error {
	epoch, err := s.client.Get(ctx, epochKey).Result()
	switch {
	case errors.Is(err, redis.Nil):
		s.mirror.startOver("Redis was emptied")
	case err != nil:
		return fmt.Errorf("read the epoch: %w", err)
	case epoch != s.mirror.options.Epoch:
		if s.yielded(time.Now()) {
			s.mirror.startOver("another writer mirrors to the same Redis", "other_epoch", epoch)
		}
	default:
		return s.audit(ctx)
	}
	return nil
}

func (m *Mirror) startOver(why string, args ...any) {
	m.options.Log.Warn("mirroring all group members to Redis again: "+why, args...)
	m.doubt()
}

// Two writers of different epochs replace each other's work. That is a mistake in somebody's configuration; it should be
// seen in the log and not in Redis' load.
const maxYield = time.Minute

// yielded reports whether another epoch has been left alone for long enough: at once when it is the first in a while, then
// for twice as long each time.
func (s *session) yielded(now time.Time) bool {
	switch quiet := now.Sub(s.foreign); {
	case quiet < s.yield:
		return false
	case quiet > 10*maxYield:
		s.yield = 0
	}
	s.foreign, s.yield = now, min(max(2*s.yield, s.mirror.options.Probe), maxYield)
	return true
}

// audit has the next few groups compared as a whole, so that each has its turn once in Options.Audit. A round begins with what
// should not be there: a stalled Redis may have done late, and after the group was gone, what an earlier session asked for.
func (s *session) audit(ctx context.Context) error {
	o := s.mirror.options
	if len(s.auditing) == 0 {
		if time.Since(s.audited) < o.Audit {
			return nil
		}
		revision, groups, err := s.source.Groups(ctx)
		if err != nil {
			return fmt.Errorf("list groups: %w", err)
		}
		if err := s.removeStrays(ctx, revision, groups); err != nil {
			return err
		}
		s.audited, s.auditing = time.Now(), groups
	}
	n := len(s.marks)*int(min(o.Probe, o.Audit))/int(o.Audit) + 1
	now := o.Clock()
	s.mirror.mu.Lock()
	defer s.mirror.mu.Unlock()
	for ; n > 0 && len(s.auditing) > 0; n-- {
		s.mirror.queue.look(s.auditing[0], now)
		s.auditing = s.auditing[1:]
	}
	return nil
}
