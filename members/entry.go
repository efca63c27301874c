package members

import (
	"cmp"
	"net/netip"
	"slices"
	"unique"

	"conjunct/policy"
)

// set is an interned NumberSet: a hundred thousand addresses share a few hundred of them, and equal sets compare as one word.
// The runtime forgets a set that no entry has any more.
type set = unique.Handle[policy.NumberSet]

// listing is one reason for a prefix to be in a set.
type listing struct {
	set    policy.Number
	holder string
}

func (a listing) compare(b listing) int {
	return cmp.Or(cmp.Compare(a.set, b.set), cmp.Compare(a.holder, b.holder))
}

// entry is a prefix that is listed in at least one set.
type entry struct {
	prefix    netip.Prefix
	own       set       // the sets of listings
	effective set       // own, and the effective sets of the closest entry that covers this one
	listings  []listing // by set, then holder; each once
}

// list adds a listing and reports whether the prefix came into the set by it.
func (e *entry) list(l listing) (came bool) {
	i, found := slices.BinarySearchFunc(e.listings, l, listing.compare)
	if found {
		return false
	}
	came = !e.listed(i, l.set)
	if e.listings == nil {
		e.listings = []listing{l} // exactly one, which is what most addresses ever have
		return came
	}
	e.listings = slices.Insert(e.listings, i, l)
	return came
}

// unlist takes a listing away and reports whether the prefix left the set by it.
func (e *entry) unlist(l listing) (left bool) {
	i, found := slices.BinarySearchFunc(e.listings, l, listing.compare)
	if !found {
		return false
	}
	e.listings = slices.Delete(e.listings, i, i+1)
	return !e.listed(i, l.set)
}

// listed reports whether a listing beside position i is of the set.
func (e *entry) listed(i int, set policy.Number) bool {
	return i > 0 && e.listings[i-1].set == set || i < len(e.listings) && e.listings[i].set == set
}
