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
	fresh := 0
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
		} else {
			fresh++
		}
		next[i] = e
	}
	if err := fewEnough(fresh + len(left)); err != nil {
		return err
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

// maxEntryChanges is how many entries one change may add and remove. The store takes more in a transaction, but a slow disk may
// then let etcd's own time run out, and nobody knows whether the change was made.
const maxEntryChanges = 20_000

// fewEnough refuses a change of more entries than one transaction should have.
func fewEnough(n int) error {
	if n <= maxEntryChanges {
		return nil
	}
	return invalid("/entries", "transaction-too-large", "%d entries would change, %d can at once; send them in parts, such as to entries:bulk", n, maxEntryChanges)
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
		switch {
		case refused != nil:
			out.Invalid = append(out.Invalid, *refused)
		case first[prefix] != 0:
			out.Skipped = append(out.Skipped, l.report("%s stands in line %d already", prefix, first[prefix]))
		case has[prefix] != nil:
			out.Skipped = append(out.Skipped, l.report("%s is in the set already", prefix))
		default:
			first[prefix] = l.number
			e := Entry{Meta: policy.Meta{ID: l.id}, IPSetID: id, CIDR: policy.CIDR(prefix), Description: l.description}
			out.Added = append(out.Added, e)
		}
	}
	if err := fewEnough(len(out.Added)); err != nil {
		return nil, err
	}
	for i := range out.Added {
		if err := c.put(&out.Added[i], ""); err != nil {
			return nil, err
		}
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
		switch e := has[prefix]; {
		case refused != nil:
			out.Invalid = append(out.Invalid, *refused)
		case e == nil:
			out.Skipped = append(out.Skipped, l.report("%s is not in the set", prefix))
		default:
			delete(has, prefix)
			out.Removed = append(out.Removed, *e)
		}
	}
	if err := fewEnough(len(out.Removed)); err != nil || len(out.Removed) == 0 {
		return out, err
	}
	for i := range out.Removed {
		if err := c.Delete(policy.KindEntry, out.Removed[i].ID); err != nil {
			return nil, err
		}
	}
	changed := set.Clone().(*policy.IPSet)
	changed.Removals += int64(len(out.Removed))
	return out, c.put(changed, "")
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
	refused := BulkLine{}
	switch version := policy.Version(prefix.Addr()); {
	case err != nil:
		refused = l.report("%s", err)
	case version != set.IPVersion:
		refused = l.report("%s is IPv%d but the IP set %q is for IPv%d", prefix, version, set.Label(), set.IPVersion)
	default:
		return prefix.Masked(), nil
	}
	return netip.Prefix{}, &refused
}

func (l bulkLine) report(format string, args ...any) BulkLine {
	return BulkLine{Line: l.number, Value: l.value, Message: fmt.Sprintf(format, args...)}
}
