package ofeval

import (
	"slices"

	"conjunct/openflow"
)

// A Hit is what a packet meets in a table. Rule is nil when it meets nothing.
type Hit struct {
	Rule *Rule
	// Components are the rules that complete the conjunction which led to Rule; none when Rule does not look at conj_id.
	Components []*Rule
}

// Lookup returns the rule that the packet meets (classifier_lookup in lib/classifier.c). frags says which ports of fragments are
// seen, and whether fragments are looked up at all.
//
// Rules without conjunctions are hard matches; the best one counts. Rules with conjunctions are soft: whether they match shows only
// when several of them are taken together, priority by priority, from above down to the hard match.
func (c *Classifier) Lookup(p *Packet, frags openflow.FragMode) Hit {
	if p.number(openflow.IPFrag)&openflow.FragAny == 0 || frags == openflow.FragNXMatch {
		return c.search(p, true)
	}
	if frags != openflow.FragNormal {
		return Hit{}
	}
	src, dst := p.fields[openflow.TCPSrc], p.fields[openflow.TCPDst]
	p.fields[openflow.TCPSrc], p.fields[openflow.TCPDst] = value{}, value{}
	defer func() { p.fields[openflow.TCPSrc], p.fields[openflow.TCPDst] = src, dst }()
	return c.search(p, true)
}

func (c *Classifier) search(p *Packet, conjunctive bool) Hit {
	var hard *Rule
	hardPriority := -1
	var room [64]*Rule
	soft := room[:0]
	for _, s := range c.subtables {
		if int(s.max) <= hardPriority {
			break
		}
		r := s.find(p)
		switch {
		case r == nil || int(r.Flow.Priority) <= hardPriority:
		case r.clauses == nil:
			hard, hardPriority = r, int(r.Flow.Priority)
		case conjunctive:
			soft = append(soft, r)
		}
	}
	for {
		soft = above(soft, hardPriority)
		if len(soft) == 0 {
			return Hit{Rule: hard}
		}
		priority := highest(soft)
		if hit := c.complete(p, soft, priority); hit.Rule != nil {
			return hit
		}
		// None of them is a match. What they hid may be one: the rules of lower priority with identical matches.
		for i, r := range soft {
			if r.Flow.Priority != priority {
				continue
			}
			lower := r.nextLower()
			if lower != nil && lower.clauses == nil {
				if int(lower.Flow.Priority) > hardPriority {
					hard, hardPriority = lower, int(lower.Flow.Priority)
				}
				lower = nil
			}
			soft[i] = lower
		}
	}
}

// above drops what is nil or not above the hard match. The last one takes the place of a dropped one: the order decides ties.
func above(soft []*Rule, hardPriority int) []*Rule {
	for i := 0; i < len(soft); {
		if soft[i] == nil || int(soft[i].Flow.Priority) <= hardPriority {
			soft[i] = soft[len(soft)-1]
			soft = soft[:len(soft)-1]
		} else {
			i++
		}
	}
	return soft
}

func highest(soft []*Rule) (priority uint16) {
	for _, r := range soft {
		priority = max(priority, r.Flow.Priority)
	}
	return priority
}

// complete looks among the soft matches of one priority for an id all of whose clauses are there, and returns what the
// table has for the packet with that conj_id. An id with more clauses than there are soft matches is not looked at. When
// the table has nothing, the other ids of the same rule are not looked at either.
func (c *Classifier) complete(p *Packet, soft []*Rule, priority uint16) Hit {
	n := 0
	for _, r := range soft {
		if r.Flow.Priority == priority {
			n++
		}
	}
	found := make(map[uint32]uint64)
	for _, r := range soft {
		if r.Flow.Priority != priority {
			continue
		}
		id, ok := r.fold(found, n)
		if !ok {
			continue
		}
		saved := p.fields[openflow.ConjID]
		p.setNumber(openflow.ConjID, uint64(id))
		result := c.search(p, false)
		p.fields[openflow.ConjID] = saved
		if result.Rule != nil {
			return Hit{Rule: result.Rule, Components: ofConjunction(soft, priority, id)}
		}
	}
	return Hit{}
}

// fold adds the clauses of r to those found, and returns the first id that this completes.
func (r *Rule) fold(found map[uint32]uint64, n int) (id uint32, ok bool) {
	if n < int(r.minN) {
		return 0, false
	}
	for _, clause := range r.clauses {
		if int(clause.N) > n {
			continue
		}
		bits, seen := found[clause.ID]
		if !seen {
			bits = ^uint64(0) << (clause.N & 63)
		}
		bits |= 1 << clause.Clause
		found[clause.ID] = bits
		if bits == ^uint64(0) {
			return clause.ID, true
		}
	}
	return 0, false
}

// ofConjunction keeps the rules of a priority that are clauses of the id.
func ofConjunction(soft []*Rule, priority uint16, id uint32) []*Rule {
	var out []*Rule
	for _, r := range soft {
		if r.Flow.Priority == priority && slices.ContainsFunc(r.clauses, func(c openflow.Conjunction) bool { return c.ID == id }) {
			out = append(out, r)
		}
	}
	return out
}
