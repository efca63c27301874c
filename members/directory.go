package members

import (
	"iter"
	"net/netip"
	"unique"

	"github.com/gaissmai/bart"

	"conjunct/policy"
)

// Directory lists prefixes in sets, in domains that know nothing of one another. Two things are kept in it:
//
//	domain           set            prefix                             holder
//	VPC number       group number   a member's address or pair         the port
//	0                IP set number  an entry's CIDR, 0.0.0.0/0 is one  the entry
//
// A host address costs a lookup and about 250 bytes, however many there are; a wider prefix costs a visit to every listed
// prefix inside it. A Directory has no lock: one goroutine changes it, and nobody reads it meanwhile. Prefixes are masked on
// the way in, and an invalid one is in no set.
type Directory struct {
	domains map[policy.Number]*domain
}

// domain is one address space.
type domain struct {
	table   bart.Table[*entry]
	members map[policy.Number]map[*entry]struct{}
}

// NewDirectory returns an empty directory.
func NewDirectory() *Directory {
	return &Directory{domains: make(map[policy.Number]*domain)}
}

// Add lists p in the set on behalf of the holder. A holder lists a prefix in a set once, however often it says so; what is in
// the set already through another holder changes nothing. The answer begins with p itself and goes on with the listed
// prefixes inside p whose effective sets changed, in address order; it is nil when nothing changed.
func (d *Directory) Add(domain, set policy.Number, p netip.Prefix, holder string) []Delta {
	p = p.Masked()
	if !p.IsValid() {
		return nil
	}
	dom := d.ensure(domain)
	e, ok := dom.table.Get(p)
	if !ok {
		e = &entry{prefix: p, own: nothing, effective: nothing}
		dom.table.Insert(p, e)
	}
	if !e.list(listing{set, holder}) {
		return nil
	}
	if dom.members[set] == nil {
		dom.members[set] = make(map[*entry]struct{})
	}
	dom.members[set][e] = struct{}{}
	return dom.change(domain, e, e.own.Value().With(set))
}

// Remove takes the holder's listing of p in the set away; p leaves the set with the last of them. The answer is as of Add.
func (d *Directory) Remove(domain, set policy.Number, p netip.Prefix, holder string) []Delta {
	p = p.Masked()
	dom := d.domains[domain]
	if dom == nil || !p.IsValid() {
		return nil
	}
	e, ok := dom.table.Get(p)
	if !ok || !e.unlist(listing{set, holder}) {
		return nil
	}
	delete(dom.members[set], e)
	if len(dom.members[set]) == 0 {
		delete(dom.members, set)
	}
	deltas := dom.change(domain, e, e.own.Value().Without(set))
	if e.own == nothing {
		dom.table.Delete(p)
	}
	if dom.table.Size() == 0 {
		delete(d.domains, domain)
	}
	return deltas
}

func (d *Directory) ensure(n policy.Number) *domain {
	dom := d.domains[n]
	if dom == nil {
		dom = &domain{members: make(map[policy.Number]map[*entry]struct{})}
		d.domains[n] = dom
	}
	return dom
}

// Own returns the sets in which p is listed.
func (d *Directory) Own(domain policy.Number, p netip.Prefix) policy.NumberSet {
	if e := d.find(domain, p); e != nil {
		return e.own.Value()
	}
	return ""
}

// Effective returns the sets in which p and every listed prefix that covers it are listed; none when p itself is in none.
func (d *Directory) Effective(domain policy.Number, p netip.Prefix) policy.NumberSet {
	if e := d.find(domain, p); e != nil {
		return e.effective.Value()
	}
	return ""
}

func (d *Directory) find(domain policy.Number, p netip.Prefix) *entry {
	p = p.Masked()
	dom := d.domains[domain]
	if dom == nil || !p.IsValid() {
		return nil
	}
	e, _ := dom.table.Get(p)
	return e
}

// Lookup returns the effective sets of the longest listed prefix that covers the address: what the switch computes, and so
// every set that the address is in.
func (d *Directory) Lookup(domain policy.Number, addr netip.Addr) policy.NumberSet {
	dom := d.domains[domain]
	if dom == nil || !addr.IsValid() {
		return ""
	}
	if e, ok := dom.table.Lookup(addr.WithZone("")); ok {
		return e.effective.Value()
	}
	return ""
}

// Members iterates the prefixes listed in a set, in no particular order. The directory must not be changed meanwhile.
func (d *Directory) Members(domain, set policy.Number) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		dom := d.domains[domain]
		if dom == nil {
			return
		}
		for e := range dom.members[set] {
			if !yield(e.prefix) {
				return
			}
		}
	}
}

// Len counts the prefixes listed in a set.
func (d *Directory) Len(domain, set policy.Number) int {
	if dom := d.domains[domain]; dom != nil {
		return len(dom.members[set])
	}
	return 0
}

// Prefixes iterates the listed prefixes of a domain with their effective sets, in no particular order. The directory must
// not be changed meanwhile.
func (d *Directory) Prefixes(domain policy.Number) iter.Seq2[netip.Prefix, policy.NumberSet] {
	return func(yield func(netip.Prefix, policy.NumberSet) bool) {
		dom := d.domains[domain]
		if dom == nil {
			return
		}
		for p, e := range dom.table.All() {
			if !yield(p, e.effective.Value()) {
				return
			}
		}
	}
}

// nothing is the empty set, interned.
var nothing = unique.Make(policy.NumberSet(""))
