package api

import (
	"fmt"
	"net/netip"
	"net/url"

	"conjunct/policy"
)

// saveIPSet creates or replaces an IP set; its entries too, where the request has some. An entry with a prefix that the
// set holds already is that entry and keeps its id.
func saveIPSet(c *change, id string, wire any) error {
	in := wire.(*IPSet)
	set := in.Clone().(*policy.IPSet)
	set.ID = id
	if err := c.claim(&set.ProjectID); err != nil {
		return err
	}
	if before, ok := policy.Find[*policy.IPSet](c.Snapshot(), id); ok {
		set.Removals = before.Removals
	}
	if err := c.put(set, ""); err != nil {
		return err
	}
	if in.Entries == nil {
		return nil
	}
	left := make(map[netip.Prefix]*policy.Entry)
	for _, e := range c.Snapshot().EntriesOf(policy.IPSetID(id)) {
		left[e.CIDR.Prefix()] = e
	}
	next := make([]*policy.Entry, len(in.Entries))
	for i := range in.Entries {
		e := in.Entries[i].Clone().(*policy.Entry)
		if e.IPSetID != "" && e.IPSetID != policy.IPSetID(id) {
			return invalid(fmt.Sprintf("/entries/%d/ip_set_id", i), "id-mismatch", "the entry says %q and is listed in %q", e.IPSetID, id)
		}
		prefix := e.CIDR.Prefix().Masked()
		e.ID = policy.NewID(policy.KindEntry)
		e.IPSetID = policy.IPSetID(id)
		if same, ok := left[prefix]; ok {
			e.ID = same.ID
			delete(left, prefix)
		}
		next[i] = e
	}
	for _, gone := range left {
		if err := c.removePart(gone); err != nil {
			return err
		}
	}
	for i, e := range next {
		if err := c.put(e, fmt.Sprintf("/entries/%d", i)); err != nil {
			return err
		}
	}
	return nil
}

// removeIPSet deletes a set with its entries, unless a rule names it.
func removeIPSet(c *change, id string, _ url.Values) error {
	set, err := find[*policy.IPSet](c, id)
	if err != nil {
		return err
	}
	if err := c.may(policy.MayDelete, set); err != nil {
		return err
	}
	s := c.Snapshot()
	using := referring[*policy.Rule](s, policy.KindIPSet, id)
	if len(using) > 0 {
		return &policy.Conflict{Code: "ip-set-in-use", Holders: holdersOfRules(s, using),
			Message: fmt.Sprintf("IP set %q is used by %s; remove these rules first", set.Label(), ruleWords(s, using))}
	}
	return c.Delete(policy.KindIPSet, id)
}

// addEntry creates an entry of a set.
func (c *change) addEntry(set policy.IPSetID, id string, in *policy.Entry) error {
	if _, err := find[*policy.IPSet](c, set); err != nil {
		return err
	}
	e := in.Clone().(*policy.Entry)
	if e.IPSetID != "" && e.IPSetID != set {
		return invalid("/ip_set_id", "id-mismatch", "the body says %q and the path %q", e.IPSetID, set)
	}
	e.ID, e.IPSetID = id, set
	return c.put(e, "")
}

// addEntries adds what can be added of many lines and says what became of each.
func (c *change) addEntries(id policy.IPSetID, lines []bulkLine) (*BulkResult, error) {
	set, has, err := c.entriesOf(id)
	if err != nil {
		return nil, err
	}
	out := &BulkResult{Added: []Entry{}, Skipped: []BulkLine{}, Invalid: []BulkLine{}}
	first := make(map[netip.Prefix]int) // line of the request
	for _, l := range lines {
		prefix, refused := l.prefix(set)
		if refused != nil {
			out.Invalid = append(out.Invalid, *refused)
			continue
		}
		if has[prefix] != nil || first[prefix] != 0 {
			why := fmt.Sprintf("%s is in the set already", prefix)
			if first[prefix] != 0 {
				why = fmt.Sprintf("%s stands in line %d already", prefix, first[prefix])
			}
			out.Skipped = append(out.Skipped, BulkLine{Line: l.number, Value: l.value, Message: why})
			continue
		}
		first[prefix] = l.number
		e := &policy.Entry{Meta: policy.Meta{ID: l.id}, IPSetID: id, CIDR: policy.CIDR(prefix), Description: l.description}
		if err := c.put(e, ""); err != nil {
			return nil, err
		}
		out.Added = append(out.Added, *e)
	}
	return out, nil
}

// removeEntries removes what the set has of many lines and says what became of each.
func (c *change) removeEntries(id policy.IPSetID, lines []bulkLine) (*BulkRemoval, error) {
	set, has, err := c.entriesOf(id)
	if err != nil {
		return nil, err
	}
	out := &BulkRemoval{Removed: []Entry{}, Skipped: []BulkLine{}, Invalid: []BulkLine{}}
	for _, l := range lines {
		prefix, refused := l.prefix(set)
		if refused != nil {
			out.Invalid = append(out.Invalid, *refused)
			continue
		}
		e := has[prefix]
		if e == nil {
			out.Skipped = append(out.Skipped, BulkLine{Line: l.number, Value: l.value, Message: fmt.Sprintf("%s is not in the set", prefix)})
			continue
		}
		delete(has, prefix)
		if err := c.Delete(policy.KindEntry, e.ID); err != nil {
			return nil, err
		}
		out.Removed = append(out.Removed, *e)
	}
	if len(out.Removed) > 0 {
		changed := set.Clone().(*policy.IPSet)
		changed.Removals += int64(len(out.Removed))
		return out, c.put(changed, "")
	}
	return out, nil
}

// entriesOf are a set and its entries by prefix.
func (c *change) entriesOf(id policy.IPSetID) (*policy.IPSet, map[netip.Prefix]*policy.Entry, error) {
	set, err := find[*policy.IPSet](c, id)
	if err != nil {
		return nil, nil, err
	}
	has := make(map[netip.Prefix]*policy.Entry)
	for _, e := range c.Snapshot().EntriesOf(id) {
		has[e.CIDR.Prefix()] = e
	}
	return set, has, nil
}

// prefix is what the line means in the set, or why it means nothing there.
func (l bulkLine) prefix(set *policy.IPSet) (netip.Prefix, *BulkLine) {
	prefix, err := policy.ParsePrefix(l.value)
	if err != nil {
		return prefix, &BulkLine{Line: l.number, Value: l.value, Message: err.Error()}
	}
	if version := policy.Version(prefix.Addr()); version != set.IPVersion {
		return prefix, &BulkLine{Line: l.number, Value: l.value,
			Message: fmt.Sprintf("%s is IPv%d but the IP set %q is for IPv%d", prefix, version, set.Label(), set.IPVersion)}
	}
	return prefix.Masked(), nil
}
