package controller

import (
	"net/netip"
	"slices"

	"conjunct/policy"
)

// port is a port of the store as the model knows it: its surroundings, under what it is listed, and where it is plugged.
type port struct {
	id       policy.PortID
	view     *policy.PortView
	iface    string        // the iface-id of its interface
	expected policy.HostID // where the store says that it runs; may be ""
	domain   policy.Number
	groups   policy.NumberSet
	prefixes []netip.Prefix
	keys     []topic
	plugs    []*plug // one on each of the hosts
}

// topic is what ports have in common without naming it themselves: a group that an attachment may have given them, or a tag
// of their instances (then id is key=value).
type topic struct {
	kind policy.Kind
	id   string
}

const kindTag policy.Kind = "tag"

// ports are all ports of the store, with the indexes that the snapshot does not have.
type ports struct {
	byID    map[policy.PortID]*port
	byIface map[string]*port
	about   map[topic]map[*port]struct{}
}

func newPorts() *ports {
	return &ports{
		byID: make(map[policy.PortID]*port), byIface: make(map[string]*port),
		about: make(map[topic]map[*port]struct{}),
	}
}

// put indexes the port under its present surroundings.
func (ps *ports) put(p *port) {
	ps.byID[p.id] = p
	ps.byIface[p.iface] = p
	for _, t := range p.keys {
		insert(ps.about, t, p)
	}
}

// drop takes the port out of all indexes.
func (ps *ports) drop(p *port) {
	delete(ps.byID, p.id)
	if ps.byIface[p.iface] == p {
		delete(ps.byIface, p.iface)
	}
	for _, t := range p.keys {
		remove(ps.about, t, p)
	}
}

// settle gives the port its surroundings.
func (p *port) settle(v *policy.PortView) {
	p.view, p.iface, p.expected, p.domain = v, v.Port.IfaceID, v.Port.HypervisorID, v.VPC.Number
	numbers := make([]policy.Number, 0, len(v.Groups))
	p.keys = nil
	for k, value := range v.Instance.Tags {
		p.keys = append(p.keys, tagTopic(k, value))
	}
	for _, g := range v.Groups {
		numbers = append(numbers, g.Number)
		p.keys = append(p.keys, topic{policy.KindGroup, g.ID})
	}
	p.groups = policy.NumberSetOf(numbers...)
	p.prefixes = v.Port.MemberPrefixes()
	for i := range p.prefixes {
		p.prefixes[i] = p.prefixes[i].Masked()
	}
}

func tagTopic(key, value string) topic { return topic{kindTag, key + "=" + value} }

// listings are what the port lists in the directory of groups.
func (p *port) listings() []listing {
	var out []listing
	for n := range p.groups.All() {
		for _, prefix := range p.prefixes {
			out = append(out, listing{p.domain, n, prefix, string(p.id)})
		}
	}
	return out
}

// without returns the elements of a that are not in b.
func without[T comparable](a, b []T) []T {
	const few = 8
	if len(b) <= few {
		return slices.DeleteFunc(slices.Clone(a), func(v T) bool { return slices.Contains(b, v) })
	}
	in := make(map[T]struct{}, len(b))
	for _, v := range b {
		in[v] = struct{}{}
	}
	return slices.DeleteFunc(slices.Clone(a), func(v T) bool { _, ok := in[v]; return ok })
}
