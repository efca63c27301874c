package controller

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/policy"
	"conjunct/policy/policytest"
	"conjunct/store"
)

// walk leads a store through random changes. What is written comes from several random worlds that use the same ids, so that
// everything about an object may change; what the store refuses is left out.
type walk struct {
	t      *testing.T
	r      *rand.Rand
	st     *store.Store
	worlds []*policytest.World
	kinds  map[string]int // how often each kind of step was made
	ifaces []string
}

func newWalk(t *testing.T, seed uint64) *walk {
	w := &walk{t: t, r: rand.New(rand.NewPCG(seed, 3)), st: openStore(t), kinds: make(map[string]int)}
	for i := range uint64(4) {
		w.worlds = append(w.worlds, policytest.New(seed*4+i))
	}
	for i := range 8 {
		w.ifaces = append(w.ifaces, fmt.Sprintf("vm%d", i))
	}
	w.fill()
	return w
}

// fill writes what there is of the first world.
func (w *walk) fill() {
	for _, o := range objectsOf(w.worlds[0].Snapshot) {
		w.try("fill", func(tx policy.Tx) error { return tx.Put(fresh(o)) })
	}
}

// objectsOf lists a state's objects, what others refer to first.
func objectsOf(s *policy.Snapshot) (out []policy.Object) {
	for _, k := range policy.Kinds() {
		all := slices.SortedFunc(s.All(k), func(a, b policy.Object) int { return cmp.Compare(a.Base().ID, b.Base().ID) })
		for _, o := range all {
			if _, ships := policy.Preset(policy.ProfileName(o.Base().ID)); k != policy.KindProfile || !ships {
				out = append(out, o)
			}
		}
	}
	return out
}

// fresh is an object as a request has it: the store sets the rest.
func fresh(o policy.Object) policy.Object {
	o = o.Clone()
	o.Base().Revision = 0
	if n, ok := o.(policy.Numbered); ok {
		n.SetNumber(0)
	}
	return o
}

func (w *walk) chance(n int) bool { return w.r.IntN(n) == 0 }

// now is the store's state.
func (w *walk) now() (s *policy.Snapshot) {
	w.st.View(func(v *policy.Snapshot) { s = v.Clone() })
	return s
}

// try makes a transaction, and reports whether the store took it and something has changed.
func (w *walk) try(what string, fn func(policy.Tx) error) (revision int64, changed bool) {
	before := w.st.Revision()
	revision, err := w.st.Update(context.Background(), fn)
	if err != nil || revision == before {
		return 0, false
	}
	w.kinds[what]++
	return revision, true
}

// step changes something; it tries until the store takes it.
func (w *walk) step() int64 {
	for tries := 0; ; tries++ {
		kind := w.r.IntN(8)
		if tries == 100 { // Too little is left for anything to be written.
			w.fill()
			return w.st.Revision()
		}
		var revision int64
		var changed bool
		switch kind {
		case 0:
			revision, changed = w.remove()
		case 1, 2:
			revision, changed = w.replace("several at once", 2+w.r.IntN(12))
		default:
			revision, changed = w.replace("one object", 1)
		}
		if changed {
			return revision
		}
	}
}

// replace writes objects of another world over those that have their ids, or beside them, with their default groups.
func (w *walk) replace(what string, n int) (int64, bool) {
	from := objectsOf(w.worlds[w.r.IntN(len(w.worlds))].Snapshot)
	objects := make(map[policy.Object]bool)
	for range n {
		objects[from[w.r.IntN(len(from))]] = true
	}
	if n == 1 {
		for o := range objects {
			what = "write " + string(o.Kind())
		}
	}
	return w.try(what, func(tx policy.Tx) error {
		for _, o := range from { // in their order
			if !objects[o] {
				continue
			}
			if err := tx.Put(fresh(o)); err != nil {
				return err
			}
			if err := policy.EnsureDefaults(tx, nil, o); err != nil {
				return err
			}
		}
		return nil
	})
}

// remove deletes an object and what needs it.
func (w *walk) remove() (int64, bool) {
	all := objectsOf(w.now())
	if len(all) == 0 {
		return 0, false
	}
	o := all[w.r.IntN(len(all))]
	if (o.Kind() == policy.KindProject || o.Kind() == policy.KindVPC) && !w.chance(20) {
		return 0, false // Little would be left.
	}
	return w.try("delete "+string(o.Kind()), func(tx policy.Tx) error { return removeAll(tx, o) })
}

