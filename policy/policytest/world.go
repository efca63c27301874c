package policytest

import (
	"fmt"
	"math/rand/v2"

	"conjunct/policy"
)

// World is a random state: VPCs with the same addresses, ports with random groups, rules of every kind, every profile.
type World struct {
	Seed     uint64
	Snapshot *policy.Snapshot
	// Ports are all ports, by id; OFPorts gives each a number, as if all were on one host.
	Ports   []*policy.Port
	OFPorts map[policy.PortID]uint16

	r    *rand.Rand
	next map[policy.Kind]policy.Number
}

// Empty makes a world that holds the project p alone, for tests that fill it by hand.
func Empty() *World {
	w := &World{
		Snapshot: policy.NewSnapshot(policy.ProfileIsolated), OFPorts: map[policy.PortID]uint16{}, next: map[policy.Kind]policy.Number{},
	}
	w.Put(&policy.Project{Meta: policy.Meta{ID: "p"}, Name: "p"})
	return w
}

// New makes the world of a seed.
func New(seed uint64) *World {
	w := Empty()
	w.Seed, w.r = seed, rand.New(rand.NewPCG(seed, 1))
	w.profiles()
	w.network()
	for i := range sets {
		w.set(i)
	}
	for i := range groups {
		w.group(i)
	}
	for i := range 4 + w.r.IntN(5) {
		w.port(i)
	}
	for i := range attachments {
		if w.chance(2) {
			w.attachment(i)
		}
	}
	w.defaults()
	for i := range groups {
		for n := range w.r.IntN(rulesOfGroup + 1) {
			w.Put(w.rule(fmt.Sprintf("g%d", i), n))
		}
	}
	for _, g := range policy.List(w.Snapshot, func(g *policy.Group) bool { return g.Origin == policy.OriginDefault }) {
		if w.chance(3) {
			w.Put(w.rule(g.ID, rulesOfGroup))
		}
	}
	return w
}

// Sizes of a world. The address ranges are small, so that packets hit.
const (
	groups       = 6
	sets         = 3
	rulesOfGroup = 5
	attachments  = 4
)

// Put writes an object as the store would, numbers included. An invalid object is the generator's fault.
func (w *World) Put(o policy.Object) {
	policy.Normalize(o, w.Snapshot)
	if n, ok := o.(policy.Numbered); ok && n.GetNumber() == 0 {
		if before, ok := w.Snapshot.Get(o.Kind(), o.Base().ID); ok {
			n.SetNumber(before.(policy.Numbered).GetNumber())
		} else {
			w.next[o.Kind()]++
			n.SetNumber(w.next[o.Kind()])
		}
	}
	w.Snapshot.Put(o)
	if f := policy.Validate(o, w.Snapshot); len(f) > 0 {
		panic(fmt.Sprintf("seed %d: %s %s: %v", w.Seed, o.Kind(), o.Base().ID, f))
	}
}

// writer makes groups that profiles ask for, under ids that are the same each time.
type writer struct{ w *World }

func (t writer) Snapshot() *policy.Snapshot { return t.w.Snapshot }

func (t writer) Put(o policy.Object) error {
	switch o := o.(type) {
	case *policy.Group:
		o.ID = fmt.Sprintf("%s-%s%s", o.Name, o.ProjectID, o.VPCID)
	case *policy.Rule:
		o.ID = fmt.Sprintf("%s-%s", o.GroupID, o.Name)
	}
	t.w.Put(o)
	return nil
}

func (t writer) Delete(k policy.Kind, id string) error {
	t.w.Snapshot.Delete(k, id)
	return nil
}

// defaults makes the groups that the profiles of the projects, VPCs and ports ask for.
func (w *World) defaults() {
	tx := writer{w}
	for _, k := range []policy.Kind{policy.KindProject, policy.KindVPC, policy.KindPort} {
		for _, o := range sorted(w.Snapshot, k) {
			if err := policy.EnsureDefaults(tx, nil, o); err != nil {
				panic(fmt.Sprintf("seed %d: default groups of %s %s: %v", w.Seed, k, o.Base().ID, err))
			}
		}
	}
}

// chance is true once in n.
func (w *World) chance(n int) bool { return w.r.IntN(n) == 0 }

func pick[T any](w *World, from ...T) T { return from[w.r.IntN(len(from))] }
