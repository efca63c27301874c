package members

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"conjunct/policy"
)

// write brings groups into Redis, a script call for each, in pipelines.
func (s *session) write(ctx context.Context, batch []work) error {
	for len(batch) > 0 {
		p := s.pipeline()
		for len(batch) > 0 && len(p.calls) < batchGroups && p.members < batchMembers {
			if err := s.call(ctx, p, batch[0]); err != nil {
				return err
			}
			batch = batch[1:]
		}
		if err := s.exec(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// pipeline is script calls that go to Redis together.
type pipeline struct {
	writer
	calls   []call
	members int
}

func (s *session) pipeline() *pipeline {
	o := s.mirror.options
	return &pipeline{writer: writer{pipe: s.client.Pipeline(), scripts: s.scripts, epoch: o.Epoch, stream: o.Stream}}
}

// call is one script call, and what it is for.
type call struct {
	cmd    *redis.Cmd
	group  policy.GroupID
	remove bool
}

// call adds what one group needs to the pipeline: its changes when it is known what they build on, else the whole of it.
func (s *session) call(ctx context.Context, p *pipeline, w work) error {
	if at, known := s.marks[w.group]; known && !w.whole {
		if w.revision > at {
			p.members += len(w.changes)
			p.calls = append(p.calls, call{cmd: p.change(ctx, w.group, at, w.revision, w.changes), group: w.group})
		}
		return nil
	}
	revision, members, exists, err := s.source.Members(ctx, w.group)
	if err != nil {
		return fmt.Errorf("list members of %s: %w", w.group, err)
	}
	c := call{group: w.group, remove: !exists}
	if exists {
		c.cmd = p.replace(ctx, w.group, revision, members)
	} else {
		c.cmd = p.remove(ctx, w.group, revision)
	}
	p.members += len(members)
	p.calls = append(p.calls, c)
	return nil
}

// exec sends a pipeline and takes the verdicts in.
func (s *session) exec(ctx context.Context, p *pipeline) error {
	if len(p.calls) == 0 {
		return nil
	}
	_, _ = p.pipe.Exec(ctx) // Each call has its own error.
	for _, c := range p.calls {
		v, err := parseVerdict(c.cmd)
		if err != nil {
			return fmt.Errorf("mirror %s: %w", c.group, err)
		}
		switch {
		case v.word == "stale":
			delete(s.marks, c.group)
			s.mirror.repair(c.group)
		case c.remove:
			delete(s.marks, c.group)
		default:
			s.marks[c.group] = v.revision
		}
	}
	return nil
}

// repair has a group written as a whole that was not in Redis as it should have been.
func (m *Mirror) repair(g policy.GroupID) {
	now := m.options.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Repairs++
	m.queue.look(g, now)
}
