package controller

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/policy"
)

// bookkeeping is a world of switches that count, the ledger that follows them, and what was counted in truth.
type bookkeeping struct {
	t     *rapid.T
	clock time.Time
	l     *ledger
	store map[string][]byte
	truth map[counter]uint64
	told  bool               // a last count was heard since the last save
	lost  bool               // a last count was not heard, or not saved
	shown map[counter]uint64 // at the last look
	hosts map[policy.HostID]*countingSwitch
}

// countingSwitch is a switch with one flow per counter that is installed, and what it has to say of removed ones.
type countingSwitch struct {
	flows   map[flowID]*countingFlow
	removed []counted // to be told, in order
	reading []counted // what a reading under way has seen; nil: none is
}

type countingFlow struct {
	counted
	since time.Time
}

func newBookkeeping(t *rapid.T) *bookkeeping {
	b := &bookkeeping{
		t: t, clock: time.Unix(1_800_000_000, 0), store: make(map[string][]byte), truth: make(map[counter]uint64),
		shown: make(map[counter]uint64), hosts: make(map[policy.HostID]*countingSwitch),
	}
	for _, id := range []policy.HostID{"hv1", "hv2"} {
		b.hosts[id] = &countingSwitch{flows: make(map[flowID]*countingFlow)}
	}
	b.start()
	return b
}

var bookedRules = []policy.Number{1, 2, 70}

// start begins with what was saved, as a new process does.
func (b *bookkeeping) start() {
	b.l = newLedger()
	s := policy.NewSnapshot(policy.ProfileIsolated)
	for _, n := range bookedRules {
		s.Put(&policy.Rule{Meta: policy.Meta{ID: string(rune('a' + n))}, Number: n})
	}
	require.NoError(b.t, b.l.load(maps.Clone(b.store), s, b.clock))
	for _, sw := range b.hosts {
		sw.reading = nil
	}
}

func (b *bookkeeping) save() {
	_, err := b.l.save(context.Background(), func(_ context.Context, values map[string][]byte) error {
		for name, v := range values {
			b.store[name] = v
			if v == nil {
				delete(b.store, name)
			}
		}
		return nil
	})
	require.NoError(b.t, err)
	b.told = false
}

func (b *bookkeeping) host() (policy.HostID, *countingSwitch) {
	id := rapid.SampledFrom([]policy.HostID{"hv1", "hv2"}).Draw(b.t, "host")
	return id, b.hosts[id]
}

func (sw *countingSwitch) say(f *countingFlow, now time.Time) counted {
	c := f.counted
	c.age, c.born, c.last = now.Sub(f.since), time.Duration(f.since.UnixNano()), now.Unix()
	return c
}

func (sw *countingSwitch) remove(id flowID, now time.Time) {
	if f := sw.flows[id]; f != nil {
		sw.removed = append(sw.removed, sw.say(f, now))
		delete(sw.flows, id)
	}
}

// tell lets the controller hear of n removals.
func (b *bookkeeping) tell(id policy.HostID, n int) {
	sw := b.hosts[id]
	for range min(n, len(sw.removed)) {
		b.l.removed(id, sw.removed[0])
		b.told = true
		sw.removed = sw.removed[1:]
	}
}

func (b *bookkeeping) read(id policy.HostID) {
	sw := b.hosts[id]
	if sw.reading == nil {
		b.l.begin(id)
		sw.reading = []counted{}
		for _, f := range sw.flows {
			sw.reading = append(sw.reading, sw.say(f, b.clock))
		}
	}
	b.l.take(id, sw.reading, b.clock)
	sw.reading = nil
}

// check holds what is shown against what was shown before and what is true.
func (b *bookkeeping) check() {
	for _, n := range bookedRules {
		c := counter{flows.CookieRule, n}
		now := b.l.show(c).Packets
		require.GreaterOrEqual(b.t, now, b.shown[c], "rule %d goes back", n)
		require.LessOrEqual(b.t, now, b.truth[c], "rule %d counts more than there was", n)
		b.shown[c] = now
	}
}

