package controller

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

// historian leads a model through random batches and seatings. Its objects come from several random worlds that use the same
// ids, so that everything about an object may change, and mixtures occur.
type historian struct {
	t       *testing.T
	r       *rand.Rand
	worlds  []*policytest.World
	numbers map[policy.Kind]map[string]policy.Number
	objects map[policy.Kind]map[string]policy.Object
	model   *model
	bridges map[policy.HostID]map[openflow.FlowKey]openflow.Flow
	now     int64
	given   policy.Number
}

func newHistorian(t *testing.T, seed uint64) *historian {
	w := &historian{
		t: t, r: rand.New(rand.NewPCG(seed, 2)), numbers: make(map[policy.Kind]map[string]policy.Number),
		objects: make(map[policy.Kind]map[string]policy.Object), bridges: make(map[policy.HostID]map[openflow.FlowKey]openflow.Flow),
		model: newModel(nil, time.Now),
	}
	for i := range uint64(4) {
		w.worlds = append(w.worlds, policytest.New(seed*4+i))
	}
	for _, k := range policy.Kinds() {
		w.numbers[k], w.objects[k] = make(map[string]policy.Number), make(map[string]policy.Object)
	}
	for _, id := range []policy.HostID{"h1", "h2", "h3"} {
		w.bridges[id] = make(map[openflow.FlowKey]openflow.Flow)
		w.model.visit(id).session = new(session) // what changes is kept for it
	}
	return w
}

func (w *historian) chance(n int) bool { return w.r.IntN(n) == 0 }

// candidates are versions of objects that may be written next.
func (w *historian) candidates() (out []policy.Object) {
	world := w.worlds[w.r.IntN(len(w.worlds))]
	for _, k := range policy.Kinds() {
		if k == policy.KindProfile {
			continue // the presets are always there
		}
		for o := range world.Snapshot.All(k) {
			out = append(out, o)
		}
	}
	group := policy.GroupID(fmt.Sprintf("g%d", w.r.IntN(5)))
	for i, target := range []policy.Target{
		{SubnetID: policy.SubnetID(fmt.Sprintf("v%d-s%d", 1+w.r.IntN(2), w.r.IntN(2)))},
		{VPCID: "v1", CIDR: new(policy.CIDR(netip.MustParsePrefix("10.0.0.0/30")))},
		{Tag: map[string]string{"tier": "web"}},
	} {
		out = append(out, &policy.Attachment{Meta: policy.Meta{ID: fmt.Sprintf("a%d", i)}, GroupID: group, Target: target})
	}
	slices.SortFunc(out, func(a, b policy.Object) int {
		if a.Kind() != b.Kind() {
			return slices.Index(policy.Kinds(), a.Kind()) - slices.Index(policy.Kinds(), b.Kind())
		}
		if a.Base().ID < b.Base().ID {
			return -1
		}
		return 1
	})
	return out
}

// write takes some candidates over, by their share in percent or, with 0, just one, removes some objects, and then whatever refers to nothing; it returns the batch.
func (w *historian) write(share int) policy.Batch {
	before := make(map[policy.Kind]map[string]policy.Object)
	for k, m := range w.objects {
		before[k] = maps.Clone(m)
	}
	candidates := w.candidates()
	only := w.r.IntN(len(candidates))
	for i, o := range candidates {
		if share > 0 && w.r.IntN(100) >= share || share == 0 && i != only {
			continue
		}
		o = o.Clone()
		if s, ok := o.(*policy.Subnet); ok && w.chance(2) {
			s.CIDRs = append(s.CIDRs, netip.MustParsePrefix("192.0.2.0/28"))
			s.VLAN += 100 * w.r.IntN(2)
		}
		if i, ok := o.(*policy.Instance); ok && w.chance(2) {
			i.Tags = map[string]string{"tier": "web"}
		}
		if n, ok := o.(policy.Numbered); ok {
			numbers := w.numbers[o.Kind()]
			if numbers[o.Base().ID] == 0 {
				w.given++
				numbers[o.Base().ID] = w.given
			}
			n.SetNumber(numbers[o.Base().ID])
		}
		w.objects[o.Kind()][o.Base().ID] = o
	}
	for _, k := range policy.Kinds() {
		for _, id := range slices.Sorted(maps.Keys(w.objects[k])) {
			if share > 0 && w.chance(25) {
				delete(w.objects[k], id)
				// What comes back under this id has another number.
				delete(w.numbers[k], id)
			}
		}
	}
	for again := true; again; {
		again = false
		for k, m := range w.objects {
			for id, o := range m {
				if slices.ContainsFunc(o.References(), func(r policy.Ref) bool { return w.objects[r.Kind][r.ID] == nil && r.Kind != policy.KindProfile }) {
					delete(w.objects[k], id)
					again = true
				}
			}
		}
	}
	w.now++
	b := policy.Batch{Revision: w.now}
	for _, k := range policy.Kinds() {
		ids := maps.Clone(before[k])
		maps.Copy(ids, w.objects[k])
		for id := range ids {
			if was, is := before[k][id], w.objects[k][id]; was != is {
				b.Changes = append(b.Changes, policy.Change{Kind: k, ID: id, Object: is, Before: was})
			}
		}
	}
	return b
}

