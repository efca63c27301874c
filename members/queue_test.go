package members

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"conjunct/policy"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// emptied is a queue from which everything was taken.
func emptied(limit int) *queue {
	q := newQueue(limit, noon)
	q.takeAll()
	q.done()
	return q
}

func TestQueue_CoalescesTheChangesOfAGroup(t *testing.T) {
	q := emptied(100)
	q.offer(Update{Revision: 5, Group: "a", Adds: addrs(1, 2)}, noon)
	q.offer(Update{Revision: 6, Group: "b", Adds: addrs(1, 1)}, noon)
	q.offer(Update{Revision: 7, Group: "a", Removes: addrs(1, 1), Adds: addrs(3, 1)}, noon.Add(time.Second))
	require.Equal(t, 2+3+1, q.size)
	w, ok := q.take()
	require.True(t, ok)
	require.Equal(t, work{"a", pending{revision: 7, since: noon, changes: map[netip.Prefix]bool{
		addrs(1, 1)[0]: false, addrs(2, 1)[0]: true, addrs(3, 1)[0]: true,
	}}}, w)
	w, _ = q.take()
	require.Equal(t, policy.GroupID("b"), w.group)
	_, ok = q.take()
	require.False(t, ok)
	require.Zero(t, q.size)
	require.Equal(t, noon, q.waiting(), "taken and not done")
	q.done()
	require.True(t, q.waiting().IsZero())
}

func TestQueue_ForgetsDetailRatherThanGrow(t *testing.T) {
	q := emptied(10)
	q.offer(Update{Group: "a", Adds: addrs(1, 5)}, noon)
	q.offer(Update{Group: "b", Adds: addrs(1, 20)}, noon)
	require.False(t, q.pending["a"].whole)
	require.True(t, q.pending["b"].whole, "too much at once: the group as a whole")
	q.offer(Update{Group: "c", Adds: addrs(1, 2)}, noon)
	require.Equal(t, 3+5+2, q.size)
	q.offer(Update{Group: "d", Adds: addrs(1, 1)}, noon)
	require.True(t, q.pending["a"].whole, "no room for another group: no detail of any")
	require.Equal(t, 4, q.size)
	for _, g := range []policy.GroupID{"e", "f", "g", "h", "i", "j"} {
		q.offer(Update{Group: g}, noon)
	}
	require.False(t, q.everything)
	q.offer(Update{Group: "k"}, noon.Add(time.Second))
	require.True(t, q.everything, "no room for the names of groups: everything")
	require.Zero(t, q.size)
	require.Equal(t, noon, q.waiting())
	q.offer(Update{Group: "a", Adds: addrs(1, 1)}, noon)
	require.Empty(t, q.pending, "everything covers it")
	require.True(t, q.takeAll())
	require.False(t, q.takeAll())
	require.EqualValues(t, 4, q.overflows)
}

// Whoever does what the queue hands out has what was offered, and the queue stays within its limit.
func TestQueue_NothingIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 30).Draw(t, "limit")
		q := emptied(limit)
		type state map[policy.GroupID]map[netip.Prefix]bool
		truth, copied := state{}, state{}
		groups := rapid.SampledFrom([]policy.GroupID{"a", "b", "c", "d"})
		for _, g := range []policy.GroupID{"a", "b", "c", "d"} {
			truth[g], copied[g] = map[netip.Prefix]bool{}, map[netip.Prefix]bool{}
		}
		drain := func(t *rapid.T, n int) {
			if q.takeAll() {
				for g := range truth {
					copied[g] = maps.Clone(truth[g])
				}
			}
			for ; n > 0; n-- {
				w, ok := q.take()
				if !ok {
					return
				}
				if w.whole {
					require.Nil(t, w.changes)
					copied[w.group] = maps.Clone(truth[w.group])
				}
				for p, isMember := range w.changes {
					if isMember {
						copied[w.group][p] = true
					} else {
						delete(copied[w.group], p)
					}
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"offer": func(t *rapid.T) {
				g, n := groups.Draw(t, "group"), rapid.IntRange(0, 8)
				u := Update{Group: g, Adds: addrs(n.Draw(t, "from"), n.Draw(t, "n")), Removes: addrs(100, 0)}
				for _, p := range addrs(n.Draw(t, "from"), n.Draw(t, "n")) {
					if !slices.Contains(u.Adds, p) {
						u.Removes = append(u.Removes, p)
						delete(truth[g], p)
					}
				}
				for _, p := range u.Adds {
					truth[g][p] = true
				}
				q.offer(u, noon)
			},
			"look":  func(t *rapid.T) { q.look(groups.Draw(t, "group"), noon) },
			"all":   func(t *rapid.T) { q.all(noon) },
			"drain": func(t *rapid.T) { drain(t, rapid.IntRange(0, 3).Draw(t, "n")) },
			"": func(t *rapid.T) {
				size := len(q.pending)
				for _, p := range q.pending {
					size += len(p.changes)
				}
				require.Equal(t, size, q.size)
				require.LessOrEqual(t, q.size, limit)
				require.Len(t, q.order, len(q.pending))
			},
		})
		drain(t, 1000)
		require.Equal(t, truth, copied)
	})
}