// Counters follow what switches say, whatever comes between: flows that go and come back by the same name, last counts that come
// late or get lost with their connection, readings that are overtaken, switches that restart, and processes that are killed. What
// is shown never goes back and is never more than what was counted; and it is exactly that when every last count was told.
func TestLedger_NeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBookkeeping(t)
		t.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { b.check() },
			"packets": func(t *rapid.T) {
				_, sw := b.host()
				for _, f := range sw.flows {
					n := rapid.Uint64Range(0, 5).Draw(t, "packets")
					f.packets, f.bytes = f.packets+n, f.bytes+100*n
					b.truth[f.of] += n
				}
			},
			"add": func(t *rapid.T) {
				_, sw := b.host()
				n := rapid.SampledFrom(bookedRules).Draw(t, "rule")
				id := flowID(n)
				if n > 2 && rapid.Bool().Draw(t, "moved") { // A rule may have flows by several names.
					id++
				}
				if sw.flows[id] == nil {
					sw.flows[id] = &countingFlow{counted{id: id, of: counter{flows.CookieRule, n}}, b.clock}
				}
			},
			"remove": func(t *rapid.T) {
				_, sw := b.host()
				sw.remove(flowID(rapid.SampledFrom(bookedRules).Draw(t, "rule")), b.clock)
			},
			"time": func(t *rapid.T) {
				b.clock = b.clock.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "seconds")) * time.Second)
				// A last count comes within a few seconds, or never.
				for id, sw := range b.hosts {
					b.tell(id, len(sw.removed))
				}
			},
			"tell": func(t *rapid.T) { id, _ := b.host(); b.tell(id, 1) },
			"begin": func(*rapid.T) {
				id, sw := b.host()
				if sw.reading == nil {
					b.l.begin(id)
					sw.reading = []counted{}
					for _, f := range sw.flows {
						sw.reading = append(sw.reading, sw.say(f, b.clock))
					}
				}
			},
			"read": func(*rapid.T) { // What was said before the reading's end is heard before it.
				id, sw := b.host()
				b.tell(id, len(sw.removed))
				b.read(id)
			},
			"save": func(*rapid.T) { b.save() },
			"read late": func(*rapid.T) { // A flow may be gone, and another one be there by its name, before its last count comes.
				id, _ := b.host()
				b.read(id)
			},
			"kill": func(*rapid.T) {
				b.lost = b.lost || b.told
				b.start()
			},
			"reconnect": func(*rapid.T) {
				_, sw := b.host()
				b.lost = b.lost || len(sw.removed) > 0
				sw.removed, sw.reading = nil, nil
			},
			"switch restarts": func(*rapid.T) {
				_, sw := b.host()
				b.lost = b.lost || len(sw.flows) > 0 || len(sw.removed) > 0
				sw.flows, sw.removed, sw.reading = make(map[flowID]*countingFlow), nil, nil
				b.clock = b.clock.Add(time.Second)
			},
		})
		for id, sw := range b.hosts {
			b.tell(id, len(sw.removed))
			if sw.reading != nil {
				b.read(id)
			}
			b.read(id)
		}
		b.save()
		b.check()
		if !b.lost {
			for c, n := range b.truth {
				require.Equal(t, n, b.l.show(c).Packets, "rule %d", c.number)
			}
		}
		before := maps.Clone(b.shown)
		b.start()
		b.check()
		require.Equal(t, before, b.shown, "what was saved is known again")
	})
}

