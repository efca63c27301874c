package oftest

import (
	"cmp"
	"slices"
	"unique"

	"conjunct/openflow"
	"conjunct/openflow/ofeval"
)

// An entry is a flow as a switch keeps it. What is equal in many switches is kept once for all of them. An entry
// that changes is replaced; only the count changes in place.
type entry struct {
	key     entryKey
	body    unique.Handle[string] // a FlowMod that adds the flow, with cookie 0
	cookie  uint64
	order   uint64 // of insertion; the upper half is the step in which it was
	packets uint64
}

// An entryKey names a flow within its table.
type entryKey struct {
	match    unique.Handle[string]
	priority uint16
}

func keyOf(f *openflow.Flow) entryKey {
	return entryKey{unique.Make(f.Match.Key()), f.Priority}
}

// newEntry encodes a flow. It fails when the flow is too long for a message.
func newEntry(f openflow.Flow) (*entry, error) {
	e := &entry{key: keyOf(&f), cookie: f.Cookie}
	f.Cookie = 0
	b, err := openflow.Append(nil, 0, openflow.FlowMod{Command: openflow.FlowAdd, Flow: f})
	if err != nil {
		return nil, err
	}
	e.body = unique.Make(string(b))
	return e, nil
}

// flow decodes the flow.
func (e *entry) flow() openflow.Flow {
	_, m, err := openflow.Decode([]byte(e.body.Value()))
	if err != nil {
		panic("oftest: decode own flow: " + err.Error()) // newEntry has encoded it
	}
	f := m.(openflow.FlowMod).Flow
	f.Cookie = e.cookie
	return f
}

func (e *entry) stats() openflow.FlowStats {
	return openflow.FlowStats{Flow: e.flow(), Packets: e.packets}
}

// A table is one flow table. Its classifier is built at the first lookup.
type table struct {
	entries map[entryKey]*entry
	index   *ofeval.Classifier
	rules   map[*entry]*ofeval.Rule // of index
}

// sorted returns the entries in the order of insertion.
func (t *table) sorted() []*entry {
	all := make([]*entry, 0, len(t.entries))
	for _, e := range t.entries {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *entry) int { return cmp.Compare(a.order, b.order) })
	return all
}

// classifier returns the index.
func (t *table) classifier() *ofeval.Classifier {
	if t.index == nil {
		t.index, t.rules = ofeval.NewClassifier(), make(map[*entry]*ofeval.Rule, len(t.entries))
		all := t.sorted()
		for i, e := range all {
			t.insert(e)
			if i+1 == len(all) || all[i+1].order>>32 != e.order>>32 {
				t.index.Publish()
			}
		}
	}
	return t.index
}

func (t *table) insert(e *entry) {
	r := ofeval.NewRule(e.flow(), &e.packets)
	t.rules[e] = r
	t.index.Insert(r)
}

func (t *table) remove(e *entry) {
	t.index.Remove(t.rules[e])
	delete(t.rules, e)
}
