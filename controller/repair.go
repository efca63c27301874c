package controller

import (
	"conjunct/flows"
	"conjunct/openflow"
)

// circumstances are what decides about a difference, beside the difference itself.
type circumstances struct {
	occasion occasion
	leave    bool                          // foreign flows are left alone
	unsent   map[openflow.FlowKey]struct{} // differs because of a change that was not sent yet
	refused  map[openflow.FlowKey]refusal  // by the switch
	reported map[openflow.FlowKey]struct{} // foreign flows that were found before and left alone
}

// repair decides what to do about each difference, what of it is drift, and which flows are left alone.
//
//	            adoption, recovery   routine
//	missing     add                  add, drift
//	changed     add                  add, drift (left alone where foreign flows are)
//	stale       remove               remove, drift
//	foreign     remove, drift (left alone and reported where configuration says so)
//
// What follows from a change that was not sent yet, or from a refusal, is no drift.
func repair(why circumstances, c comparison) (st *step, found drift, left map[openflow.FlowKey]struct{}) {
	st, left = &step{add: make([]openflow.Flow, 0, len(c.missing)+len(c.changed))}, make(map[openflow.FlowKey]struct{})
	for i := range c.missing {
		f := &c.missing[i]
		st.add = append(st.add, *f)
		found.note(&found.missing, f, why.isDrift(f), true)
	}
	for i := range c.changed {
		f := &c.changed[i]
		drifted := why.isDrift(f)
		if drifted && why.leave {
			found.note(&found.changed, f, why.isNews(f), false)
			left[f.Key()] = struct{}{}
			continue
		}
		st.add = append(st.add, *f)
		if flows.Counts(f) {
			st.renew = append(st.renew, *f)
		}
		found.note(&found.changed, f, drifted, true)
	}
	for i := range c.stale {
		f := &c.stale[i]
		st.remove = append(st.remove, *f)
		found.note(&found.foreign, f, why.isDrift(f), true)
	}
	for i := range c.foreign {
		f := &c.foreign[i]
		if why.leave {
			found.note(&found.foreign, f, why.isNews(f), false)
			left[f.Key()] = struct{}{}
			continue
		}
		st.remove = append(st.remove, *f)
		found.note(&found.foreign, f, true, true)
	}
	return st, found, left
}

// isDrift reports whether nothing that we know of explains a difference.
func (why *circumstances) isDrift(f *openflow.Flow) bool {
	_, waiting := why.unsent[f.Key()]
	_, refused := why.refused[f.Key()]
	return why.occasion == routine && !waiting && !refused
}

// isNews tells whether a flow that is left alone was not known.
func (why *circumstances) isNews(f *openflow.Flow) bool {
	_, known := why.reported[f.Key()]
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
