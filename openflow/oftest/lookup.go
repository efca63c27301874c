package oftest

import "conjunct/openflow"

// lookup returns the rule that the packet meets, nil for none (classifier_lookup in lib/classifier.c).
//
// Rules without conjunctions are hard matches; the best one counts. Rules with conjunctions are soft: whether they match shows only
// when several of them are taken together, priority by priority, from above down to the hard match.
func (c *classifier) lookup(p *Packet) *rule { return c.search(p, true) }

func (c *classifier) search(p *Packet, conjunctive bool) *rule {
	var hard *rule
	hardPriority := -1
	var room [64]*rule
	soft := room[:0]
	for _, s := range c.subtables {
		if int(s.max) <= hardPriority {
			break
		}
		r := s.find(p)
		switch {
		case r == nil || int(r.flow.Priority) <= hardPriority:
		case r.clauses == nil:
			hard, hardPriority = r, int(r.flow.Priority)
		case conjunctive:
			soft = append(soft, r)
		}
	}
	for {
		soft = above(soft, hardPriority)
		if len(soft) == 0 {
			return hard
		}
		priority := highest(soft)
		if r := c.complete(p, soft, priority); r != nil {
			return r
		}
		// None of them is a match. What they hid may be one: the rules of lower priority with identical matches.
		for i, r := range soft {
			if r.flow.Priority != priority {
				continue
			}
			lower := r.nextLower()
			if lower != nil && lower.clauses == nil {
				if int(lower.flow.Priority) > hardPriority {
					hard, hardPriority = lower, int(lower.flow.Priority)
				}
				lower = nil
			}
			soft[i] = lower
		}
	}
}

// above drops what is nil or not above the hard match. The last one takes the place of a dropped one: the order decides ties.
func above(soft []*rule, hardPriority int) []*rule {
	for i := 0; i < len(soft); {
		if soft[i] == nil || int(soft[i].flow.Priority) <= hardPriority {
			soft[i] = soft[len(soft)-1]
			soft = soft[:len(soft)-1]
		} else {
			i++
		}
	}
	return soft
}

func highest(soft []*rule) (priority uint16) {
	for _, r := range soft {
		priority = max(priority, r.flow.Priority)
	}
	return priority
}

// complete looks among the soft matches of one priority for an id all of whose clauses are there, and returns what the
// table has for the packet with that conj_id. An id with more clauses than there are soft matches is not looked at. When
// the table has nothing, the other ids of the same rule are not looked at either.
func (c *classifier) complete(p *Packet, soft []*rule, priority uint16) *rule {
	n := 0
	for _, r := range soft {
		if r.flow.Priority == priority {
			n++
		}
	}
	found := make(map[uint32]uint64)
	for _, r := range soft {
		if r.flow.Priority != priority {
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
		if result != nil {
			return result
		}
	}
	return nil
}

// fold adds the clauses of r to those found, and returns the first id that this completes.
func (r *rule) fold(found map[uint32]uint64, n int) (id uint32, ok bool) {
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