func TestLedger_UnsavedIsNotShown(t *testing.T) {
	l := newLedger()
	l.rules[5] = struct{}{}
	c := counter{flows.CookieRule, 5}
	at := time.Unix(1_800_000_000, 0)
	l.removed("hv1", counted{id: 9, of: c, tally: tally{7, 700, at.Unix()}})
	require.Zero(t, l.show(c))
	failed := errors.New("full")
	_, err := l.save(t.Context(), func(context.Context, map[string][]byte) error { return failed })
	require.ErrorIs(t, err, failed)
	require.Zero(t, l.show(c))
	saved := make(map[string][]byte)
	keep := func(_ context.Context, values map[string][]byte) error { maps.Copy(saved, values); return nil }
	size, err := l.save(t.Context(), keep)
	require.NoError(t, err)
	require.Positive(t, size)
	utc := at.UTC()
	require.Equal(t, policy.Hits{Packets: 7, Bytes: 700, LastHit: &utc}, l.show(c))
	require.Contains(t, saved, "hv1/4-000000")
	size, err = l.save(t.Context(), keep)
	require.NoError(t, err)
	require.Zero(t, size, "nothing has changed")

	l.follow(policy.Batch{Changes: []policy.Change{{Kind: policy.KindRule, ID: "r", Before: &policy.Rule{Number: 5}}}})
	require.Zero(t, l.show(c), "a rule that is deleted is forgotten")
	l.removed("hv1", counted{id: 9, of: c, tally: tally{7, 700, at.Unix()}})
	_, err = l.save(t.Context(), keep)
	require.NoError(t, err)
	require.Nil(t, saved["hv1/4-000000"])
}

func TestLedger_LoadsWhatItSaved(t *testing.T) {
	rules := policy.NewSnapshot(policy.ProfileIsolated)
	rules.Put(&policy.Rule{Meta: policy.Meta{ID: "r"}, Number: 5})
	for name, value := range map[string]string{"hv1": "{}", "hv1/x": "{}", "hv1/4-000000": "[1]", "hv1/4-000001": `{"live":[[1.5]]}`} {
		require.Error(t, newLedger().load(map[string][]byte{name: []byte(value)}, rules, time.Unix(0, 0)), name)
	}
	l := newLedger()
	require.NoError(t, l.load(map[string][]byte{
		"hv1/4-000000": []byte(`{"gone":[[4,5,1,10,3],[4,6,9,9,9]],"live":[[4,5,2,20,4,77,1000,5],[4,6,2,20,4,78,1000,5]],"leaving":[[4,5,3,30,2,79,1000,5]]}`),
		"hv2/4-000000": []byte(`{"gone":[[4,5,10,100,1]]}`),
	}, rules, time.Unix(100, 0)))
	at := time.Unix(4, 0).UTC()
	require.Equal(t, policy.Hits{Packets: 16, Bytes: 160, LastHit: &at}, l.show(counter{flows.CookieRule, 5}))
	require.Zero(t, l.show(counter{flows.CookieRule, 6}), "no such rule")
}

func FuzzLoadShard(f *testing.F) {
	f.Add([]byte(`{"gone":[[4,5,1,10,3]],"live":[[4,5,2,20,4,77,1000,5]],"leaving":[[4,5,3,30,2,79,1000,5]]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		sh, err := loadShard(b, 100)
		if err != nil {
			return
		}
		again, err := loadShard(sh.save(), 100)
		require.NoError(t, err)
		require.Equal(t, sh.save(), again.save())
	})
}

func TestIDOf(t *testing.T) {
	a, err := openflow.ParseFlow("table=24,priority=100,conj_id=7,actions=drop")
	require.NoError(t, err)
	ids := map[flowID]bool{}
	for _, text := range []string{
		"table=24,priority=100,conj_id=7,actions=drop", "table=44,priority=100,conj_id=7,actions=drop",
		"table=24,priority=101,conj_id=7,actions=drop", "table=24,priority=100,conj_id=8,actions=drop",
	} {
		f, err := openflow.ParseFlow(text)
		require.NoError(t, err)
		ids[idOf(&f)] = true
	}
	require.Len(t, ids, 4)
	require.True(t, ids[idOf(&a)])
}
