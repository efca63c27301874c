package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/openflow/ofconn"
	"conjunct/policy"
)

// occasion is why a bridge is compared.
type occasion uint8

const (
	adoption occasion = iota // a switch has connected: what differs is what happened meanwhile
	routine                  // nothing has failed: what differs was changed by somebody
	recovery                 // it is not known what the last bundle did
)

// compare dumps our tables, compares them with what is wanted and sends the difference. Where the switch refuses what takes permission
// away, it begins again with what is wanted then.
func (s *session) compare(ctx context.Context, why occasion) error {
	for n := range 2 * maxCutOffs {
		if n == maxCutOffs {
			s.cutOffAll()
		}
		err := s.compareOnce(ctx, why)
		if !errors.Is(err, errCutOff) {
			return err
		}
		why = recovery
	}
	return fmt.Errorf("compare the bridge: %w, again and again", errCutOff)
}

// compareOnce is compare without a second try. What a bridge holds, and what it lacks, is in memory meanwhile, so that only so many
// bridges are compared at a time.
func (s *session) compareOnce(ctx context.Context, why occasion) error {
	if err := s.alive(ctx, s.c.limits.setup); err != nil {
		return fmt.Errorf("compare the bridge: %w", err)
	}
	release, err := s.c.dumpSlot(ctx)
	if err != nil {
		return err
	}
	defer release()
	start := s.c.options.Clock()
	dump := s.dump
	if why == adoption {
		s.h.change(func() { s.h.drift = policy.Drift{} })
		have, err := s.sumForAdoption(ctx)
		if err != nil {
			return err
		}
		if have.Flows == 0 { // A switch that has just started.
			dump = func(context.Context) (installed, error) { return nil, nil }
		} else if t, equal := s.adoptEqual(have); equal {
			t.since = time.Time{}
			return s.carryOut(ctx, &step{}, t, start, nil)
		}
	}
	t, c, unsent, err := s.examine(ctx, dump)
	if err != nil {
		return err
	}
	if why != routine {
		t.since = time.Time{} // It waited for the connection, not for us.
	}
	st, found, left := repair(circumstances{
		occasion: why, leave: s.c.options.Bridge.Foreign == ForeignReport, unsent: unsent, refused: s.refused, reported: s.reported,
	}, c)
	s.reported = left
	clear(s.refused) // What of it is still wanted is missing, and tried again.
	err = s.carryOut(ctx, st, t, start, s.lost(st))
	if err != nil {
		found.repaired = 0
	}
	s.report(found)
	s.h.change(func() { s.h.left = len(left) })
	return err
}

// alive waits for the switch to answer: one that does not is not to take a place that others wait for.
func (s *session) alive(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.conn.Barrier(ctx)
}

// adoptEqual takes over a bridge that is as it should be, as nearly all are after a restart of the controller, by the sum
// of its flows.
func (s *session) adoptEqual(have openflow.FlowSum) (t taken, equal bool) {
	t, is, equal := s.h.takeEqual(have)
	if equal {
		s.occupants, s.reported = is, make(map[openflow.FlowKey]struct{})
		s.h.change(func() { s.h.left = 0 })
	}
	return t, equal
}

// examine tells how the bridge, whose flows dump reads, differs from what is wanted.
func (s *session) examine(
	ctx context.Context, dump func(context.Context) (installed, error),
) (t taken, c comparison, unsent map[openflow.FlowKey]struct{}, err error) {
	have, err := dump(ctx)
	if err != nil {
		return t, c, nil, err
	}
	s.occupants = make(occupants)
	for _, f := range have {
		s.occupants.note(f)
	}
	t, c, unsent = s.h.takeAll(have)
	return t, c, unsent, nil
}

// ourTables hold the flows that are compared.
var ourTables = ofconn.FlowFilter{Tables: ofconn.Tables(0, flows.LastTable)}

// sum sums the flows of our tables.
func (s *session) sum(ctx context.Context) (openflow.FlowSum, error) {
	ctx, cancel := context.WithTimeout(ctx, s.c.limits.dump)
	defer cancel()
	sum, err := s.conn.SumFlows(ctx, ourTables, s.c.model.hasher)
	if err != nil {
		return sum, fmt.Errorf("compare the bridge: %w", err)
	}
	return sum, nil
}

// sumForAdoption is sum. After a start of the controller most bridges are as they should be: what is wanted is summed while the
// switch reads its flows.
func (s *session) sumForAdoption(ctx context.Context) (openflow.FlowSum, error) {
	returns := false
	s.h.look(func() { returns = s.h.returning && s.h.progress.confirmed == 0 })
	if returns {
		wanted := make(chan struct{})
		go func() {
			defer close(wanted)
			s.h.presum()
		}()
		defer func() { <-wanted }()
	}
	return s.sum(ctx)
}

// dump reads the flows of our tables.
func (s *session) dump(ctx context.Context) (installed, error) {
	ctx, cancel := context.WithTimeout(ctx, s.c.limits.dump)
	defer cancel()
	have := make(installed)
	for f, err := range s.conn.DumpFlows(ctx, ourTables) {
		if err != nil {
			return nil, fmt.Errorf("compare the bridge: %w", err)
		}
		flow := f.Flow
		have[flow.Key()] = &flow
	}
	return have, nil
}

func (s *session) report(d drift) {
	if d.missing+d.changed+d.foreign == 0 {
		return
	}
	s.h.change(func() {
		s.h.drift.Missing += d.missing
		s.h.drift.Changed += d.changed
		s.h.drift.Foreign += d.foreign
		s.h.drift.Repaired += d.repaired
	})
	m := s.c.metrics
	m.drift.WithLabelValues("missing").Add(float64(d.missing))
	m.drift.WithLabelValues("changed").Add(float64(d.changed))
	m.drift.WithLabelValues("foreign").Add(float64(d.foreign))
	s.log.Warn("flows of the bridge were not what they should be", "missing", d.missing, "changed", d.changed,
		"foreign", d.foreign, "repaired", d.repaired, "examples", d.examples)
}

// lost are the ports of which the bridge lacks flows: their installed marks are untrue until it has them.
func (s *session) lost(st *step) []uint16 {
	var out []uint16
	for i := range st.add {
		if ofport, ok := occupant(&st.add[i]); ok {
			out = append(out, ofport)
		}
	}
	return out
}
