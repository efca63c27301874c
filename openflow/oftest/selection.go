package oftest

import (
	"conjunct/openflow"
	"conjunct/openflow/ofeval"
)

// selected returns the flows that a flow mod, other than one that adds, is about.
func (s *Switch) selected(m *openflow.FlowMod) []located {
	filter := openflow.FlowFilter{
		Table: m.Flow.Table, Cookie: m.Flow.Cookie, CookieMask: m.CookieMask, Match: m.Flow.Match,
	}
	if m.Command == openflow.FlowDelete || m.Command == openflow.FlowDeleteStrict {
		filter.OutPort = m.OutPort
	}
	if m.Command == openflow.FlowDelete || m.Command == openflow.FlowModify {
		return s.filtered(filter)
	}
	key := keyOf(&m.Flow)
	var found []located
	for id, t := range s.tables {
		if t == nil || filter.Table != openflow.AllTables && filter.Table != uint8(id) {
			continue
		}
		if e := t.entries[key]; e != nil && meets(e, filter) {
			found = append(found, located{uint8(id), e})
		}
	}
	return found
}

// filtered returns the flows within a filter, by table and in the order of insertion.
func (s *Switch) filtered(filter openflow.FlowFilter) []located {
	var found []located
	conds := ofeval.NewConditions(filter.Match)
	for id, t := range s.tables {
		if t == nil || filter.Table != openflow.AllTables && filter.Table != uint8(id) {
			continue
		}
		for _, e := range t.sorted() {
			if meets(e, filter) && (len(conds) == 0 || e.conditions().Within(conds)) {
				found = append(found, located{uint8(id), e})
			}
		}
	}
	return found
}

// meets reports whether cookie and output port of e are as the filter says.
func meets(e *entry, filter openflow.FlowFilter) bool {
	if (e.cookie^filter.Cookie)&filter.CookieMask != 0 {
		return false
	}
	if filter.OutPort == 0 {
		return true
	}
	f := e.flow()
	return outputs(f.Actions, filter.OutPort)
}

func outputs(actions []openflow.Action, port openflow.Port) bool {
	for _, a := range actions {
		if out, ok := a.(openflow.Output); ok && out.Port == port {
			return true
		}
	}
	return false
}

func (e *entry) conditions() ofeval.Conditions {
	m, err := openflow.DecodeMatch([]byte(e.key.match.Value()))
	if err != nil {
		panic("oftest: decode own match: " + err.Error())
	}
	return ofeval.NewConditions(m)
}

// overlaps reports whether the table has another flow of the same priority that some packet matches as well.
func (s *Switch) overlaps(f openflow.Flow) bool {
	t := s.tables[f.Table]
	if t == nil {
		return false
	}
	conds := ofeval.NewConditions(f.Match)
	for _, e := range t.entries {
		if e.key.priority == f.Priority && e.conditions().Overlaps(conds) {
			return true
		}
	}
	return false
}
