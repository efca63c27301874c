package controller

import (
	"context"
	"errors"
	"fmt"

	"conjunct/openflow"
)

// mastership is the generation id by which this process is master of switches. One is enough for all of them: it fences those that
// were masters before, and a switch for which another process has taken a greater one since refuses it. To take one is a write to the
// store, and a thousand switches may connect at once.
type mastership struct {
	store Store
	turn  chan struct{} // holds a token while nobody uses id
	id    uint64        // 0: none was taken yet
}

func newMastership(store Store) *mastership {
	m := &mastership{store: store, turn: make(chan struct{}, 1)}
	m.turn <- struct{}{}
	return m
}

// after is the process's generation id, a fresh one when that is not greater than stale.
func (m *mastership) after(ctx context.Context, stale uint64) (uint64, error) {
	select {
	case <-m.turn:
		defer func() { m.turn <- struct{}{} }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if m.id > stale {
		return m.id, nil
	}
	id, err := m.store.GenerationID(ctx)
	if err != nil {
		return 0, err
	}
	m.id = id
	return id, nil
}

// becomeMaster makes this controller the switch's master.
func (s *session) becomeMaster(ctx context.Context) error {
	id, err := s.c.mastership.after(ctx, 0)
	if err != nil {
		return err
	}
	if _, err = s.conn.SetRole(ctx, openflow.RoleMaster, id); errors.Is(err, openflow.ErrRoleStale) {
		if id, err = s.c.mastership.after(ctx, id); err != nil {
			return err
		}
		_, err = s.conn.SetRole(ctx, openflow.RoleMaster, id)
	}
	if err != nil {
		return fmt.Errorf("become master: %w", err)
	}
	return nil
}
