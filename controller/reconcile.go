package controller

import (
	"iter"
	"slices"

	"conjunct/flows"
	"conjunct/openflow"
)

// installed is a bridge's flows in our tables, by key.
type installed map[openflow.FlowKey]*openflow.Flow

// comparison is how a bridge differs from what is wanted.
//
//	             on the bridge
//	wanted    no          same     other
//	   yes    missing     –        changed
//	   no     –                    stale (ours), foreign (somebody's)
type comparison struct {
	wanted  int // flows that are wanted
	missing []openflow.Flow
	changed []openflow.Flow // as wanted
	stale   []openflow.Flow // as installed, with our owner byte
	foreign []openflow.Flow // as installed, without it
}

// compare tells how a bridge differs. It takes what is wanted out of have.
func compare(have installed, want iter.Seq[openflow.Flow]) comparison {
	var c comparison
	empty := len(have) == 0
	for f := range want {
		c.wanted++
		key := f.Key()
		switch is := have[key]; {
		case is == nil:
			c.missing = append(c.missing, f)
		case !is.Equal(&f):
			c.changed = append(c.changed, f)
		}
		delete(have, key)
	}
	for _, f := range have {
		if _, _, ours := flows.ParseCookie(f.Cookie); ours {
			c.stale = append(c.stale, *f)
		} else {
			c.foreign = append(c.foreign, *f)
		}
	}
	if empty { // Everything goes to a switch that has nothing, and waits for it: the order is of no use.
		return c
	}
	for _, list := range [][]openflow.Flow{c.missing, c.changed, c.stale, c.foreign} {
		slices.SortFunc(list, flows.Compare)
	}
	return c
}

// step is what to send to bring a bridge up to date: one bundle, and the conntrack zones to flush before it and after it. Additions go
// before deletions; no key is in both. What is to be renewed is deleted before all else: its key is among the additions.
type step struct {
	zones  []uint16
	renew  []openflow.Flow
	add    []openflow.Flow
	remove []openflow.Flow
	apart  bool // need not be one step: see flows.Changes
}

func (s *step) empty() bool { return len(s.add) == 0 && len(s.remove) == 0 }

// whole reports whether packets have to see the step at once. What is renewed is gone for a moment, so that even a single flow is then.
func (s *step) whole() bool { return !s.apart && len(s.renew)+len(s.add)+len(s.remove) > 1 }

// mods yields the bundle. A flow that was refused is taken away instead of added: what stood under its key before was for
// another time.
func (s *step) mods(refused map[openflow.FlowKey]refusal) iter.Seq[openflow.FlowMod] {
	return func(yield func(openflow.FlowMod) bool) {
		for _, f := range s.renew {
			if !yield(removal(f)) {
				return
			}
		}
		for _, f := range s.add {
			m := openflow.FlowMod{Command: openflow.FlowAdd, Flow: f}
			if _, no := refused[f.Key()]; no {
				m = removal(f)
			}
			if !yield(m) {
				return
			}
		}
		for _, f := range s.remove {
			if !yield(removal(f)) {
				return
			}
		}
	}
}

func removal(f openflow.Flow) openflow.FlowMod {
	return openflow.FlowMod{
		Command: openflow.FlowDeleteStrict,
		Flow:    openflow.Flow{Table: f.Table, Priority: f.Priority, Match: f.Match},
	}
}

// occupants are the ports that a bridge holds flows for: by port number, the cookie of the flow that classifies its packets.
type occupants map[uint16]uint64

// occupant is the port number that a flow classifies, when it is a local port's classification.
func occupant(f *openflow.Flow) (ofport uint16, ok bool) {
	if kind, _, ours := flows.ParseCookie(f.Cookie); !ours || kind != flows.CookiePort || f.Table != flows.TableClassify {
		return 0, false
	}
	v, _, ok := f.Match.Get(openflow.InPort)
	return uint16(v.Uint64()), ok
}

// zonesOf are the zones that have another port's connections in them once the flows are added.
func (o occupants) zonesOf(add []openflow.Flow) (zones []uint16) {
	for i := range add {
		if ofport, ok := occupant(&add[i]); ok && o[ofport] != add[i].Cookie {
			zones = append(zones, ofport)
		}
	}
	return zones
}

// note takes a flow that is on the bridge into account.
func (o occupants) note(f *openflow.Flow) {
	if ofport, ok := occupant(f); ok {
		o[ofport] = f.Cookie
	}
}

// moved follows a step that is on the bridge.
func (o occupants) moved(s *step) {
	for i := range s.remove {
		if ofport, ok := occupant(&s.remove[i]); ok {
			delete(o, ofport)
		}
	}
	for i := range s.add {
		o.note(&s.add[i])
	}
}
