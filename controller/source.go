package controller

import (
	"net/netip"

	"conjunct/flows"
	"conjunct/members"
	"conjunct/policy"
)

// source is what all hosts share: groups with their rules, who is in which group, which prefix is in which IP set. It is a
// flows.Source. The model changes it under its lock.
type source struct {
	groups  map[policy.Number]*flows.Group
	members *members.Directory // domain: VPC, set: group, holder: port
	sets    *members.Directory // domain: 0, set: IP set, holder: entry

	// namedBy are the groups with a rule whose remote is the group (or the IP set).
	namedBy map[remote]map[policy.Number]struct{}
}

// remote is a group or an IP set as a rule names it.
type remote struct {
	set    bool
	number policy.Number
}

func newSource() *source {
	return &source{
		groups: make(map[policy.Number]*flows.Group), members: members.NewDirectory(), sets: members.NewDirectory(),
		namedBy: make(map[remote]map[policy.Number]struct{}),
	}
}

func (s *source) Group(n policy.Number) *flows.Group { return s.groups[n] }
func (s *source) Members() flows.Directory           { return s.members }
func (s *source) Sets() flows.Directory              { return s.sets }

// setGroup replaces a group's rules; nil for a group that is gone.
func (s *source) setGroup(n policy.Number, g *flows.Group) {
	if old := s.groups[n]; old != nil {
		for _, r := range remotesOf(old) {
			remove(s.namedBy, r, n)
		}
	}
	if g == nil {
		delete(s.groups, n)
		return
	}
	s.groups[n] = g
	for _, r := range remotesOf(g) {
		insert(s.namedBy, r, n)
	}
}

func remotesOf(g *flows.Group) []remote {
	var out []remote
	for i := range g.Rules {
		switch r := g.Rules[i].Remote; r.Kind {
		case policy.RemoteGroup:
			out = append(out, remote{false, r.Number})
		case policy.RemoteIPSet:
			out = append(out, remote{true, r.Number})
		default: // prefixes, which are in no directory
		}
	}
	return out
}

// listing is one prefix of a group or an IP set with who lists it.
type listing struct {
	domain, number policy.Number
	prefix         netip.Prefix
	holder         string
}

// list and unlist change the directory of groups, or of sets, and return what that did.
func (s *source) list(set bool, l listing) []members.Delta {
	return s.directory(set).Add(l.domain, l.number, l.prefix, l.holder)
}

func (s *source) unlist(set bool, l listing) []members.Delta {
	return s.directory(set).Remove(l.domain, l.number, l.prefix, l.holder)
}

func (s *source) directory(set bool) *members.Directory {
	if set {
		return s.sets
	}
	return s.members
}

// insert and remove keep a map of sets without empty sets.
func insert[K, V comparable](m map[K]map[V]struct{}, k K, v V) {
	if m[k] == nil {
		m[k] = make(map[V]struct{})
	}
	m[k][v] = struct{}{}
}

func remove[K, V comparable](m map[K]map[V]struct{}, k K, v V) {
	delete(m[k], v)
	if len(m[k]) == 0 {
		delete(m, k)
	}
}
