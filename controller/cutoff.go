package controller

import (
	"errors"
	"fmt"
	"slices"

	"conjunct/flows"
	"conjunct/openflow"
)

// errCutOff says that a step was given up before anything of it was done, because the switch refuses a flow that takes permission
// away, and other flows are wanted without it.
var errCutOff = errors.New("the switch refuses a flow that takes permission away")

// maxCutOffs is how often one comparison begins again, each time with more ports cut off; then it is the whole bridge.
const maxCutOffs = 16

// cutOff has the ports cut off of which more would pass without the refused flows. It reports whether the step in hand will do
// without them: they are of kinds that only add permission, or the ports are cut off in the step already, or there are none.
func (s *session) cutOff(refused ...openflow.Flow) (goesOn bool) {
	goesOn = true
	s.h.change(func() {
		before := s.h.flows.Cut()
		after := before
		for i := range refused {
			cut, closes := s.h.flows.CutWithout(&refused[i])
			after = after.Union(cut)
			goesOn = goesOn && (!closes || cut != flows.Cut{} || before.Bridge)
		}
		differs := s.h.setCut(after)
		goesOn = goesOn && !differs
	})
	return goesOn
}

// cutOffAll cuts the whole bridge off.
func (s *session) cutOffAll() {
	s.h.change(func() { s.h.setCut(flows.Cut{Bridge: true}) })
}

// setCut makes the cut the one that is wanted; until the bridge has it, ports count as cut off that are so before or after.
func (h *host) setCut(c flows.Cut) (differs bool) {
	h.cut = h.cut.Union(c)
	return h.flows.SetCut(c)
}

// uncut lets the ports go on that no refused flow keeps cut off any more. The bridge has the flows by now that were missing.
func (s *session) uncut() {
	cuts := false
	s.h.look(func() { cuts = s.h.cut != flows.Cut{} })
	if !cuts {
		return
	}
	s.h.change(func() {
		s.h.cut = s.h.flows.Cut()
		var cut flows.Cut
		for _, r := range s.refused {
			c, _ := s.h.flows.CutWithout(&r.flow)
			cut = cut.Union(c)
		}
		if cut != s.h.cut {
			s.h.setCut(cut)
			poke(s.h.dirty)
		}
	})
}

// whyCut says why the port in a seat is cut off, "" when it is not. Of rules it names those of the port's own groups. Both locks are held.
func (h *host) whyCut(ofport uint16) string {
	if !h.flows.IsCut(h.cut, ofport) {
		return ""
	}
	for _, key := range h.refusalKeys() {
		r := h.refusals[key]
		rules, is := h.flows.CutBy(&r.flow, ofport)
		if !is {
			continue
		}
		what := "a flow that its groups stand on"
		if len(rules) > 0 {
			what = "a flow of " + h.model.names().rule(rules[0])
		}
		return fmt.Sprintf("it is cut off: its hypervisor's switch refuses %s, without which more would pass than is allowed (%v)", what, r.err)
	}
	return "it is cut off, until its hypervisor's switch has confirmed all that takes permission away"
}

// refusalKeys are the keys of the refused flows, in the order of their flows.
func (h *host) refusalKeys() []openflow.FlowKey {
	keys := make([]openflow.FlowKey, 0, len(h.refusals))
	for k := range h.refusals {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b openflow.FlowKey) int { return flows.Compare(h.refusals[a].flow, h.refusals[b].flow) })
	return keys
}

// maxToldRefusals is how many refused flows a host's problems name.
const maxToldRefusals = 20

// refusalProblems tells of the refused flows. Both locks are held.
func (h *host) refusalProblems() (out []string) {
	if len(h.refusals) == 0 {
		return nil
	}
	names := h.model.names()
	for i, key := range h.refusalKeys() {
		if i == maxToldRefusals {
			return append(out, fmt.Sprintf("the switch refuses %d flows more", len(h.refusals)-i))
		}
		r := h.refusals[key]
		without := "and goes without it"
		if _, closes := h.flows.CutWithout(&r.flow); closes {
			without = fmt.Sprintf("that takes permission away; %s cut off until it is taken, or changed or deleted", h.cutPorts())
		}
		out = append(out, fmt.Sprintf("the switch refuses a flow of %s (%v) %s: %s", names.purpose(&r.flow), r.err, without, r.flow.String()))
	}
	return out
}

// cutPorts counts the ports that are cut off, for people.
func (h *host) cutPorts() string {
	n := 0
	for ofport := range h.plugs {
		if h.flows.IsCut(h.cut, ofport) {
			n++
		}
	}
	if n == 1 {
		return "1 port is"
	}
	return fmt.Sprintf("%d ports are", n)
}
