package api

import (
	"net/http"
	"net/url"

	"conjunct/policy"
)

func (c *call) listEntries() error {
	return listBelow(c, policy.KindIPSet, func(rd *reader, id string) []*Entry {
		return rd.snapshot.EntriesOf(policy.IPSetID(id))
	}, func(e *Entry) string { return e.ID })
}

func (c *call) createEntry() error {
	doc, _, err := c.body(typeJSON)
	if err != nil {
		return err
	}
	in := new(Entry)
	if err := decodeStrict(doc, in); err != nil {
		return err
	}
	set, id := policy.IPSetID(c.variable("id")), policy.NewID(policy.KindEntry)
	return c.mutate(mutation{
		apply:  func(ch *change) error { return ch.addEntry(set, id, in) },
		answer: func(rd *reader) (any, error) { return showEntry(rd.snapshot, set, id) },
		status: func() int {
			c.w.Header().Set("Location", "/v1/ip-sets/"+url.PathEscape(string(set))+"/entries/"+id)
			return http.StatusCreated
		},
	})
}

// showEntry finds an entry of the set by its id, or by its prefix.
func showEntry(s *policy.Snapshot, set policy.IPSetID, id string) (*Entry, error) {
	if e, ok := policy.Find[*policy.Entry](s, id); ok && e.IPSetID == set {
		return e, nil
	}
	if prefix, err := policy.ParsePrefix(id); err == nil {
		for _, e := range s.EntriesOf(set) {
			if e.CIDR.Prefix() == prefix.Masked() {
				return e, nil
			}
		}
	}
	return nil, &policy.NotFound{Kind: policy.KindEntry, ID: id}
}

func (c *call) getEntry() error {
	return c.showOne(func(rd *reader) (any, error) {
		return showEntry(rd.snapshot, policy.IPSetID(c.variable("id")), c.variable("entry"))
	})
}

func (c *call) deleteEntry() error {
	set, id := policy.IPSetID(c.variable("id")), c.variable("entry")
	return c.mutate(mutation{apply: func(ch *change) error {
		e, err := showEntry(ch.Snapshot(), set, id)
		if err != nil {
			return err
		}
		if err := c.precondition(ch, e); err != nil {
			return err
		}
		return ch.removePart(e)
	}})
}
