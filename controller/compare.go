package controller

import (
	"context"
	"fmt"
	"time"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/openflow/ofconn"
)

// occasion is why a bridge is compared.
type occasion uint8

const (
	adoption occasion = iota // a switch has connected: what differs is what happened meanwhile
	routine                  // nothing has failed: what differs was changed by somebody
	recovery                 // it is not known what the last bundle did
)

// compare dumps our tables, compares them with what is wanted and sends the difference.
func (s *session) compare(ctx context.Context, why occasion) error {
	release, err := s.c.dumpSlot(ctx)
	if err != nil {
		return err
	}
	defer release()
	start := s.c.options.Clock()
	have, err := s.dump(ctx)
	if err != nil {
		return err
	}
	s.occupants = make(occupants)
	for _, f := range have {
		if ofport, ok := occupant(f); ok {
			s.occupants[ofport] = f.Cookie
		}
	}
	if why == adoption {
		s.h.change(func() { s.h.drift.Missing, s.h.drift.Foreign, s.h.drift.Changed, s.h.drift.Repaired = 0, 0, 0, 0 })
	}
	t, c, unsent := s.h.takeAll(have)
	if why != routine {
		t.since = time.Time{} // It waited for the connection, not for us.
	}
	st := s.repair(why, c, unsent)
	return s.carryOut(ctx, st, t, start, s.lost(st))
}

// dump reads the flows of our tables.
func (s *session) dump(ctx context.Context) (installed, error) {
	ctx, cancel := context.WithTimeout(ctx, s.c.limits.dump)
	defer cancel()
	have := make(installed)
	for f, err := range s.conn.DumpFlows(ctx, ofconn.FlowFilter{Tables: ofconn.Tables(0, flows.LastTable)}) {
		if err != nil {
			return nil, fmt.Errorf("compare the bridge: %w", err)
		}
		flow := f.Flow
		have[flow.Key()] = &flow
	}
	return have, nil
}

// repair decides what to do about each difference.
//
//	            adoption, recovery   routine
//	missing     add                  add, drift
//	changed     add                  add, drift (left alone where foreign flows are)
//	stale       remove               remove, drift
//	foreign     remove, drift (left alone and reported where configuration says so)
//
// What follows from a change that was not sent yet, or from a refusal, is no drift.
func (s *session) repair(why occasion, c comparison, unsent map[openflow.FlowKey]struct{}) *step {
	st := &step{}
	leave := s.c.options.Bridge.Foreign == ForeignReport
	var found drift
	explained := func(f *openflow.Flow) bool {
		_, waiting := unsent[f.Key()]
		_, refused := s.refused[f.Key()]
		return why != routine || waiting || refused
	}
	for i := range c.missing {
		st.add = append(st.add, c.missing[i])
		found.note(&found.missing, &c.missing[i], !explained(&c.missing[i]), true)
	}
	for i := range c.changed {
		f := &c.changed[i]
		by := !explained(f)
		if by && leave {
			found.note(&found.changed, f, s.unreported(f), false)
			continue
		}
		st.add = append(st.add, *f)
		found.note(&found.changed, f, by, true)
	}
	for i := range c.stale {
		st.remove = append(st.remove, c.stale[i])
		found.note(&found.foreign, &c.stale[i], !explained(&c.stale[i]), true)
	}
	for i := range c.foreign {
		f := &c.foreign[i]
		if leave {
			found.note(&found.foreign, f, s.unreported(f), false)
			continue
		}
		st.remove = append(st.remove, *f)
		found.note(&found.foreign, f, true, true)
	}
	s.report(found)
	return st
}

// unreported notes a flow that is left alone, and tells whether it was not known.
func (s *session) unreported(f *openflow.Flow) bool {
	_, known := s.reported[f.Key()]
	s.reported[f.Key()] = struct{}{}
	return !known
}

// drift is what a comparison found that nobody of us did.
type drift struct {
	missing, changed, foreign int
	repaired                  int
	examples                  []string
}

func (d *drift) note(count *int, f *openflow.Flow, is, repaired bool) {
	const examples = 5
	if !is {
		return
	}
	*count++
	if repaired {
		d.repaired++
	}
	if len(d.examples) < examples {
		d.examples = append(d.examples, f.String())
	}
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
