package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"conjunct/openflow"
	"conjunct/openflow/ofconn"
)

// serveSwitch keeps the connection to a switch until it ends.
func (c *Controller) serveSwitch(ctx context.Context, conn *ofconn.Conn) {
	h := c.bind(ctx, conn)
	if h == nil {
		if ctx.Err() == nil && conn.Err() == nil {
			c.log.Warn("refused a switch: no hypervisor's database has given a bridge this datapath id",
				"datapath_id", datapathText(conn.DatapathID()), "peer", conn.RemoteAddr().String())
		}
		return
	}
	log := c.log.With("host", h.id)
	if state := conn.TLS(); state != nil && !namesPeer(state, string(h.id)) {
		log.Warn("refused a switch: its certificate is of another host", "peer", conn.RemoteAddr().String())
		return
	}
	ctx, release := h.channel.take(ctx)
	defer release()
	s := &session{
		c: c, h: h, conn: conn, log: log, began: c.options.Clock(), refused: make(map[openflow.FlowKey]refusal),
		reported: make(map[openflow.FlowKey]struct{}), read: make(chan *reading),
	}
	h.change(func() { h.session = s })
	err := s.run(ctx)
	s.leave(err)
}

// bind finds the host of a switch.
func (c *Controller) bind(ctx context.Context, conn *ofconn.Conn) *host {
	patience := time.NewTimer(c.limits.bind)
	defer patience.Stop()
	for {
		h, changed := c.bindings.find(conn.DatapathID())
		if h != nil {
			return h
		}
		select {
		case <-changed:
		case <-patience.C:
			return nil
		case <-conn.Done():
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// refusedSwitch logs a handshake that failed.
func (c *Controller) refusedSwitch(peer net.Addr, err error) {
	c.log.Warn("refused a switch", "peer", peer.String(), "err", err)
}

// session is one connection to a host's switch.
type session struct {
	c    *Controller
	h    *host
	conn *ofconn.Conn
	log  logger

	began     time.Time
	occupants occupants
	refused   map[openflow.FlowKey]refusal
	refusing  bool                          // refusals are known as the host's problems
	reported  map[openflow.FlowKey]struct{} // foreign flows that are known and left alone
	read      chan *reading                 // for the listener
	check     check
	work      sync.WaitGroup // of the check under way
}

var errDemoted = errors.New("another controller is master of the switch")

func (s *session) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	defer stop()
	events := make(chan error, 1)
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		events <- s.listen(ctx)
	}()
	polling := make(chan struct{})
	go func() {
		defer close(polling)
		s.poll(ctx)
	}()
	defer func() { cancel(); <-listening; <-polling; s.work.Wait() }()
	if err := s.awaitSeating(ctx); err != nil {
		return err
	}
	if err := s.setup(ctx); err != nil {
		return err
	}
	if err := s.compare(ctx, adoption); err != nil {
		return err
	}
	s.log.Info("the bridge is in sync")
	return s.keep(ctx, events)
}

// awaitSeating waits until the database has told who sits where: without, everybody's flows would seem to be superfluous.
func (s *session) awaitSeating(ctx context.Context) error {
	for {
		var told chan struct{}
		s.h.look(func() {
			if !s.h.seen && s.h.told == nil {
				s.h.told = make(chan struct{})
			}
			told = s.h.told
		})
		if told == nil {
			return nil
		}
		select {
		case <-told:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.conn.Done():
			return s.conn.Err()
		}
	}
}

// setup makes this controller the switch's master and the switch treat fragments as the pipeline needs it.
func (s *session) setup(ctx context.Context) error {
	s.h.change(func() { s.h.phase, s.h.refusals = phaseAdopting, nil })
	ctx, cancel := context.WithTimeout(ctx, s.c.limits.setup)
	defer cancel()
	if err := s.becomeMaster(ctx); err != nil {
		return err
	}
	if err := s.conn.SetAsync(ctx, ofconn.PortsRolesAndRemovals); err != nil {
		return fmt.Errorf("ask for port status and removed flows: %w", err)
	}
	if err := s.conn.SetConfig(ctx, openflow.SetConfig{Frags: openflow.FragNXMatch}); err != nil {
		return fmt.Errorf("set the fragment mode: %w", err)
	}
	return nil
}

// keep flushes what changes and compares now and then, until the connection ends.
func (s *session) keep(ctx context.Context, events <-chan error) error {
	s.startChecks()
	defer s.check.timer.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-events:
			if errors.Is(err, errDemoted) {
				return s.standBy(ctx)
			}
			return err
		case <-s.h.dirty:
			err = s.flush(ctx)
		case <-s.check.timer.C:
			s.look(ctx)
		case <-s.h.audit:
			s.look(ctx)
		case f := <-s.check.ends:
			err = s.found(ctx, f)
		}
		if err == nil {
			continue
		}
		if ctx.Err() != nil || s.conn.Err() != nil {
			return err
		}
		s.log.Warn("it is not known what the bridge holds; comparing", "err", err)
		if err := s.compare(ctx, recovery); err != nil {
			return err
		}
	}
}

// standBy leaves the switch to its new master, until the connection ends: to take it back at once would end in a quarrel.
func (s *session) standBy(ctx context.Context) error {
	s.log.Warn("another controller has become master of the switch; standing by")
	s.h.change(func() { s.h.phase = phaseDisconnected })
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.conn.Done():
		return errDemoted
	}
}

// listen takes what the switch says unasked.
func (s *session) listen(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case m, ok := <-s.conn.Events():
			if !ok {
				return s.conn.Err()
			}
			if err := s.heard(m); err != nil {
				return err
			}
		case r := <-s.read:
			if err := s.takeReading(r); err != nil {
				return err
			}
		}
	}
}

// heard deals with one thing that the switch has said unasked.
func (s *session) heard(m openflow.Message) error {
	switch m := m.(type) {
	case openflow.PortStatus:
		if m.Port.Port <= maxOFPort {
			s.c.model.portMoved(s.h, uint16(m.Port.Port), m.Reason == openflow.PortDeleted, s.c.options.Bridge.Name)
		}
	case openflow.RoleStatus:
		if m.Role == openflow.RoleSlave {
			return errDemoted
		}
	case openflow.FlowRemoved:
		s.flowRemoved(&m)
	}
	return nil
}

// leave notes why the session ended.
func (s *session) leave(err error) {
	s.h.fail()
	s.h.change(func() {
		s.h.session = nil
		s.h.phase = phaseConnecting
		if s.h.progress.confirmed != 0 {
			s.h.phase = phaseDisconnected
		}
		s.h.failure = ""
		if err != nil {
			s.h.failure = err.Error()
		}
	})
	s.c.model.switchGone(s.h)
	s.log.Info("the switch is disconnected", "reason", err)
}
