package controller

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/openflow/ofconn"
	"conjunct/policy"
)

// flush sends what has changed since the last time. Whatever changes meanwhile waits for the next.
func (s *session) flush(ctx context.Context) error {
	start := s.c.options.Clock()
	t := s.h.take()
	if t.changes.Full {
		s.h.fail()
		return s.compare(ctx, recovery)
	}
	st := step{renew: t.changes.Renew, add: t.changes.Add, remove: t.changes.Delete, apart: t.changes.Apart}
	err := s.carryOut(ctx, &st, t, start, nil)
	if errors.Is(err, errCutOff) {
		return s.compare(ctx, recovery)
	}
	if err == nil && len(s.refused) > 0 && len(st.remove) > 0 {
		poke(s.h.audit) // There may be room for what was refused.
	}
	return err
}

// carryOut makes the step on the bridge and confirms what was taken. lost are ports whose flows the bridge lacked.
func (s *session) carryOut(ctx context.Context, st *step, t taken, start time.Time, lost []uint16) error {
	m := s.c.metrics
	m.stage(stageTaken, t.since, start)
	m.stage(stageComputed, t.since, s.c.options.Clock())
	if st.empty() {
		s.publishRefusals()
		s.h.confirm()
		s.uncut()
		return nil
	}
	s.check.steps.Add(1)
	defer s.check.steps.Add(1)
	s.h.unconfirm(lost)
	if err := s.h.unmark(ctx, s.c.options.Bridge.Name, lost); err != nil {
		s.log.Warn("could not clear installed marks", "err", err)
	}
	st.zones = s.occupants.zonesOf(st.add)
	if err := s.flushZones(ctx, st.zones); err != nil {
		s.h.fail()
		return err
	}
	if err := s.bundle(ctx, st, t); err != nil {
		s.h.fail()
		return err
	}
	// Until the flows were there, the number was its former owner's: connections that began since the first flush are not the new one's.
	if err := s.flushZones(ctx, st.zones); err != nil {
		s.h.fail()
		return err
	}
	s.occupants.moved(st)
	s.h.confirm()
	s.uncut()
	m.stage(stageConfirmed, t.since, s.c.options.Clock())
	return nil
}

func (s *session) flushZones(ctx context.Context, zones []uint16) error {
	if len(zones) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.c.limits.setup)
	defer cancel()
	messages := make([]openflow.Message, 0, len(zones))
	for _, z := range zones {
		messages = append(messages, openflow.CTFlushZone{Zone: z})
	}
	if err := s.conn.Send(ctx, messages...); err != nil {
		return fmt.Errorf("flush conntrack zones %v: %w", zones, err)
	}
	return nil
}

// maxRefusals is how many flows a switch may refuse in one go before nothing at all is added: then it is not about single flows, and
// what is to be taken away does not wait.
const maxRefusals = 64

// bundle sends the step in one bundle. A flow that the switch refuses is left out, and the rest is sent again; errCutOff says that
// the step won't do, because the flow takes permission away.
func (s *session) bundle(ctx context.Context, st *step, t taken) error {
	for _, list := range [][]openflow.Flow{st.add, st.remove} {
		for i := range list {
			delete(s.refused, list[i].Key())
		}
	}
	defer s.publishRefusals()
	for range maxRefusals {
		err := s.send(ctx, st, t)
		var failed *ofconn.BundleError
		if err == nil || !errors.As(err, &failed) || failed.Unknown || failed.Index < 0 || failed.Mod.Command != openflow.FlowAdd {
			return err
		}
		s.refused[failed.Mod.Flow.Key()] = refusal{failed.Mod.Flow, failed.Err}
		s.log.Error("the switch refused a flow", "flow", failed.Mod.Flow.String(), "err", failed.Err)
		if !s.cutOff(failed.Mod.Flow) {
			return errCutOff
		}
	}
	return s.onlyRemove(ctx, st, t)
}

// onlyRemove counts every flow that the step would add as refused, and sends what is left: what takes permission away.
func (s *session) onlyRemove(ctx context.Context, st *step, t taken) error {
	s.log.Error("the switch refused too many flows: none is added", "refused", maxRefusals, "flows", len(st.add))
	for _, f := range st.add {
		if _, is := s.refused[f.Key()]; !is {
			s.refused[f.Key()] = refusal{f, errTooMany}
		}
	}
	if !s.cutOff(st.add...) {
		return errCutOff
	}
	return s.send(ctx, st, t)
}

var errTooMany = fmt.Errorf("not tried, since the switch refused %d flows before it", maxRefusals)

func (s *session) send(ctx context.Context, st *step, t taken) error {
	ctx, cancel := context.WithTimeout(ctx, s.c.limits.bundle)
	defer cancel()
	m := s.c.metrics
	m.bundles.Inc()
	mods := func(yield func(openflow.FlowMod) bool) {
		for mod := range st.mods(s.refused) {
			if !yield(mod) {
				return
			}
		}
		m.stage(stageSent, t.since, s.c.options.Clock())
	}
	err := s.carry(ctx, st, mods)
	if err != nil {
		m.bundleErrors.Inc()
		return err
	}
	m.flowMods.WithLabelValues("add").Add(float64(len(st.add)))
	m.flowMods.WithLabelValues("delete").Add(float64(len(st.renew) + len(st.remove)))
	return nil
}

// carry sends the flow mods, in a bundle where they have to be one step.
func (s *session) carry(ctx context.Context, st *step, mods iter.Seq[openflow.FlowMod]) error {
	if !st.whole() {
		err := s.conn.Apart(ctx, slices.Collect(mods))
		var failed *ofconn.BundleError
		if !errors.As(err, &failed) || !failed.Unknown || failed.Index < 0 {
			return err
		}
		// The bundle takes what was carried out already once more, and leaves no doubt about the rest.
	}
	return s.conn.BundleSeq(ctx, mods)
}

// publishRefusals makes the refused flows known as the host's problems.
func (s *session) publishRefusals() {
	if len(s.refused) == 0 && !s.refusing {
		return
	}
	s.refusing = len(s.refused) > 0
	refused := make(map[openflow.FlowKey]refusal, len(s.refused))
	for k, r := range s.refused {
		refused[k] = r
	}
	s.h.change(func() { s.h.refusals = refused })
}

// refuses reports whether a flow that the port can't do without was refused.
func (h *host) refuses(n policy.Number) (refusal, bool) {
	for _, r := range h.refusals {
		if kind, of, ours := flows.ParseCookie(r.flow.Cookie); ours && kind == flows.CookiePort && of == n {
			return r, true
		}
	}
	return refusal{}, false
}