// reseat changes who sits where on a host.
func (w *historian) reseat(h *host) {
	now := seating{seats: maps.Clone(h.seating.seats), uplinks: h.seating.uplinks}
	if now.seats == nil {
		now.seats = make(map[uint16]seat)
	}
	for range 1 + w.r.IntN(3) {
		n := uint16(1 + w.r.IntN(5))
		delete(now.seats, n)
		iface := fmt.Sprintf("vm%d", w.r.IntN(7))
		taken := slices.ContainsFunc(slices.Collect(maps.Values(now.seats)), func(s seat) bool { return s.iface == iface })
		if !taken && !w.chance(4) {
			now.seats[n] = seat{name: fmt.Sprintf("tap%d", n), iface: iface, ofport: n, mac: fmt.Sprint(w.r.IntN(2))}
		}
	}
	if w.chance(3) {
		now.uplinks = [][]uint16{nil, {40}, {40, 41}}[w.r.IntN(3)]
	}
	w.model.mu.Lock()
	w.model.seat(h, now)
	w.model.mu.Unlock()
}

// flush does what a session does: it takes what changed to the bridge.
func (w *historian) flush(h *host) {
	t := h.take()
	bridge := w.bridges[h.id]
	if t.changes.Full {
		clear(bridge)
		for f := range h.flows.All() {
			bridge[f.Key()] = f
		}
		h.sum, h.summed = w.sum(h), true
	}
	st := step{add: t.changes.Add, remove: t.changes.Delete}
	for m := range st.mods(nil) {
		delete(bridge, m.Flow.Key())
		if m.Command == openflow.FlowAdd {
			bridge[m.Flow.Key()] = m.Flow
		}
	}
	require.True(w.t, h.summed)
	require.Equal(w.t, w.sum(h), h.sum, "the sum that follows changes is that of the flows")
	h.confirm()
}

// sum sums what the host's bridge has.
func (w *historian) sum(h *host) (s openflow.FlowSum) {
	for _, f := range w.bridges[h.id] {
		w.model.hasher.Add(&s, &f)
	}
	return s
}

// check compares with the short way round: everything computed at once from the snapshot.
func (w *historian) check(h *host) {
	w.t.Helper()
	var ids []policy.PortID
	ofports := make(map[policy.PortID]uint16)
	for n, s := range h.seating.seats {
		for id, o := range w.objects[policy.KindPort] {
			if o.(*policy.Port).IfaceID == s.iface {
				ids = append(ids, policy.PortID(id))
				ofports[policy.PortID(id)] = n
			}
		}
	}
	slices.Sort(ids)
	s := policy.NewSnapshot("")
	for _, k := range policy.Kinds() {
		for _, o := range w.objects[k] {
			s.Put(o)
		}
	}
	wanted := flows.Compile(s, policy.Resolve(s, h.id, ids), ofports, h.seating.uplinks)
	is := slices.SortedFunc(h.flows.All(), flows.Compare)
	require.Equal(w.t, flowTexts(wanted), flowTexts(is), "host %s at revision %d", h.id, w.now)
}

func flowTexts(list []openflow.Flow) []string {
	out := make([]string, 0, len(list))
	for i := range list {
		out = append(out, list[i].String())
	}
	slices.Sort(out)
	return out
}

func (w *historian) hosts() (out []*host) {
	for _, id := range w.model.hostIDs() {
		out = append(out, w.model.hosts[id])
	}
	return out
}

// Whatever the history, each host wants what a fresh computation from the same snapshot says, its bridge gets there by what
// it was sent, and a batch that does not touch a host does not change its flows.
func TestModel_PathDoesNotMatter(t *testing.T) {
	histories := 40
	if testing.Short() {
		histories = 10
	}
	for seed := range histories {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newHistorian(t, uint64(seed))
			w.model.apply(w.write(70))
			for range 50 {
				for _, h := range w.hosts() {
					if w.chance(3) {
						w.reseat(h)
					}
					if w.chance(2) {
						w.flush(h)
					}
				}
				clean := make(map[*host]bool)
				for _, h := range w.hosts() {
					clean[h] = !h.flows.Dirty()
				}
				b := w.write([]int{0, 0, 0, 2, 40}[w.r.IntN(5)])
				w.model.apply(b)
				for _, h := range w.hosts() {
					w.check(h)
					if clean[h] && h.progress.desired != b.Revision {
						c := h.flows.Changes()
						require.True(t, c.Empty(), "host %s was not touched by the batch", h.id)
						require.False(t, h.progress.behind(b.Revision))
					}
				}
			}
			for _, h := range w.hosts() {
				w.flush(h)
				bridge := slices.Collect(maps.Values(w.bridges[h.id]))
				require.Equal(t, flowTexts(slices.Collect(h.flows.All())), flowTexts(bridge), "bridge of %s", h.id)
				require.False(t, h.progress.behind(w.now))
				require.Equal(t, w.now, h.progress.applied(w.now))
			}
		})
	}
}

