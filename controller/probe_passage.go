package controller

import (
	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/openflow/ofeval"
	"conjunct/policy"
)

// passages tells what happened at each end, and how the way differs from that through the wanted flows.
func (r *probe) passages(c *Controller, wanted, is *trip) []policy.Passage {
	c.model.mu.RLock()
	names := c.model.names()
	defer c.model.mu.RUnlock()
	var out []policy.Passage
	for _, e := range r.ends {
		if e == nil {
			continue
		}
		p := policy.Passage{
			Port: policy.PortID(e.view.Port.ID), Direction: e.direction, Host: e.host.id, OFPort: int(e.ofport), Passed: is.passed[e],
			Tables: []policy.FlowLookup{}, Differences: []policy.FlowDifference{}, Behind: e.bench.isBehind, Note: is.notes[e],
		}
		for _, s := range is.steps[e] {
			p.Tables = append(p.Tables, names.lookup(s))
			p.Invalid = p.Invalid || saysInvalid(s)
		}
		way := is.steps[e]
		if from, _ := r.fromTo(); len(way) == 0 && from != nil && from.host == e.host {
			way = is.steps[from] // It did not come to this side, or past it.
		}
		p.Differences = e.bench.met(names, wanted.steps[e], way)
		out = append(out, p)
	}
	return out
}

// saysInvalid recognises the flow that drops what connection tracking can't place.
func saysInvalid(s ofeval.Step) bool {
	state, mask, ok := s.Flow.Match.Get(openflow.CTState)
	return ok && s.Hit && state.Uint64()&mask.Uint64()&openflow.CTInvalid != 0 && len(s.Flow.Actions) == 0 && s.Flow.Goto == 0
}

func (ns *names) lookup(s ofeval.Step) policy.FlowLookup {
	out := policy.FlowLookup{Table: s.Table, Name: tableName(s.Table), Meaning: "nothing matches"}
	if !s.Hit {
		return out
	}
	out.Flow, out.Meaning = s.Flow.String(), ns.purpose(&s.Flow)
	if kind, n, ours := flows.ParseCookie(s.Flow.Cookie); ours && kind == flows.CookieRule {
		if rule, ok := ns.rules[n]; ok {
			out.RuleID = policy.RuleID(rule.Base().ID)
		}
	}
	for _, c := range s.Components {
		out.Components = append(out.Components, c.String())
	}
	return out
}

// met are the differences among the flows that the packet met on its way, and among those that it would have met on the wanted one.
func (b *bench) met(names *names, wanted, is []ofeval.Step) []policy.FlowDifference {
	out := []policy.FlowDifference{}
	seen := make(map[openflow.FlowKey]bool)
	note := func(f openflow.Flow, kinds ...policy.DifferenceKind) {
		key := f.Key()
		for _, kind := range kinds {
			if b.differs[key] == kind && !seen[key] {
				seen[key] = true
				out = append(out, policy.FlowDifference{Kind: kind, Flow: f.String(), Meaning: names.purpose(&f)})
			}
		}
	}
	for _, s := range is {
		for _, f := range metBy(s) {
			note(f, policy.FlowExtra, policy.FlowChanged)
		}
	}
	for _, s := range wanted {
		for _, f := range metBy(s) {
			note(f, policy.FlowMissing)
			if is := b.have[f.Key()]; is != nil {
				note(*is, policy.FlowChanged)
			}
		}
	}
	return out
}

func metBy(s ofeval.Step) []openflow.Flow {
	if !s.Hit {
		return nil
	}
	return append([]openflow.Flow{s.Flow}, s.Components...)
}