// removeAll deletes an object, first of all what refers to it; lists of groups get shorter.
func removeAll(tx policy.Tx, o policy.Object) error {
	for _, k := range slices.Backward(policy.Kinds()) {
		for _, other := range slices.Collect(tx.Snapshot().All(k)) {
			refers := slices.ContainsFunc(other.References(), func(r policy.Ref) bool { return r.Kind == o.Kind() && r.ID == o.Base().ID })
			if _, still := tx.Snapshot().Get(k, other.Base().ID); !refers || !still {
				continue
			}
			if err := detach(tx, other, o); err != nil {
				return err
			}
		}
	}
	return tx.Delete(o.Kind(), o.Base().ID)
}

func detach(tx policy.Tx, from, o policy.Object) error {
	is := func(id policy.GroupID) bool { return o.Kind() == policy.KindGroup && string(id) == o.Base().ID }
	switch c := fresh(from).(type) {
	case *policy.Instance:
		if slices.ContainsFunc(c.SecurityGroupIDs, is) {
			c.SecurityGroupIDs = slices.DeleteFunc(c.SecurityGroupIDs, is)
			return tx.Put(c)
		}
	case *policy.Port:
		if slices.ContainsFunc(c.SecurityGroupIDs, is) {
			c.SecurityGroupIDs = slices.DeleteFunc(c.SecurityGroupIDs, is)
			return tx.Put(c)
		}
	}
	return removeAll(tx, from)
}

// compiled is what a host should hold in a state, computed at once: seats are the iface ids by port number.
func compiled(s *policy.Snapshot, host policy.HostID, seats map[int64]string, uplinks ...uint16) string {
	var ids []policy.PortID
	ofports := make(map[policy.PortID]uint16)
	for n, iface := range seats {
		for _, p := range policy.List(s, func(p *policy.Port) bool { return p.IfaceID == iface }) {
			ids = append(ids, policy.PortID(p.ID))
			ofports[policy.PortID(p.ID)] = uint16(n)
		}
	}
	slices.Sort(ids)
	return picture(flows.Compile(s, policy.Resolve(s, host, ids), ofports, uplinks))
}

// stage is two hosts in this process with who sits where.
type stage struct {
	*walk
	c     *Controller
	hosts []*hypervisor
	films map[policy.HostID]*film
	seats map[policy.HostID]map[int64]string
}

func newStage(t *testing.T, seed uint64) *stage {
	s := &stage{walk: newWalk(t, seed), films: make(map[policy.HostID]*film), seats: make(map[policy.HostID]map[int64]string)}
	s.c, _ = start(t, Options{Store: s.st, DriftInterval: time.Hour})
	for _, id := range []policy.HostID{"hv1", "hv2"} {
		f := &film{}
		s.films[id], s.seats[id] = f, make(map[int64]string)
		h := newHypervisor(t, id, s.c, f.carried)
		s.hosts = append(s.hosts, h)
		awaitState(t, s.c, id, policy.HostReady)
		require.NoError(t, h.db.AddUplink("br-int", "uplink", 100))
	}
	for i, iface := range s.ifaces {
		h := s.hosts[i%2]
		h.plug(iface, int64(i+1))
		s.seats[h.id][int64(i+1)] = iface
	}
	s.await(s.now())
	for _, f := range s.films {
		f.cut(t)
	}
	return s
}

// await waits until every host holds what the state compiles to.
func (s *stage) await(state *policy.Snapshot) {
	s.t.Helper()
	for _, h := range s.hosts {
		want := compiled(state, h.id, s.seats[h.id], 100)
		for end := time.Now().Add(patience); h.sw.Dump() != want; time.Sleep(2 * time.Millisecond) {
			if time.Now().After(end) {
				require.Equal(s.t, want, h.sw.Dump(), "%s at revision %d", h.id, state.Revision)
			}
		}
	}
}

// requireFilms holds what the switches went through against the states that were wanted.
func (s *stage) requireFilms(states ...*policy.Snapshot) {
	s.t.Helper()
	for _, h := range s.hosts {
		var wanted []string
		for _, state := range states {
			wanted = append(wanted, compiled(state, h.id, s.seats[h.id], 100))
		}
		requireHistory(s.t, s.films[h.id].cut(s.t), wanted, fmt.Sprintf("%s, revisions %d to %d", h.id, states[0].Revision, states[len(states)-1].Revision))
	}
}