// onePort is a model with one port, of the groups, plugged in on one host; the VPC has the profile.
func onePort(t *testing.T, profile policy.ProfileName, groups ...policy.GroupID) (*policytest.World, *model, *host) {
	t.Helper()
	w := policytest.Empty()
	w.Put(&policy.VPC{Meta: policy.Meta{ID: "v"}, Name: "v", ProjectID: "p", Profile: profile})
	w.Put(&policy.Subnet{Meta: policy.Meta{ID: "s"}, Name: "s", VPCID: "v", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}})
	for _, g := range groups {
		w.Put(&policy.Group{Meta: policy.Meta{ID: string(g)}, Name: string(g), ProjectID: "p"})
	}
	for _, o := range vm("vm1", 1, groups...) {
		w.Put(o)
	}
	m := newModel(nil, time.Now)
	m.load(w.Snapshot)
	h := m.visit("h1")
	m.mu.Lock()
	m.seat(h, seating{seats: map[uint16]seat{1: {iface: "vm1", ofport: 1}}})
	m.mu.Unlock()
	return w, m, h
}

// A port without a group has the default group from when there is one until it is gone.
func TestModel_DefaultGroupComesLater(t *testing.T) {
	w, m, h := onePort(t, policy.ProfileIsolated)
	require.Empty(t, h.flows.Port(1).Class.Groups)
	g := &policy.Group{Meta: policy.Meta{ID: "default"}, Name: "default-allow-egress", ProjectID: "p", Origin: policy.OriginDefault}
	w.Put(g)
	m.apply(policy.Batch{Revision: 1, Changes: []policy.Change{{Kind: policy.KindGroup, ID: "default", Object: g}}})
	require.Equal(t, policy.NumberSetOf(g.Number), h.flows.Port(1).Class.Groups)
	require.Equal(t, g.Number, policy.Number(1))
	m.apply(policy.Batch{Revision: 2, Changes: []policy.Change{{Kind: policy.KindGroup, ID: "default", Before: g}}})
	require.Empty(t, h.flows.Port(1).Class.Groups)
}

// A port is open in a direction while none of its groups has a rule for it, where the profile says so: the first such rule
// closes it, and the removal of the last opens it again.
func TestA009_A010_A011_FirstRuleClosesPort(t *testing.T) {
	_, m, h := onePort(t, policy.ProfileOpenUntilRuled, "g")
	open := func() (out []policy.Direction) {
		for _, d := range policy.Directions {
			if h.flows.Port(1).Class.Open(d) {
				out = append(out, d)
			}
		}
		return out
	}
	require.Equal(t, []policy.Direction{policy.Egress, policy.Ingress}, open())
	port := 22
	r := &policy.Rule{
		Meta: policy.Meta{ID: "r"}, GroupID: "g", Number: 1, Direction: policy.Ingress, Protocol: policy.TCP, PortMin: &port, PortMax: &port,
		Remote: policy.Remote{Any: true}, Action: policy.Allow,
	}
	m.apply(policy.Batch{Revision: 1, Changes: []policy.Change{{Kind: policy.KindRule, ID: "r", Object: r}}})
	require.Equal(t, []policy.Direction{policy.Egress}, open())
	m.apply(policy.Batch{Revision: 2, Changes: []policy.Change{{Kind: policy.KindRule, ID: "r", Before: r}}})
	require.Equal(t, []policy.Direction{policy.Egress, policy.Ingress}, open())
}

// What waits for a bridge that is away does not pile up with what changes meanwhile.
func TestModel_NothingPilesUpForAHostThatIsAway(t *testing.T) {
	w := newHistorian(t, 7)
	h := w.model.hosts["h1"]
	for len(h.plugs) == 0 {
		w.model.apply(w.write(70))
		w.reseat(h)
	}
	w.flush(h)
	h.session = nil
	for range 50 {
		w.model.apply(w.write(40))
		require.False(t, h.flows.Dirty() && h.progress.desired == w.now)
	}
	require.True(t, h.progress.behind(w.now))
}

// Whom a revision concerns is not known before the model has it: nobody is told that it is applied.
func TestModel_BehindWaitsForTheRevision(t *testing.T) {
	st := openStore(t)
	c, _ := start(t, Options{Store: st}, func(l *limits) { l.model = time.Second })
	written := put(t, st, basics()...)
	eventually(t, func() bool { return c.model.revision() == written })
	c.model.visit("h1")
	behind, _ := c.Behind(1 << 40)
	require.Equal(t, []policy.HostID{"h1"}, behind)
	answered := make(chan []policy.HostID)
	ahead := c.model.revision() + 1
	go func() { behind, _ := c.Behind(ahead); answered <- behind }()
	select {
	case <-answered:
		t.Error("the model does not have the revision yet")
	case <-time.After(50 * time.Millisecond):
	}
	c.model.apply(policy.Batch{Revision: ahead})
	require.Empty(t, <-answered)
}

func (m *model) revision() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.snapshot.Revision
}
