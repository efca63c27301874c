package ofeval

import (
	"cmp"
	"encoding/binary"
	"slices"

	"conjunct/openflow"
)

// A Classifier finds the flow of one table for a packet, in the way of lib/classifier.c of Open vSwitch: a subtable per
// mask, searched by hash, in the order of the highest priority in each.
//
//	subtables   [ mask A, max 200 ] [ mask B, max 100 ] [ mask C, max 100 ]
//	                 |                                                       the order of equal ones is that of
//	              masked packet -> rules with that match, by priority       insertion, and decides ties
type Classifier struct {
	subtables []*subtable
	byMask    map[string]*subtable
}

// A subtable has the rules of one mask.
type subtable struct {
	mask  []condition
	key   string
	rules map[string][]*Rule // by masked value; highest priority first
	max   uint16             // highest priority in it
}

// A Rule is a flow in a Classifier.
type Rule struct {
	Flow     openflow.Flow
	count    *uint64                // of packets; nil when nobody counts
	clauses  []openflow.Conjunction // of a soft match; nil for a hard one
	minN     uint8                  // smallest N of the clauses
	subtable *subtable
	masked   string
}

// NewClassifier returns an empty Classifier.
func NewClassifier() *Classifier { return &Classifier{byMask: make(map[string]*subtable)} }

// NewRule makes a flow ready for a Classifier. count, where it is not nil, counts the packets that hit it.
func NewRule(flow openflow.Flow, count *uint64) *Rule {
	r := &Rule{Flow: flow, count: count, minN: 255}
	for _, a := range flow.Actions {
		if c, ok := a.(openflow.Conjunction); ok {
			r.clauses = append(r.clauses, c)
			r.minN = min(r.minN, c.N)
		}
	}
	return r
}

// NewConditions returns the fields of a match, in order.
func NewConditions(m openflow.Match) Conditions {
	var all Conditions
	for f := range m.Fields() {
		all = append(all, condition{slot(f.Field), fromBits(f.Value), fromBits(f.Mask)})
	}
	slices.SortFunc(all, func(a, b condition) int { return cmp.Compare(a.slot, b.slot) })
	return all
}

// Insert adds a rule, or puts it in the place of one with the same match and priority. Publish must follow.
func (c *Classifier) Insert(r *Rule) {
	conds := NewConditions(r.Flow.Match)
	var key, masked []byte
	for _, cond := range conds {
		key = appendValue(append(key, byte(cond.slot)), cond.mask)
		masked = appendValue(masked, cond.value)
	}
	s := c.byMask[string(key)]
	if s == nil {
		s = &subtable{mask: conds, key: string(key), rules: make(map[string][]*Rule)}
		c.byMask[s.key] = s
		c.subtables = append(c.subtables, s)
	}
	r.subtable, r.masked = s, string(masked)
	list := s.rules[r.masked]
	at, found := slices.BinarySearchFunc(list, r, byPriority)
	if found {
		list[at] = r
		return
	}
	s.rules[r.masked] = slices.Insert(list, at, r)
	s.max = max(s.max, r.Flow.Priority)
}

// Remove takes out a rule that is in the Classifier. Publish must follow.
func (c *Classifier) Remove(r *Rule) {
	s := r.subtable
	list := s.rules[r.masked]
	at := slices.Index(list, r)
	if at < 0 {
		return // replaced
	}
	if list = slices.Delete(list, at, at+1); len(list) > 0 {
		s.rules[r.masked] = list
	} else {
		delete(s.rules, r.masked)
	}
	if len(s.rules) == 0 {
		delete(c.byMask, s.key)
		at, last := slices.Index(c.subtables, s), len(c.subtables)-1
		c.subtables[at] = c.subtables[last]
		c.subtables = c.subtables[:last]
		return
	}
	if r.Flow.Priority == s.max {
		s.max = 0
		for _, list := range s.rules {
			s.max = max(s.max, list[0].Flow.Priority)
		}
	}
}

// Publish brings the subtables into the order of the search. Equal ones keep their order.
func (c *Classifier) Publish() {
	slices.SortStableFunc(c.subtables, func(a, b *subtable) int { return cmp.Compare(b.max, a.max) })
}

// find returns the rule of highest priority in the subtable that the packet meets.
func (s *subtable) find(p *Packet) *Rule {
	var room [256]byte
	masked := room[:0]
	for i := range s.mask {
		c := &s.mask[i]
		masked = appendValue(masked, p.fields[c.slot].and(c.mask))
	}
	if list := s.rules[string(masked)]; len(list) > 0 {
		return list[0]
	}
	return nil
}

// nextLower returns the rule of next lower priority with the same match.
func (r *Rule) nextLower() *Rule {
	list := r.subtable.rules[r.masked]
	if at := slices.Index(list, r) + 1; at < len(list) {
		return list[at]
	}
	return nil
}

func byPriority(a, b *Rule) int { return cmp.Compare(b.Flow.Priority, a.Flow.Priority) }

func appendValue(b []byte, v value) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, v.hi), v.lo)
}
