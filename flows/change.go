package flows

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"conjunct/openflow"
)

// Changes are the flow-mods that bring a bridge that holds what was wanted at the last Changes to what is wanted. The
// two lists have no flow key in common; each is sorted by table, priority and match.
type Changes struct {
	// Full says that only a comparison with the whole bridge will do: after the first call, and when class numbers moved.
	Full   bool
	Add    []openflow.Flow // absent so far, or to be replaced
	Delete []openflow.Flow // as they were
	// Renew are flows that count and stand in Add otherwise. They are to be deleted before, in the same step: what has been
	// counted so far was for the flow as it was, and is told then.
	Renew []openflow.Flow
	// Replaced are all flows that stand in Add otherwise, as they were.
	Replaced []openflow.Flow
	// Apart says that no packet meets two of the flows that change: sent one by one, each packet is judged by what was wanted before, or by
	// what is wanted now, as if they changed at once.
	Apart bool
	// Grown is by how much the number of flows has grown; it is not known when Full.
	Grown int
}

// maxPending is how many units may have changed before Changes gives up telling which, and asks for a comparison: what is
// remembered for a bridge that takes nothing is bounded, whatever changes meanwhile. A unit takes about a kilobyte.
const maxPending = 1 << 14

// Empty reports whether there is nothing to do.
func (c *Changes) Empty() bool { return !c.Full && len(c.Add) == 0 && len(c.Delete) == 0 }

// Counts reports whether the flow counts for a rule or a platform rule.
func Counts(f *openflow.Flow) bool { return f.Flags&tellsCounts != 0 }

// touch notes the flows of a unit before it changes.
func (h *Host) touch(u unit) {
	if !h.full && !h.touched[u] {
		h.touchAs(u, h.flowsOf(u))
	}
}

// touchAs is touch for a unit whose present flows the caller knows.
func (h *Host) touchAs(u unit, flows []openflow.Flow) {
	if h.full || h.touched[u] {
		return
	}
	if len(h.touched) >= maxPending {
		h.full = true
		h.touched, h.before = make(map[unit]bool), make(map[flowKey]openflow.Flow)
		return
	}
	h.touched[u] = true
	for _, f := range flows {
		if _, noted := h.before[keyOf(&f)]; !noted {
			h.before[keyOf(&f)] = f
		}
	}
}

// renumbered is called when classes in use got other numbers: the components are built again, and nothing that is on the
// bridge can be taken for granted.
func (h *Host) renumbered(moved bool) {
	if !moved {
		return
	}
	h.full = true
	clear(h.components)
	clear(h.plain)
	for _, a := range h.rules {
		h.activate(a.Rule, a.group)
	}
}

// Dirty reports whether something may have changed since the last Changes.
func (h *Host) Dirty() bool { return h.full || len(h.touched) > 0 }

// Pending counts what may have changed since the last Changes: small sets of flows, each of which one thing stands behind.
func (h *Host) Pending() int { return len(h.touched) }

// Changes takes what has changed since the last call.
func (h *Host) Changes() Changes {
	c := Changes{Full: h.full, Apart: h.apart()}
	after := h.after
	for u := range h.touched {
		for _, f := range h.flowsOf(u) {
			after[keyOf(&f)] = f
		}
	}
	for k, f := range after {
		if old, had := h.before[k]; !had || !old.Equal(&f) {
			c.Add = append(c.Add, f)
			if had {
				c.Replaced = append(c.Replaced, old)
			}
			if had && Counts(&old) {
				c.Renew = append(c.Renew, old)
			}
		}
	}
	for k, f := range h.before {
		if _, still := after[k]; !still {
			c.Delete = append(c.Delete, f)
		}
	}
	c.Grown = len(after) - len(h.before)
	h.full = false
	h.touched, h.before, h.after = emptied(h.touched), emptied(h.before), emptied(after)
	slices.SortFunc(c.Add, Compare)
	slices.SortFunc(c.Delete, Compare)
	slices.SortFunc(c.Renew, Compare)
	return c
}

// apart reports whether all that was touched is one address' class, or one of either family: a packet has one remote for each end that
// judges, and looks it up once. (Both ends may lie in one prefix.)
func (h *Host) apart() bool {
	var of [2]unit
	for u := range h.touched {
		if u.kind != unitAddress || !u.prefix.IsSingleIP() {
			return false
		}
		one := &of[0]
		if u.prefix.Addr().Is6() {
			one = &of[1]
		}
		u.dir = ""
		if one.kind != 0 && *one != u {
			return false
		}
		*one = u
	}
	return true
}

// keptRoom is for how many entries a map is kept for the next change: most changes are no larger, and a map is most of what one
// allocates.
const keptRoom = 16

func emptied[K comparable, V any](m map[K]V) map[K]V {
	if len(m) > keptRoom {
		return make(map[K]V)
	}
	clear(m)
	return m
}

// All iterates every flow that the bridge should hold, each once, in no particular order.
func (h *Host) All() iter.Seq[openflow.Flow] {
	return func(yield func(openflow.Flow) bool) {
		h.units(func(u unit) bool {
			for _, f := range h.flowsOf(u) {
				if !yield(f) {
					return false
				}
			}
			return true
		})
	}
}

// Compare orders flows by table, priority (highest first) and match.
func Compare(a, b openflow.Flow) int {
	return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(b.Priority, a.Priority), strings.Compare(a.Match.Key(), b.Match.Key()))
}
