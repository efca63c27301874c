package oftest

import (
	"fmt"

	"conjunct/openflow"
)

// numTables is how many tables a controller may use. Open vSwitch keeps table 254 for itself.
const numTables = 254

// A change is what a flow mod has done to one flow: old is nil for an added one, new for a deleted one.
type change struct {
	table    uint8
	old, new *entry
}

// carryOut does all flow mods, or none. On an error, index says which of them was refused.
func (s *Switch) carryOut(mods []openflow.FlowMod) (index int, err error) {
	s.batch++
	s.order = s.batch << 32
	var done []change
	for i := range mods {
		changes, err := s.change(&mods[i])
		done = append(done, changes...)
		if err != nil {
			for j := len(done) - 1; j >= 0; j-- {
				s.put(done[j].table, done[j].new, done[j].old)
			}
			return i, err
		}
	}
	s.reindex(done)
	if s.config.Carried != nil {
		s.config.Carried(mods)
	}
	for _, c := range done {
		s.tellRemoved(c)
	}
	return 0, nil
}

// reindex brings the classifiers up to date: what is added comes before what is removed, as at the commit of a bundle.
func (s *Switch) reindex(done []change) {
	touched := make(map[*table]bool)
	for _, c := range done {
		if t := s.tables[c.table]; t.index != nil && c.new != nil {
			t.insert(c.new)
			touched[t] = true
		}
	}
	for _, c := range done {
		if t := s.tables[c.table]; t.index != nil && c.old != nil {
			t.remove(c.old)
			touched[t] = true
		}
	}
	for t := range touched {
		t.index.Publish()
	}
}

// change does one flow mod on the entries. What it returns was done, also when it fails.
func (s *Switch) change(m *openflow.FlowMod) ([]change, error) {
	if err := checkMod(m); err != nil {
		return nil, err
	}
	if m.Command == openflow.FlowAdd {
		return s.add(m.Flow)
	}
	var done []change
	for _, found := range s.selected(m) {
		c := change{table: found.table, old: found.entry}
		if m.Command == openflow.FlowModify || m.Command == openflow.FlowModifyStrict {
			e, err := modified(found.entry, m)
			if err != nil {
				return done, err
			}
			c.new = e
		}
		s.put(c.table, c.old, c.new)
		done = append(done, c)
	}
	return done, nil
}

// checkMod returns an error when a flow mod can be refused whatever is in the tables.
func checkMod(m *openflow.FlowMod) error {
	switch {
	case m.Command == openflow.FlowDelete || m.Command == openflow.FlowDeleteStrict:
		return m.Flow.Match.Check()
	case m.Flow.Table == numTables:
		return openflow.ErrPermission
	case m.Flow.Table > numTables:
		return openflow.ErrBadTable
	}
	return m.Flow.Check()
}

// add adds a flow, or replaces the one with its table, priority and match; then the count stays, unless the flow says otherwise.
func (s *Switch) add(f openflow.Flow) ([]change, error) {
	e, err := newEntry(f)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", openflow.ErrBadLen, err)
	}
	c := change{table: f.Table, new: e}
	if t := s.tables[f.Table]; t != nil {
		c.old = t.entries[e.key]
	}
	if f.Flags&openflow.FlowCheckOverlap != 0 && c.old == nil && s.overlaps(f) {
		return nil, openflow.ErrOverlap
	}
	s.order++
	e.order = s.order
	if c.old != nil {
		e.order = c.old.order
		if f.Flags&openflow.FlowResetCounts == 0 {
			e.packets = c.old.packets
		}
	}
	s.put(c.table, c.old, e)
	return []change{c}, nil
}

// modified returns the entry that a flow mod makes of old: other actions, all else as it was.
func modified(old *entry, m *openflow.FlowMod) (*entry, error) {
	f := old.flow()
	f.Actions, f.Goto, f.Instructions = m.Flow.Actions, m.Flow.Goto, m.Flow.Instructions
	if err := f.Check(); err != nil {
		return nil, err
	}
	e, err := newEntry(f)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", openflow.ErrBadLen, err)
	}
	e.order = old.order
	if m.Flow.Flags&openflow.FlowResetCounts == 0 {
		e.packets = old.packets
	}
	return e, nil
}

// put replaces old by new, either of which may be nil.
func (s *Switch) put(tableID uint8, old, new *entry) {
	t := s.tables[tableID]
	if t == nil {
		t = &table{entries: make(map[entryKey]*entry)}
		s.tables[tableID] = t
	}
	if new != nil {
		t.entries[new.key] = new
	} else if old != nil {
		delete(t.entries, old.key)
	}
}

// located is an entry and its table.
type located struct {
	table uint8
	entry *entry
}