// TestSequence_RandomChanges makes random changes, one at a time and in bursts, and applies and reverts some: afterwards each
// switch holds what a fresh computation says, and in between no packet met a table that was not wanted at some time.
func TestSequence_RandomChanges(t *testing.T) {
	walks, steps := 6, 60
	if testing.Short() {
		walks, steps = 2, 15
	}
	kinds := make(map[string]int)
	for seed := range uint64(walks) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := newStage(t, seed)
			for range steps {
				states := []*policy.Snapshot{s.now()}
				burst := 1
				if s.chance(4) {
					burst += s.r.IntN(5)
				}
				for range burst {
					s.step()
					states = append(states, s.now())
				}
				s.await(states[len(states)-1])
				s.requireFilms(states...)
			}
			maps.Copy(kinds, s.kinds)
		})
	}
	t.Log(kinds)
	if !testing.Short() {
		for _, k := range []policy.Kind{policy.KindRule, policy.KindPort, policy.KindInstance, policy.KindGroup, policy.KindVPC, policy.KindSubnet, policy.KindEntry, policy.KindAttachment, policy.KindProject} {
			require.NotZero(t, kinds["write "+string(k)], "no %s was written alone", k)
		}
	}
}

// TestSequence_ApplyAndRevert applies random changes and takes them back: the tables are what they were.
func TestSequence_ApplyAndRevert(t *testing.T) {
	s := newStage(t, 100)
	for range 25 {
		before := s.now()
		dumps := map[policy.HostID]string{}
		for _, h := range s.hosts {
			dumps[h.id] = h.sw.Dump()
		}
		if _, changed := s.replace("several at once", 10); !changed {
			continue
		}
		after := s.now()
		s.await(after)
		_, err := s.st.Update(t.Context(), func(tx policy.Tx) error {
			for _, o := range objectsOf(before) {
				if err := tx.Put(fresh(o)); err != nil {
					return err
				}
			}
			for _, o := range slices.Backward(objectsOf(after)) {
				if _, was := before.Get(o.Kind(), o.Base().ID); !was {
					if err := tx.Delete(o.Kind(), o.Base().ID); err != nil {
						return err
					}
				}
			}
			return nil
		})
		require.NoError(t, err)
		s.await(s.now())
		for _, h := range s.hosts {
			require.Equal(t, dumps[h.id], h.sw.Dump(), "%s", h.id)
		}
		s.requireFilms(before, after, s.now())
	}
}

// TestSequence_RandomMigrations plugs, unplugs and moves VMs between hosts while policy changes.
func TestSequence_RandomMigrations(t *testing.T) {
	s := newStage(t, 200)
	for range 30 {
		h := s.hosts[s.r.IntN(2)]
		n := int64(1 + s.r.IntN(12))
		iface := s.ifaces[s.r.IntN(len(s.ifaces))]
		seats := s.seats[h.id]
		free := !slices.Contains(slices.Collect(maps.Values(seats)), iface)
		switch _, taken := seats[n]; {
		case taken:
			h.unplug(n)
			delete(seats, n)
		case free:
			h.plug(iface, n)
			seats[n] = iface
		}
		s.step()
		s.await(s.now())
	}
	for _, f := range s.films {
		f.cut(t)
	}
}

// TestSequence_RandomChangesReal walks the same way over a real switch: after each step its flows, dumped over OpenFlow, are those of a
// fresh computation, actions and cookies included.
func TestSequence_RandomChangesReal(t *testing.T) {
	sw := newRealSwitch(t, "hv1")
	w := newWalk(t, 300)
	c, _ := start(t, Options{Store: w.st, Bridge: Bridge{DatapathType: "dummy"}, DriftInterval: time.Hour})
	sw.run("ovs-vsctl", "set-manager", "tcp:"+c.OVSDBAddr().String())
	awaitState(t, c, "hv1", policy.HostReady)
	seats := make(map[int64]string)
	plug := func(n int64, iface string) {
		sw.run("ovs-vsctl", "add-port", "br-int", fmt.Sprintf("tap%d", n), "--", "set", "Interface", fmt.Sprintf("tap%d", n), "type=dummy",
			fmt.Sprintf("ofport_request=%d", n), "external_ids:iface-id="+iface)
		seats[n] = iface
	}
	for i, iface := range w.ifaces {
		plug(int64(i+1), iface)
	}
	steps := 60
	if testing.Short() {
		steps = 10
	}
	for step := range steps {
		if step%5 == 4 {
			n := int64(1 + w.r.IntN(len(w.ifaces)))
			if iface, there := seats[n]; there {
				sw.run("ovs-vsctl", "del-port", "br-int", fmt.Sprintf("tap%d", n))
				delete(seats, n)
				plug(n+20, iface)
			}
		}
		w.step()
		state := w.now()
		want := compiled(state, "hv1", seats)
		var have string
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if have = sw.dump(); have == want {
				break
			}
		}
		require.Equal(t, want, have, "step %d", step)
	}
	t.Log(w.kinds)
}

// dump is the switch's flows as picture has them.
func (s *realSwitch) dump() string {
	lines := strings.Split(s.flows("br-int"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
